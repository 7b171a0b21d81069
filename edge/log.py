"""The record log: everything that happened, in SQLite, on disk before anybody is told of it.

Whoever owns a `RecordLog` lets one thread at a time at it. Records and scans are committed with
``synchronous=FULL``; the delivery mark, which can be found out again, with ``NORMAL``.
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
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
    number INTEGER PRIMARY KEY,
    serial TEXT NOT NULL, session INTEGER NOT NULL, scanner_number INTEGER NOT NULL,
    body BLOB NOT NULL, crc INTEGER NOT NULL,
    UNIQUE (serial, session, scanner_number)
);
CREATE TABLE open_scan (number INTEGER PRIMARY KEY);
CREATE TABLE record (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL,
    body BLOB NOT NULL, crc INTEGER NOT NULL, lost INTEGER NOT NULL DEFAULT 0
);
"""
_FORMAT = 2
_TAKEN_UP = """
CREATE TABLE IF NOT EXISTS taken_up (
    number INTEGER NOT NULL, bundle_sha256 TEXT NOT NULL, times INTEGER NOT NULL,
    PRIMARY KEY (number, bundle_sha256)
);
"""


@lru_cache(maxsize=16)
def axis_id(axis: Axis) -> str:
    """SHA-256 over unit and float64 values: the name of an axis in the log."""
    return hashlib.sha256(axis.unit.encode() + axis.values.astype("<f8").tobytes()).hexdigest()


@dataclass(frozen=True)
class StoredScan:
    """A scan record as bytes; ``sound`` tells whether it still matches its checksum."""

    number: int
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
        """Take over ``connection`` (autocommit), making the tables if absent.

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
        # The owner alone writes, so what it counted is what is there.
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

    def append_scan(
        self, number: int, serial: str, session: int, scanner_number: int, body: bytes
    ) -> bool:
        """Write scan ``number``, the one after `scans`; on disk when this returns.

        False where the scanner's own scan ``scanner_number`` of ``session`` is here already.
        """
        if number != self._scans + 1:
            raise ValueError(f"scan {number} does not follow scan {self._scans}")
        with self._transaction():
            written = self._db.execute(
                "INSERT INTO scan (number, serial, session, scanner_number, body, crc)"
                " VALUES (?,?,?,?,?,?) ON CONFLICT (serial, session, scanner_number) DO NOTHING",
                (number, serial, session, scanner_number, body, zlib.crc32(body)),
            )
            if not written.rowcount:
                return False
            self._db.execute("INSERT INTO open_scan VALUES (?)", (number,))
        self._scans = number
        return True

    def append(
        self,
        seq: int,
        kind: str,
        body: bytes,
        *,
        settles: Sequence[int] = (),
        loses: int | None = None,
    ) -> None:
        """Write record ``seq``, the one after `newest`; on disk when this returns.

        The scans whose numbers are in ``settles`` are settled by it, in the same transaction: after
        a crash a scan either has its reading or is taken up again. ``loses`` names a record that
        this one declares lost.
        """
        if seq != self._newest + 1:
            raise ValueError(f"record {seq} does not follow record {self._newest}")
        with self._transaction():
            self._db.execute(
                "INSERT INTO record (seq, kind, body, crc) VALUES (?,?,?,?)",
                (seq, kind, body, zlib.crc32(body)),
            )
            self._settle(settles)
            if loses is not None:
                self._db.execute("UPDATE record SET lost=1 WHERE seq=?", (loses,))
        self._newest = seq

    def settle_scans(self, numbers: Sequence[int]) -> None:
        """Mark scans that no reading will be made of, such as a reference that a newer one replaces."""
        with self._transaction():
            self._settle(numbers)

    def open_scans(self) -> list[StoredScan]:
        """Scans that no reading was made of yet, oldest first."""
        rows = self._db.execute(
            "SELECT number, body, crc FROM open_scan JOIN scan USING (number) ORDER BY number"
        )
        return [StoredScan(number, body, zlib.crc32(body) == crc) for number, body, crc in rows]

    def taken_up_again(self, number: int, bundle_sha256: str) -> int:
        """How often a bundle took up open scan ``number`` after a restart; on disk when this returns."""
        with self._transaction():
            # Made when it is needed: the agents before this one open the log as ever.
            self._db.execute(_TAKEN_UP)
            self._db.execute("DELETE FROM taken_up WHERE number NOT IN (SELECT * FROM open_scan)")
            self._db.execute(
                "INSERT INTO taken_up VALUES (?, ?, 1)"
                " ON CONFLICT (number, bundle_sha256) DO UPDATE SET times=times+1",
                (number, bundle_sha256),
            )
            query = "SELECT times FROM taken_up WHERE number=? AND bundle_sha256=?"
            return int(self._db.execute(query, (number, bundle_sha256)).fetchone()[0])

    def forget_taken_up(self, number: int) -> None:
        """Count no more how often scan ``number`` was taken up."""
        with self._transaction():
            self._db.execute("DELETE FROM taken_up WHERE number=?", (number,))

    def newest_scan(self) -> StoredScan | None:
        """The scan that was written last."""
        row = self._db.execute(
            "SELECT number, body, crc FROM scan ORDER BY number DESC LIMIT 1"
        ).fetchone()
        return StoredScan(row[0], row[1], zlib.crc32(row[1]) == row[2]) if row else None

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

    def _settle(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self._db.execute("DELETE FROM open_scan WHERE number=?", (number,))

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
