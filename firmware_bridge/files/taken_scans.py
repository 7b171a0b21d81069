"""What of a folder was taken: a file of one JSON document a line, only ever added to."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from firmware_bridge.errors import PortBusyError, PortError, ScannerFaultError

LINE_BYTES_MAX: Final = 4096
"""A line holds a file's name, of 255 bytes at most. Ours."""


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
        self._open = False
        try:
            # A link on a stranger's stick may lead anywhere.
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._descriptor = os.open(path, flags, 0o644)
            self._open = True
            self._lock()
            self._scans, self._files = self._read()
        except OSError as error:
            self.close()
            raise PortError(
                f"what was taken can't be noted in {path}: {error.strerror}",
                "make the folder writable, or name a file elsewhere: folder:DIR?taken=FILE",
            ) from error
        except BaseException:
            self.close()
            raise

    @property
    def in_place(self) -> bool:
        """Whether the file is still the one that others find under its name."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.lstat())
        except OSError:
            return False

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

    def done(self, file: FileState) -> None:
        """Note that nothing more is to be taken of ``file``; raises `ScannerFaultError`."""
        self._write(file._asdict())
        self._files.add(file)

    def close(self) -> None:
        """Release it; harmless when already closed."""
        if self._open:
            self._open = False
            with suppress(OSError):
                os.close(self._descriptor)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PortBusyError(
                f"another program takes scans by {self._path}", "stop it: one at a time can"
            ) from error
        except OSError:
            return  # a file system without locks

    def _read(self) -> tuple[set[int], set[FileState]]:
        scans, files = set(), set()
        whole = True
        with open(self._descriptor, "rb", closefd=False) as file:
            while line := file.readline(LINE_BYTES_MAX):
                whole = line.endswith(b"\n")
                # A line that a crash or a card spoilt says nothing: at worst its scan is read again.
                with suppress(ValueError, KeyError, TypeError, RecursionError):
                    document = json.loads(line)
                    if "scan" in document:
                        scans.add(int(document["scan"], 16))
                    else:
                        files.add(FileState(**{key: document[key] for key in FileState._fields}))
        if not whole:
            os.write(self._descriptor, b"\n")
        return scans, files

    def _write(self, document: dict[str, object]) -> None:
        line = json.dumps(document).encode() + b"\n"
        try:
            if not self._open or os.write(self._descriptor, line) != len(line):
                raise OSError("it is full, or closed")
            os.fsync(self._descriptor)
        except OSError as error:
            raise ScannerFaultError(
                f"what was taken can't be noted in {self._path}: {error}", "make room there"
            ) from error
