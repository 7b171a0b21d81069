"""The record log: everything that happened, in SQLite, on disk before anybody is told of it.

One thread owns a `RecordLog` and its connection. Records and scans are committed with
``synchronous=FULL``; the delivery mark, which can be found out again, with ``NORMAL``.
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from contract.identity import new_id
from edge.errors import LogError
from soil.axis import Axis
from soil.errors import AxisError

_SCHEMA = """
CREATE TABLE log (log_id TEXT NOT NULL, committed INTEGER NOT NULL DEFAULT 0, format INTEGER NOT NULL);
CREATE TABLE axis (id TEXT PRIMARY KEY, unit TEXT NOT NULL, bands BLOB NOT NULL);
CREATE TABLE scan (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
    serial TEXT NOT NULL, session INTEGER NOT NULL, scanner_number INTEGER NOT NULL,
    body BLOB NOT NULL, crc INTEGER NOT NULL, settled INTEGER NOT NULL DEFAULT 0,
    UNIQUE (serial, session, scanner_number)
);
CREATE INDEX scan_open ON scan (number) WHERE settled = 0;
CREATE TABLE record (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    body BLOB NOT NULL, crc INTEGER NOT NULL, lost INTEGER NOT NULL DEFAULT 0
);
"""
_FORMAT = 1


@lru_cache(maxsize=16)
def axis_id(axis: Axis) -> str:
    """SHA-256 over unit and float64 values: the name of an axis in the log."""
    return hashlib.sha256(axis.unit.encode() + axis.values.astype("<f8").tobytes()).hexdigest()


@dataclass(frozen=True)
class StoredScan:
    """A scan record as bytes; ``sound`` tells whether it still matches its checksum."""

    number: int
    id: str
    body: bytes
    sound: bool


@dataclass(frozen=True)
class StoredRecord:
    """A published record as bytes; ``sound`` tells whether it still matches its checksum."""

    seq: int
    body: bytes
    sound: bool


class RecordLog:
    """One log file's life. Nothing in it is edited; ``seq`` has no gap."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Take over ``connection`` (autocommit, this thread's own), making the tables if absent.

        Raises `LogError` for a log of another format and `sqlite3.DatabaseError` for a damaged one.
        """
        self._db = connection
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA foreign_keys=ON")
        if not self._db.execute("SELECT 1 FROM sqlite_master WHERE name='log'").fetchone():
            self._db.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}")
            self._db.execute("INSERT INTO log (log_id, format) VALUES (?, ?)", (new_id(), _FORMAT))
            self._db.execute("COMMIT")
        row = self._db.execute("SELECT log_id, committed, format FROM log").fetchone()
        self.log_id: str = row[0]
        self._committed: int = row[1]
        # This thread alone writes, so what it counted is what is there.
        self._newest = self._highest("seq", "record")
        self._scans = self._highest("number", "scan")
        if row[2] != _FORMAT:
            raise LogError(
                f"the record log has format {row[2]}, this agent writes {_FORMAT}",
                "install the agent that wrote it",
            )

    def close(self) -> None:
        """Close the connection; SQLite folds its journal in."""
        self._db.close()

    @property
    def newest(self) -> int:
        """Highest ``seq`` written; 0 for none."""
        return self._newest

    @property
    def committed(self) -> int:
        """Highest ``seq`` that is confirmed without a gap."""
        return self._committed

    @property
    def scans(self) -> int:
        """How many scans were ever written."""
        return self._scans

    def holds_scan(self, serial: str, session: int, scanner_number: int) -> bool:
        """Whether the scanner's own scan ``scanner_number`` of ``session`` is here already."""
        found = self._db.execute(
            "SELECT 1 FROM scan WHERE serial=? AND session=? AND scanner_number=?",
            (serial, session, scanner_number),
        )
        return found.fetchone() is not None

    def append_scan(
        self,
        scan_id: str,
        serial: str,
        session: int,
        scanner_number: int,
        make: Callable[[int], bytes],
    ) -> int:
        """Write the scan that ``make(number)`` gives, on disk when this returns; its number."""
        with self._transaction():
            number = self._scans + 1
            body = make(number)
            self._db.execute(
                "INSERT INTO scan (number, id, serial, session, scanner_number, body, crc)"
                " VALUES (?,?,?,?,?,?,?)",
                (number, scan_id, serial, session, scanner_number, body, zlib.crc32(body)),
            )
        self._scans = number
        return number

    def append(
        self,
        record_id: str,
        kind: str,
        make: Callable[[int], bytes],
        *,
        settles: Sequence[str] = (),
        loses: int | None = None,
    ) -> tuple[int, bytes]:
        """Write the record that ``make(seq)`` gives, on disk when this returns; its seq and bytes.

        The scans whose ids are in ``settles`` are settled by it, in the same transaction: after a
        crash a scan either has its reading or is taken up again. ``loses`` names a record that this
        one declares lost.
        """
        with self._transaction():
            seq = self._newest + 1
            body = make(seq)
            self._db.execute(
                "INSERT INTO record (seq, id, kind, body, crc) VALUES (?,?,?,?,?)",
                (seq, record_id, kind, body, zlib.crc32(body)),
            )
            for scan_id in settles:
                self._db.execute("UPDATE scan SET settled=1 WHERE id=?", (scan_id,))
            if loses is not None:
                self._db.execute("UPDATE record SET lost=1 WHERE seq=?", (loses,))
        self._newest = seq
        return seq, body

    def settle_scans(self, scan_ids: Sequence[str]) -> None:
        """Mark scans that no reading will be made of, such as a reference that a newer one replaces."""
        with self._transaction():
            for scan_id in scan_ids:
                self._db.execute("UPDATE scan SET settled=1 WHERE id=?", (scan_id,))

    def open_scans(self) -> list[StoredScan]:
        """Scans that no reading was made of yet, oldest first."""
        rows = self._db.execute(
            "SELECT number, id, body, crc FROM scan WHERE settled=0 ORDER BY number"
        )
        return [StoredScan(n, name, body, zlib.crc32(body) == crc) for n, name, body, crc in rows]

    def records(self, first: int, limit: int) -> list[StoredRecord]:
        """Records ``first`` to ``first + limit - 1``, without those declared lost."""
        rows = self._db.execute(
            "SELECT seq, body, crc FROM record WHERE seq BETWEEN ? AND ? AND NOT lost ORDER BY seq",
            (first, first + limit - 1),
        )
        return [StoredRecord(seq, body, zlib.crc32(body) == crc) for seq, body, crc in rows]

    def kind(self, seq: int) -> str | None:
        """What kind of record ``seq`` is; None for none."""
        row = self._db.execute("SELECT kind FROM record WHERE seq=?", (seq,)).fetchone()
        return None if row is None else str(row[0])

    def mark_committed(self, seq: int) -> None:
        """Remember that everything up to ``seq`` is confirmed; never goes back, nor past the newest."""
        seq = min(seq, self.newest)
        if seq <= self._committed:
            return
        self._db.execute("PRAGMA synchronous=NORMAL")
        try:
            with self._transaction():
                self._db.execute("UPDATE log SET committed=?", (seq,))
        finally:
            self._db.execute("PRAGMA synchronous=FULL")
        self._committed = seq

    def keep_axis(self, axis: Axis) -> None:
        """Store an axis under its id, once."""
        with self._transaction():
            self._db.execute(
                "INSERT OR IGNORE INTO axis (id, unit, bands) VALUES (?,?,?)",
                (axis_id(axis), axis.unit, axis.values.astype("<f8").tobytes()),
            )

    def axis(self, name: str) -> Axis:
        """The axis stored under ``name``; raises `LogError` if it is not there, or not it any more."""
        row = self._db.execute("SELECT unit, bands FROM axis WHERE id=?", (name,)).fetchone()
        if row is None:
            raise LogError(f"the record log has no axis {name}")
        try:
            axis = Axis(row[0], np.frombuffer(row[1], dtype="<f8"))
        except (AxisError, ValueError) as error:
            raise LogError(f"the record log's axis {name} is damaged: {error}") from error
        if axis_id(axis) != name:
            raise LogError(f"the record log's axis {name} is damaged")
        return axis

    def _highest(self, column: str, table: str) -> int:
        query = f"SELECT coalesce(max({column}), 0) FROM {table}"  # noqa: S608 - our own names
        return int(self._db.execute(query).fetchone()[0])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.DatabaseError):
                raise LogError(
                    f"the record log can't be written: {error}", "free space, or replace the card"
                ) from error
            raise
