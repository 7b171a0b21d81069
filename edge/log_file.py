"""The record log's file: owned by one process, opened if sound, set aside if damaged."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from contract.identity import new_id
from edge.errors import LogBusyError, LogError
from edge.log import RecordLog

FILE_NAME = "records.sqlite"


@dataclass(frozen=True)
class OpenedLog:
    """A log that this process owns, and the damaged file that had to be set aside for it, if any."""

    log: RecordLog
    lock: IO[bytes]
    set_aside: Path | None

    def close(self) -> None:
        """Close the log and let go of it."""
        self.log.close()
        self.lock.close()


def open_log(directory: Path) -> OpenedLog:
    """Own and open the log in ``directory``, made if absent.

    A file that SQLite finds damaged is set aside under another name, kept for recovery, and a new
    log begun. Raises `LogBusyError` where another process owns it, `LogError` where it can't be had.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (directory / "records.lock").open("ab")
    except OSError as error:
        raise LogError(
            f"{directory} can't hold the record log: {error.strerror}",
            "name a folder that this user may write in [log] directory",
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise LogBusyError(
            f"another daemon owns the record log in {directory}",
            "stop it, or give this one a directory of its own",
        ) from error
    path = directory / FILE_NAME
    try:
        return OpenedLog(_open_sound(path), lock, None)
    except sqlite3.OperationalError as error:
        # Locked, full, not ours to read: no word about what is in it.
        lock.close()
        raise LogError(
            f"the record log {path} can't be opened: {error}",
            "free space, check whose file it is, stop what holds it; nothing in it is lost",
        ) from error
    except sqlite3.DatabaseError:
        aside = _set_aside(path)
        return OpenedLog(_open_sound(path), lock, aside)


def log_progress(directory: Path) -> tuple[int, int]:
    """Newest and confirmed ``seq`` of the log in ``directory``, looked up without owning it."""
    path = directory / FILE_NAME
    if not path.exists():
        return 0, 0
    query = "SELECT (SELECT coalesce(max(seq), 0) FROM record), committed FROM log"
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            newest, committed = connection.execute(query).fetchone() or (0, 0)
    except sqlite3.DatabaseError:
        return 0, 0  # the daemon is still making its tables
    return int(newest), int(committed)


def newest_records(directory: Path, count: int) -> list[bytes]:
    """The last ``count`` records of the log in ``directory``, oldest first, without owning it.

    Raises `LogError` if there is no log.
    """
    path = directory / FILE_NAME
    query = "SELECT body FROM record ORDER BY seq DESC LIMIT ?"
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return [body for (body,) in connection.execute(query, (count,))][::-1]
    except sqlite3.DatabaseError as error:
        raise LogError(
            f"there is no record log to be read in {directory}: {error}",
            "name the folder of [log] directory",
        ) from error


def _open_sound(path: Path) -> RecordLog:
    # Its owner sees to it that one thread at a time uses it.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        verdict = connection.execute("PRAGMA quick_check").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        return RecordLog(connection)
    except BaseException:
        connection.close()
        raise


def _set_aside(path: Path) -> Path:
    aside = path.with_name(f"records.damaged-{new_id()}.sqlite")
    try:
        for suffix in ("", "-wal", "-shm"):
            old = path.with_name(path.name + suffix)
            if old.exists():
                old.rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise LogError(
            f"the record log {path} is damaged and can't be set aside: {error.strerror}",
            "make its folder writable",
        ) from error
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return aside
