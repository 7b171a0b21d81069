"""Plans kept in a folder, each named by all that it depends on."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final, NamedTuple

from edge.engines.kept_file import keep
from edge.engines.tensorrt_plan import BUILDER, Plan

_DIGEST: Final = hashlib.sha256().digest_size


class Machine(NamedTuple):
    """What a plan is tied to besides its graph; a Jetson's power modes switch multiprocessors off."""

    tensorrt: str
    cuda: str
    gpu: str
    compute_capability: str
    multiprocessors: int


def plan_key(graph: bytes, batch_max: int, machine: Machine) -> str:
    """A name for the plan of ``graph``: another one wherever anything that it depends on differs."""
    digest = hashlib.sha256(graph).hexdigest()
    parts = (str(BUILDER), digest, str(batch_max), *map(str, machine))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class KeptPlans:
    """The plans in ``folder`` that were built on ``machine`` for one spectrum at a time.

    A plan is code that runs on the GPU: nobody but the device's owner may write into the folder.
    """

    def __init__(self, folder: Path, machine: Machine) -> None:
        self._folder = folder
        self._machine = machine

    def read(self, graph: bytes) -> bytes | None:
        """The plan of ``graph``, if there is a whole one."""
        return _read(self._path(graph))

    def timings(self) -> bytes:
        """What TensorRT has timed on this machine; it makes the next build faster."""
        return _read(self._timings_path()) or b""

    def keep(self, graph: bytes, plan: Plan) -> None:
        """Keep ``plan`` of ``graph`` and its timings; raises `EdgeError` where they can't be written."""
        for path, content in (
            (self._path(graph), plan.content),
            (self._timings_path(), plan.timing_cache),
        ):
            keep(path, hashlib.sha256(content).digest() + content)

    def _path(self, graph: bytes) -> Path:
        return self._folder / f"{plan_key(graph, 1, self._machine)[:32]}.plan"

    def _timings_path(self) -> Path:
        return self._folder / f"{plan_key(b'', 1, self._machine)[:32]}.timings"


def _read(path: Path) -> bytes | None:
    """The content of a file that begins with its digest: TensorRT crashes on a damaged plan."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, content = content[:_DIGEST], content[_DIGEST:]
    return content if hashlib.sha256(content).digest() == digest else None
