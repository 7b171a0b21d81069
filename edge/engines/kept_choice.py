"""The engine that was chosen for a bundle on a machine, kept in a file for the daemon."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Annotated, Final, Literal

import onnxruntime
from pydantic import Field, ValidationError

from contract.bundle import Bundle
from contract.manifest import Precision
from contract.messages import ENGINES_MAX, EngineFigures
from contract.records import Part
from edge.engines.kept_file import keep

_BOARD: Final = Path("/proc/device-tree/model")
_CORES: Final = Path("/proc/cpuinfo")

SCHEMA: Final = "loamscan.engine/1"

EngineName = Annotated[str, Field(pattern=r"^(onnxruntime|tensorrt)/(fp32|fp16|int8)$")]
DEFAULT: Final = "onnxruntime/fp32"


class EngineChoice(Part):
    """The engine that was chosen for a bundle on a machine, and what it was chosen from."""

    schema_: Literal["loamscan.engine/1"] = Field(alias="schema")
    bundle_sha256: str
    runtime: str
    machine: str
    engine: EngineName
    candidates: Annotated[list[EngineFigures], Field(max_length=ENGINES_MAX)]

    @property
    def runs_on(self) -> str:
        """The runtime by name."""
        return self.engine.partition("/")[0]

    @property
    def precision(self) -> Precision:
        """In how many bits."""
        precision: Precision = self.engine.partition("/")[2]  # type: ignore[assignment]
        return precision


def save_choice(folder: Path, choice: EngineChoice) -> Path:
    """Keep ``choice`` in ``folder``, for a daemon to read; raises `EdgeError` where it can't be written."""
    path = _path(folder, choice.bundle_sha256)
    text = choice.model_dump_json(by_alias=True, exclude_unset=True, indent=1) + "\n"
    keep(path, text.encode())
    return path


def read_choice(folder: Path, bundle: Bundle) -> EngineChoice | None:
    """The choice that was made for ``bundle`` on this machine with this runtime, if there is one."""
    try:
        choice = EngineChoice.model_validate_json(_path(folder, bundle.sha256).read_bytes())
    except (OSError, ValidationError):
        return None
    here = (bundle.sha256, runtime(), machine())
    return choice if (choice.bundle_sha256, choice.runtime, choice.machine) == here else None


def runtime() -> str:
    """What runs the graphs."""
    return f"onnxruntime {onnxruntime.__version__}"


def machine() -> str:
    """What timings depend on: architecture, processor, and how many of them."""
    return f"{platform.machine()}, {_processor()}, {os.cpu_count()} cores"


def _processor() -> str:
    """The board where it has a name, and each kind of core.

    Arm kernels give the same model name to all, and tell cores apart by their parts.
    """
    cores = [
        line.partition(":")[2].strip()
        for line in _text(_CORES).splitlines()
        if line.startswith(("model name", "CPU implementer", "CPU part"))
    ]
    return " ".join(dict.fromkeys([_text(_BOARD), *cores])).strip() or "unknown"


def _text(path: Path) -> str:
    """What the kernel says there, nothing where it has no such file."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n")
    except OSError:
        return ""


def _path(folder: Path, sha256: str) -> Path:
    return folder / f"{sha256[:16]}.json"
