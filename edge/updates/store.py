"""The state of updates on disk: read by anybody, changed by one at a time."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from contract.reasons import Reason
from contract.whole_file import make_folder, write_whole
from edge.errors import ConfigError, UpdateError
from edge.updates.state import Place, SlotName, UpdateState

BUNDLE_NAME: Final = "bundle.loam"

SPARE_BYTES: Final = 64 * 1024
"""A state is a few kilobytes, written anew before the old one goes. Ours."""


class Store:
    """A folder with the state, the slots, and the framework's cache.

    The updater and the daemon are two processes: each change is made under a lock, and is on disk as a
    whole before anybody acts on it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "state.json"
        self._spare = folder / "spare"

    def read(self) -> UpdateState:
        """The state; a new one where there is none. Raises `UpdateError` where it can't be read."""
        try:
            return UpdateState.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return UpdateState()
        except PermissionError as error:
            raise UpdateError(
                Reason.UPDATE_STATE_DAMAGED,
                f"{self._path} can't be read: it belongs to user {_owner(self.folder.absolute())}, "
                f"this is user {os.geteuid()}",
                "run this as the daemon's user, who is to own all in that folder",
            ) from error
        except (OSError, ValidationError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is damaged"
            raise UpdateError(
                Reason.UPDATE_STATE_DAMAGED,
                f"{self._path} can't be read: {why}",
                f"replace the storage card; or remove {self._path}, with which the device forgets "
                "what it has seen signed, and update again",
            ) from error

    def change(self, step: Callable[[UpdateState], UpdateState]) -> UpdateState:
        """Take one step from what is on disk; what it came to, on disk too. Raises `UpdateError`."""
        try:
            make_folder(self.folder, 0o700)
            with (self.folder / "state.lock").open("ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                before = self.read()
                after = step(before)
                if after != before:
                    self._write(after.model_dump_json(by_alias=True).encode() + b"\n")
                return after
        except OSError as error:
            raise no_room(self._path, error) from error

    def _write(self, content: bytes) -> None:
        """Write the state, if need be into room that was kept for it: a full disk is to be told of."""
        try:
            write_whole(self._path, content)
        except OSError as error:
            if error.errno != errno.ENOSPC or not self._spare.exists():
                raise
            self._spare.unlink()
            write_whole(self._path, content)
        if not self._spare.exists():
            with suppress(OSError):
                write_whole(self._spare, os.urandom(SPARE_BYTES))

    @property
    def version(self) -> tuple[int, int]:
        """Tells a state from one that took its place: file systems may count whole seconds."""
        try:
            stat = self._path.stat()
        except OSError:
            return 0, 0
        return stat.st_ino, stat.st_mtime_ns

    def slot(self, name: SlotName) -> Path:
        """The folder of a slot."""
        return self.folder / "slots" / name

    def bundle(self, place: Place, factory: Path) -> Path:
        """Where the bundle of a place lies."""
        return factory if place == "factory" else self.slot(place) / BUNDLE_NAME

    def engines(self, place: Place, factory: Path | None) -> Path | None:
        """Where the engines of a place lie, if engines are chosen at all."""
        return factory if place == "factory" or factory is None else self.slot(place) / "engines"

    def check_owner(self) -> None:
        """What another user made here the daemon could not read, and would take for a broken bundle."""
        owner = _owner(self.folder.absolute())
        if owner != os.geteuid():
            raise ConfigError(
                f"{self.folder} belongs to user {owner}, this is user {os.geteuid()}",
                f"run the same command as the daemon's user: sudo -u '#{owner}' ...",
            )

    @contextmanager
    def updating(self) -> Iterator[None]:
        """One updater at a time; raises `UpdateError` where another is at work."""
        self.check_owner()
        try:
            make_folder(self.folder, 0o700)
            lock = (self.folder / "updater.lock").open("ab")
        except OSError as error:
            raise no_room(self.folder, error) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise UpdateBusyError(
                    Reason.UPDATE_UNREACHABLE,
                    f"another updater is at work in {self.folder}",
                    "wait for it; see `loamscan update status`",
                ) from error
            yield


def _owner(path: Path) -> int:
    """Whose ``path`` is, or the nearest folder above that is there."""
    while not path.exists():
        path = path.parent
    return path.stat().st_uid


class UpdateBusyError(UpdateError):
    """Another updater is at work."""


def no_room(path: Path, error: OSError) -> UpdateError:
    """What to say of a file that can't be written."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return UpdateError(
        Reason.UPDATE_NO_ROOM if full else Reason.UPDATE_STOPPED,
        f"{path} can't be written: {error.strerror}",
        "free space on the disk" if full else "check whose folder it is, and the storage card",
    )
