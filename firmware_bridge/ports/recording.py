"""A session with a scanner, every byte of it both ways: written while it runs, played back as a port.

A recording is text, one JSON document a line. The first says what it is of: ``schema``, ``url``,
``port``, ``baud`` and ``began``. Each other has ``s`` (seconds since), ``way`` (``in``: from the scanner,
``out``: to it, ``gone``: the port was lost) and ``hex`` (the bytes).
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TextIO

from firmware_bridge.errors import RecordingError, ScannerGoneError
from firmware_bridge.ports.port import Port

SCHEMA: Final = "loamscan.wire/1"

Way = Literal["in", "out", "gone"]

LINE_LENGTH_MAX: Final = 1 << 20
"""A line holds what one read or write carried, far less than this. Ours."""


class Line(NamedTuple):
    """What went one way at once, ``s`` seconds after the beginning."""

    s: float
    way: Way
    data: bytes


class RecordingPort:
    """A `Port` that writes down what goes through it; closing it closes both."""

    def __init__(self, port: Port, path: Path, url: str, baud: int) -> None:
        """Begin a new recording at ``path``; raises `RecordingError` if it can't be made."""
        self._port = port
        self.name = port.name
        self.bytes_per_s = port.bytes_per_s
        self._began_s = time.monotonic()
        self._writing = threading.Lock()
        self._file = _new_file(path)
        self._note(
            schema=SCHEMA, url=url, port=port.name, baud=baud,
            began=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )  # fmt: skip

    def read(self, timeout_s: float) -> bytes:
        """As the port's own."""
        try:
            data = self._port.read(timeout_s)
        except ScannerGoneError:
            self._went("gone", b"")
            raise
        if data:
            self._went("in", data)
        return data

    def write(self, data: bytes) -> None:
        """As the port's own."""
        self._went("out", data)
        self._port.write(data)

    def drain(self) -> None:
        """As the port's own; what is thrown away is not of the session."""
        self._port.drain()

    def close(self) -> None:
        """Release the port and end the recording."""
        self._port.close()
        self._file.close()

    def _went(self, way: Way, data: bytes) -> None:
        self._note(s=round(time.monotonic() - self._began_s, 6), way=way, hex=data.hex())

    def _note(self, **content: Any) -> None:
        with self._writing:
            if not self._file.closed:
                self._file.write(json.dumps(content) + "\n")
                # What ends in a crash is what somebody will want to see.
                self._file.flush()


class Recording(NamedTuple):
    """A recording read whole."""

    url: str
    baud: int
    lines: list[Line]


class ReplayPort:
    """A recording as a `Port`: bytes come once the other side has written as often as it had then.

    What was waited for in between is not waited for again, unless ``paced``. At its end the port is
    gone.
    """

    bytes_per_s = math.inf

    def __init__(self, recording: Recording, name: str, paced: bool = False) -> None:
        self.name = name
        self._lines = list(recording.lines)
        self._at = 0
        self._written = 0
        self._paced = paced
        self._began_s = time.monotonic()
        self._turn = threading.Condition()

    def read(self, timeout_s: float) -> bytes:
        """The next bytes that were received, when it is their turn."""
        until_s = time.monotonic() + timeout_s
        with self._turn:
            while True:
                if self._at == len(self._lines):
                    raise ScannerGoneError("the recording ends here", "")
                line = self._lines[self._at]
                wait_s = self._wait_s(line)
                if wait_s <= 0:
                    self._at += 1
                    if line.way == "gone":
                        raise ScannerGoneError("here the scanner was lost in the recording", "")
                    if line.way == "in":
                        return line.data
                    self._written -= 1
                    continue
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    return b""
                self._turn.wait(min(wait_s, left_s))

    def write(self, data: bytes) -> None:
        """Count a write: what it carries was said by another run."""
        del data
        with self._turn:
            self._written += 1
            self._turn.notify_all()

    def drain(self) -> None:
        """Nothing: what was drained was not recorded."""

    def close(self) -> None:
        """Nothing to release."""

    def _wait_s(self, line: Line) -> float:
        """Seconds until ``line`` may be, infinity where it takes a write."""
        if line.way == "out" and self._written == 0:
            return math.inf
        return line.s - (time.monotonic() - self._began_s) if self._paced else 0.0


def read_recording(path: Path) -> Recording:
    """The recording at ``path``, which anybody may have sent; raises `RecordingError`."""
    try:
        with path.open(encoding="utf-8", errors="strict") as file:
            head = _document(path, 1, file.readline(LINE_LENGTH_MAX))
            if head.get("schema") != SCHEMA:
                raise RecordingError(
                    f"{path} is not a recording of a scanner ({SCHEMA})",
                    "make one with `loamscan scan --record`",
                )
            url, baud = head.get("url"), head.get("baud")
            if not isinstance(url, str) or not isinstance(baud, int):
                raise RecordingError(f"{path} does not say of which scanner it is")
            return Recording(url, baud, list(_lines(path, file)))
    except OSError as error:
        raise RecordingError(f"{path} can't be read: {error.strerror}", "check its name") from error
    except UnicodeDecodeError as error:
        raise RecordingError(f"{path} is not a recording: not text") from error


def _lines(path: Path, file: TextIO) -> Iterator[Line]:
    number = 1
    while text := file.readline(LINE_LENGTH_MAX):
        number += 1
        if not text.endswith("\n"):
            return  # cut off by the crash that it was made for
        document = _document(path, number, text)
        try:
            s, way = float(document["s"]), document["way"]
            data = bytes.fromhex(document["hex"])
        except (KeyError, TypeError, ValueError) as error:
            raise RecordingError(f"{path}, line {number}: no part of a recording") from error
        if way not in ("in", "out", "gone") or not math.isfinite(s):
            raise RecordingError(f"{path}, line {number}: no part of a recording")
        yield Line(s, way, data)


def _document(path: Path, number: int, text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{path}, line {number}: no part of a recording") from error
    if not isinstance(document, dict):
        raise RecordingError(f"{path}, line {number}: no part of a recording")
    return document


def _new_file(path: Path) -> TextIO:
    try:
        return path.open("x", encoding="utf-8")
    except FileExistsError as error:
        raise RecordingError(f"{path} exists already", "name a new file") from error
    except OSError as error:
        raise RecordingError(f"{path} can't be written: {error.strerror}") from error
