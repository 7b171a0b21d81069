"""A bundle fetched into its slot: goes on where it was cut off, and is there only when it is right."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from contract.reasons import Reason
from contract.whole_file import make_folder, put_in_place
from edge.backoff import backoff_s
from edge.errors import UpdateError
from edge.updates.sources import CHUNK_BYTES, NotThereError, Source, TooSlowError
from edge.updates.store import no_room

TRIES: Final = 5
"""In a row that bring next to nothing, before it is left to the updater's next run. Ours."""

PROGRESS_BYTES: Final = 16 * 1024
"""A try that brings as much was worth it. Ours."""

SPARE_BYTES: Final = 32 * 2**20
"""Left free on the disk: the record log goes before any update. Ours."""

Tell = Callable[[str], None]


def fetch(
    source: Source,
    path: str,
    length: int,
    sha256: str,
    into: Path,
    tell: Tell = lambda _: None,
) -> None:
    """Have the file ``path`` of the repository in ``into``, with these bytes and no others.

    Raises `UpdateError`: out of reach (what came stays for the next time), damaged, no room.
    """
    part = into.with_name(part_name(sha256))
    try:
        make_folder(into.parent, 0o700)
        if _is(into, length, sha256):
            return
        resumed = _size(part) > 0
        _complete(source, path, length, part, tell)
        if resumed and not _is(part, length, sha256):
            # After a loss of power the end of a file may be there in length alone.
            part.unlink()
            _complete(source, path, length, part, tell)
        if not _is(part, length, sha256):
            part.unlink()
            raise UpdateError(
                Reason.UPDATE_DAMAGED,
                f"{path} from {source.name} has not the signed digest",
            )
        with part.open("rb") as file:
            os.fsync(file.fileno())
        put_in_place(part, into)
    except OSError as error:
        raise no_room(part, error) from error


def part_name(sha256: str) -> str:
    """What a file is called while it is not whole: by its digest, so that nothing else goes on with it."""
    return f"{sha256[:32]}.part"


def _complete(
    source: Source,
    path: str,
    length: int,
    part: Path,
    tell: Tell,
) -> None:
    """Fetch until ``part`` has ``length`` bytes, going on where a try was cut off."""
    tries, pauses = 0, backoff_s()
    while True:
        before = _size(part)
        if before == length:
            return
        _check_room(part, length - before)
        try:
            _append(source, path, length, part, tell)
            why = f"{path} ends after {_size(part)} of {length} bytes"
        except UpdateError as error:
            again = not isinstance(error, (NotThereError, TooSlowError))
            if not again or error.reason is not Reason.UPDATE_UNREACHABLE:
                raise
            why = error.what
        # One that begins anew each time would go on for ever.
        if source.begins_at == before and _size(part) - before >= PROGRESS_BYTES:
            tries, pauses = 0, backoff_s()
        elif _size(part) < length:
            tries += 1
            if tries >= TRIES:
                raise UpdateError(Reason.UPDATE_UNREACHABLE, why)
            time.sleep(next(pauses))


def _append(source: Source, path: str, length: int, part: Path, tell: Tell) -> None:
    offset = _size(part)
    if offset > length:
        part.unlink()
        offset = 0
    told_pct = 100 * offset // length
    pieces = source.read(path, offset)
    first = next(pieces, b"")
    with part.open("r+b" if part.exists() else "wb") as file:
        file.truncate(source.begins_at)
        file.seek(source.begins_at)
        size = source.begins_at
        for piece in _and_then(first, pieces):
            size += len(piece)
            if size > length:
                file.truncate(0)
                raise UpdateError(
                    Reason.UPDATE_DAMAGED,
                    f"{path} from {source.name} is longer than the {length} bytes that were signed",
                )
            file.write(piece)
            # What came before a cut or a kill need not come again.
            file.flush()
            if 100 * size // length >= told_pct + 10:
                told_pct = 100 * size // length
                tell(f"{told_pct} % of {length / 1e6:.1f} MB")


def _and_then(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
        yield from rest


def _is(path: Path, length: int, sha256: str) -> bool:
    if _size(path) != length or not path.is_file():
        return False
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while piece := file.read(CHUNK_BYTES):
            digest.update(piece)
    return digest.hexdigest() == sha256


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _check_room(part: Path, missing: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if free < missing + SPARE_BYTES:
        raise UpdateError(
            Reason.UPDATE_NO_ROOM,
            f"{free / 1e6:.0f} MB are free in {part.parent}, "
            f"{(missing + SPARE_BYTES) / 1e6:.0f} MB are needed",
            "free space; what was fetched is kept",
        )
