"""What an unfinished run remembers on disk, so that the same command goes on where it stopped.

A folder: one safetensors file for each fit begun, and ``run.json``, which says what the run is made
with and names the file of each fit with its SHA-256. It is written last and at once, so that a run
ended at any moment leaves either the older state or the newer one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import safetensors.torch
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError
from safetensors import SafetensorError

from contract.manifest import Sha256
from contract.whole_file import write_whole
from training.errors import CheckpointError, UnfinishedError

FOLDER: Final = "unfinished"
RUN: Final = "run.json"

SAVE_EVERY_S: Final = 10.0
"""Ours: what a power cut may cost, beside the epoch it fell in. A save takes some 50 ms."""

FileName = Annotated[str, StringConstraints(pattern=r"^\d+-[0-9a-f]{16}\.safetensors$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Fit(_Section):
    what: str
    file: FileName
    sha256: Sha256


class _Run(_Section):
    schema_: Literal["loamscan.unfinished/1"] = Field("loamscan.unfinished/1", alias="schema")
    made_with: dict[str, JsonValue] = {}
    fits: list[_Fit] = []


State = dict[str, Any]
"""Tensors by name."""


def _nowhere(state: Callable[[], State], *, finished: bool) -> None:
    """Where nothing is to be remembered."""


@dataclass(frozen=True)
class KeptFit:
    """One fit as a run remembers it: the state it stopped at, or None, and where to put the next.

    ``save(state, finished=...)`` is called after each epoch; ``state`` is asked for only where it is
    kept.
    """

    state: State | None = None
    save: Callable[..., None] = _nowhere


class Unfinished:
    """The folder ``unfinished`` beside a checkpoint to be. Fits are told apart by their order.

    Raises `UnfinishedError` for what can't be gone on with: damaged, or of another run.
    """

    def __init__(self, checkpoint: Path, save_every_s: float = SAVE_EVERY_S) -> None:
        self.folder = checkpoint / FOLDER
        self._run = _read(self.folder)
        self._states = [_tensors(self.folder, fit) for fit in self._run.fits]
        self._begun = 0
        self._pending: dict[int, tuple[str, bytes]] = {}
        self._save_every_s, self._saved_s = save_every_s, time.monotonic()

    @property
    def progress(self) -> str | None:
        """The fit that was last remembered; None where none is."""
        return self._run.fits[-1].what if self._run.fits else None

    def expect(self, what: str, value: JsonValue) -> None:
        """The run is made with ``value`` of ``what``; an error where what is remembered was not."""
        value = json.loads(json.dumps(value))
        known = self._run.made_with.setdefault(what, value)
        if known != value:
            raise UnfinishedError(
                f"{self.folder} is of a run with other {what}{_difference(known, value)}",
                "give the same again, add --restart to throw it away, or name another --out",
            )

    def begin(self, what: str) -> KeptFit:
        """The next fit of the run, which calls itself ``what``."""
        number, self._begun = self._begun, self._begun + 1
        if number < len(self._run.fits) and self._run.fits[number].what != what:
            raise UnfinishedError.unusable(f"{self._run.fits[number].what}, not {what}, came here")
        state = self._states[number] if number < len(self._states) else None
        return KeptFit(state, partial(self._keep, number, what))

    def save(self) -> None:
        """Write down what is not yet: the fits' files first, then the word on them."""
        if not self._pending:
            return
        fits = dict(enumerate(self._run.fits))
        try:
            for number, (what, content) in self._pending.items():
                digest = hashlib.sha256(content).hexdigest()
                fits[number] = _Fit(
                    what=what, file=f"{number}-{digest[:16]}.safetensors", sha256=digest
                )
                write_whole(self.folder / fits[number].file, content)
            self._run.fits = [fits[number] for number in sorted(fits)]
            text = json.dumps(self._run.model_dump(mode="json", by_alias=True), indent=1)
            write_whole(self.folder / RUN, text.encode())
            named = {RUN, *(fit.file for fit in self._run.fits)}
            for path in self.folder.iterdir():
                if path.name not in named:
                    path.unlink()
        except OSError as error:
            raise CheckpointError(
                f"{self.folder} can't be written: {error.strerror}",
                "make room, or name another --out",
            ) from error
        self._pending.clear()
        self._saved_s = time.monotonic()

    def _keep(self, number: int, what: str, state: Callable[[], State], *, finished: bool) -> None:
        """Remember a finished fit for the next save, and save when it is time."""
        due = time.monotonic() - self._saved_s >= self._save_every_s
        if finished or due:
            self._pending[number] = what, _bytes(state())
        if due:
            self.save()


_MEMORY: ContextVar[Unfinished | None] = ContextVar("memory", default=None)


@contextmanager
def remembering(unfinished: Unfinished | None) -> Iterator[None]:
    """Every fit inside is remembered in ``unfinished``; no finished one is lost where a fault ends it."""
    token = _MEMORY.set(unfinished)
    try:
        yield
    except BaseException:
        if unfinished is not None:
            unfinished.save()
        raise
    finally:
        _MEMORY.reset(token)


def begin_fit(what: str) -> KeptFit:
    """The next fit of the run that this is called in, as it is remembered there."""
    memory = _MEMORY.get()
    return KeptFit() if memory is None else memory.begin(what)


@contextmanager
def alone_in(checkpoint: Path) -> Iterator[None]:
    """No other run is at work in the folder ``checkpoint`` inside, or `UnfinishedError` is raised."""
    held = os.open(checkpoint, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(held)
        raise UnfinishedError(
            f"another run is at work in {checkpoint}", "wait for it, or name another --out"
        ) from error
    except OSError:
        # Not every file system has locks; what two runs would do to each other is found out later.
        pass
    try:
        yield
    finally:
        os.close(held)


def forget(checkpoint: Path) -> None:
    """Throw away what an unfinished run left beside the checkpoint to be."""
    folder = checkpoint / FOLDER
    (folder / RUN).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _read(folder: Path) -> _Run:
    path = folder / RUN
    if not path.exists():
        return _Run()
    try:
        return _Run.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UnfinishedError.unusable(f"{path} is damaged, or of another loamscan") from error


def _tensors(folder: Path, fit: _Fit) -> State:
    path = folder / fit.file
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != fit.sha256:
            raise UnfinishedError.unusable(f"{path} is damaged")
        tensors: State = safetensors.torch.load(content)
    except (OSError, SafetensorError) as error:
        raise UnfinishedError.unusable(f"{path} can't be read") from error
    return tensors


def _bytes(state: State) -> bytes:
    content: bytes = safetensors.torch.save({k: v.cpu().contiguous() for k, v in state.items()})
    return content


def _difference(known: JsonValue, value: JsonValue) -> str:
    if not (isinstance(known, dict) and isinstance(value, dict)):
        return f": {known}, not {value}" if not isinstance(value, (dict, list)) else ""
    other = sorted(key for key in known.keys() | value.keys() if known.get(key) != value.get(key))
    return ": " + ", ".join(f"{key} {known.get(key)}, not {value.get(key)}" for key in other)
