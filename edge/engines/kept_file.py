"""A file in the folder of engines: there whole or not at all."""

from __future__ import annotations

from pathlib import Path

from contract.whole_file import write_whole
from edge.errors import EdgeError


def check_writable(folder: Path) -> None:
    """Raise `EdgeError` where no file can be made in ``folder``, before minutes are spent on one."""
    path = folder / ".writable"
    keep(path, b"")
    path.unlink(missing_ok=True)


def keep(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, whose folder is made if need be; raises `EdgeError` if it can't be."""
    try:
        write_whole(path, content)
    except OSError as error:
        raise EdgeError(
            f"{path} can't be written: {error.strerror}",
            "name another folder",
        ) from error
