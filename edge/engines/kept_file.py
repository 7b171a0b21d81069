"""A file in the folder of engines: there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from edge.errors import EdgeError


def check_writable(folder: Path) -> None:
    """Raise `EdgeError` where no file can be made in ``folder``, before minutes are spent on one."""
    path = folder / ".writable"
    write_whole(path, b"")
    path.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, whose folder is made if need be; raises `EdgeError` if it can't be."""
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise EdgeError(
            f"{path} can't be written: {error.strerror}",
            "name another folder",
        ) from error
