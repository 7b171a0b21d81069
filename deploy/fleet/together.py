"""Files that are put in place together: all or none, and after a kill whoever comes next finishes.

They are written beside first; one rename decides, and what is left to do then are renames, which need no
room. Between two of them a device may see some of the files alone, and looks again later.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from contract.whole_file import put_in_place, write_whole
from deploy.errors import RepositoryError


def put_together(contents: Mapping[str, bytes], into: Path, prepared: Path) -> None:
    """Write files of these names, in their order, to the folder ``into``; raises `RepositoryError`.

    ``prepared`` is a folder beside it that is there as long as something is left to do.
    """
    part = prepared.with_name(f"{prepared.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        for number, (name, content) in enumerate(contents.items()):
            write_whole(part / f"{number}-{name}", content)
        put_in_place(part, prepared)
    except OSError as error:
        raise RepositoryError(
            f"{part} can't be written: {error.strerror}", "nothing was changed"
        ) from error
    finish(into, prepared)


def finish(into: Path, prepared: Path) -> None:
    """Finish what `put_together` had decided, if anything; raises `RepositoryError`."""
    if not prepared.is_dir():
        return
    try:
        for path in sorted(prepared.glob("[0-9]-*.json")):
            put_in_place(path, into / path.name[2:])
        shutil.rmtree(prepared)
    except OSError as error:
        raise RepositoryError(
            f"{prepared} can't be put in place: {error.strerror}",
            "the change is made: the next command finishes it",
        ) from error
