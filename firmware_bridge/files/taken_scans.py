"""What of a folder was taken: a file of one JSON document a line, only ever added to."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from firmware_bridge.errors import PortBusyError, PortError, ScannerFaultError


class FileState(NamedTuple):
    """A file as it was when it was read; one that has changed since is another."""

    name: str
    size: int
    mtime_ns: int


class TakenScans:
    """Scans by their name, and files of which nothing more is to be taken. One process at a time."""

    def __init__(self, path: Path) -> None:
        """Open or begin the file at ``path``; raises `PortError`."""
        self._path = path
        try:
            self._file = path.open("a+", encoding="utf-8", errors="replace")
        except OSError as error:
            raise PortError(
                f"what was taken can't be noted in {path}: {error.strerror}",
                "make the folder writable, or name a file elsewhere: folder:DIR?taken=FILE",
            ) from error
        try:
            self._lock()
            self._scans, self._files = self._read()
        except BaseException:
            self._file.close()
            raise

    def has(self, scan: int) -> bool:
        """Whether the scan of this name was taken."""
        return scan in self._scans

    def is_done(self, file: FileState) -> bool:
        """Whether nothing more is to be taken of ``file``."""
        return file in self._files

    def add(self, scan: int) -> None:
        """Note that a scan was taken, on disk when this returns; raises `ScannerFaultError`."""
        self._write({"scan": f"{scan:016x}"})
        self._scans.add(scan)

    def done(self, file: FileState, refused: str = "") -> None:
        """Note that nothing more is to be taken of ``file``; raises `ScannerFaultError`."""
        self._write({**file._asdict(), **({"refused": refused} if refused else {})})
        self._files.add(file)

    def close(self) -> None:
        """Release it; harmless when already closed."""
        self._file.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PortBusyError(
                f"another program takes scans by {self._path}", "stop it: one at a time can"
            ) from error
        except OSError:
            return  # a file system without locks

    def _read(self) -> tuple[set[int], set[FileState]]:
        scans, files = set(), set()
        self._file.seek(0)
        content = self._file.read()
        for line in content.splitlines():
            # A line that a crash or a card spoilt says nothing: at worst its scan is read again.
            with suppress(ValueError, KeyError, TypeError):
                document = json.loads(line)
                if "scan" in document:
                    scans.add(int(document["scan"], 16))
                else:
                    files.add(FileState(**{key: document[key] for key in FileState._fields}))
        if content and not content.endswith("\n"):
            self._file.write("\n")
        return scans, files

    def _write(self, document: dict[str, object]) -> None:
        try:
            self._file.write(json.dumps(document) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except (OSError, ValueError) as error:
            raise ScannerFaultError(
                f"what was taken can't be noted in {self._path}: {error}", "make room there"
            ) from error
