"""Folders to measure in: on a memory file system, where a commit costs no fsync, and on disk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")  # where Linux mounts one for everybody
_DISK = Path("/var/tmp")  # by convention outlives a reboot, hence on disk


def memory_present() -> bool:
    """Whether this machine offers a memory file system to write to."""
    return os.access(_MEMORY, os.W_OK | os.X_OK)


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A new folder in memory, or on disk where there is no memory file system; gone at the end."""
    with _folder(_MEMORY if memory_present() else _DISK) as folder:
        yield folder


@contextmanager
def disk_folder() -> Iterator[Path]:
    """A new folder on disk, gone at the end."""
    with _folder(_DISK) as folder:
        yield folder


@contextmanager
def _folder(parent: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(
        prefix="loamscan-bench-", dir=parent if parent.is_dir() else None
    ) as name:
        yield Path(name)
