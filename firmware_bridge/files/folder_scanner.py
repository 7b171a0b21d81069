"""A folder that a vendor's app exports to, by USB or by sync: each row of each new file is a scan."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter, deque
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from firmware_bridge.errors import (
    PortAbsentError,
    PortError,
    ScannerGoneError,
    SpectraFileError,
)
from firmware_bridge.files.spectra_files import SpectraFile, spectra_of
from firmware_bridge.files.spectra_layouts import DECLARED_KINDS, DeclaredKind
from firmware_bridge.files.spectra_tables import BYTES_MAX, XLSX_MAGIC, quoted
from firmware_bridge.files.taken_scans import FileState, TakenScans
from firmware_bridge.scan import Instrument, Scan
from firmware_bridge.scanner import LinkCounters, Scanner
from firmware_bridge.wire.scan_push import MAX_LABEL
from soil.axis import AxisUnit
from soil.errors import SpectrumError
from soil.spectrum import Spectrum

SUFFIXES: Final = (".csv", ".xlsx")
TAKEN: Final = ".loamscan-taken"

POLL_S: Final = 0.5
SETTLE_S: Final = 3.0
"""How long a file must stay as it is before it is read: an app may still be writing it. Longer than the
steps of two seconds in which FAT keeps times. Ours."""

UNENDED_S: Final = 30.0
"""The same for a CSV whose last line has no end: it may have been cut within a number. Ours."""

RETRY_S: Final = 60.0
"""Until a file is tried again that the system would not let us read. Ours."""


DECLARE: Final = (
    f"declare what the folder holds: folder:DIR?kind={'|'.join(DECLARED_KINDS)}&unit=nm|cm-1"
)


class _Row(NamedTuple):
    scan: Scan
    instrument: Instrument


class FolderScanner(Scanner):
    """The scans of a folder's files, oldest file first.

    What was acknowledged is noted in the folder, so that it is taken once, also where an app exports
    it again under another name. A file that can't be read is refused, with its reason, and tried again
    when it has changed, or when the folder is opened anew.
    """

    def __init__(
        self,
        folder: Path,
        kind: DeclaredKind | None = None,
        unit: AxisUnit | None = None,
        taken: Path | None = None,
    ) -> None:
        """Watch ``folder``; ``kind`` and ``unit`` are of files in no known format.

        Raises `PortAbsentError`, `PortBusyError` or `PortError`.
        """
        self._folder = folder
        self._kind = kind
        self._unit = unit
        try:
            self._place = _place(folder)
        except OSError as error:
            raise PortAbsentError(
                f"there is no folder {folder}: {error.strerror}", "check its name, or plug it in"
            ) from error
        if not folder.is_dir():
            raise PortError(f"{folder} is no folder", "name the folder that the app exports to")
        self._taken = TakenScans(taken or folder / TAKEN)
        self._instrument = Instrument("watched folder", str(folder), "", 0, frozenset({"label"}))
        self._since_s: dict[FileState, float] = {}
        self._over: set[FileState] = set()
        self._told: set[FileState] = set()
        self._rows: deque[_Row] = deque()
        self._refusals: deque[SpectraFileError] = deque()
        self._given: dict[int, FileState] = {}
        self._left: Counter[FileState] = Counter()
        self._read = self._known = 0

    @property
    def instrument(self) -> Instrument:
        """That of the scan that was received last, as its file has it."""
        return self._instrument

    @property
    def counters(self) -> LinkCounters:
        """Scans read, and scans that were known from another file."""
        return LinkCounters(self._read, repeated=self._known)

    def receive(self, timeout_s: float) -> Scan | None:
        """The next scan, or None after ``timeout_s``.

        Raises `ScannerGoneError` when the folder is gone, and `SpectraFileError` for a file that is
        refused.
        """
        until_s = time.monotonic() + timeout_s
        while True:
            if self._rows:
                row = self._rows.popleft()
                self._instrument = row.instrument
                return row.scan
            if self._refusals:
                raise self._refusals.popleft()
            if not self._look():
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    return None
                time.sleep(min(POLL_S, left_s))

    def acknowledge(self, scan: Scan) -> None:
        """Note that ``scan`` is safe here; raises `ScannerFaultError` where that can't be noted."""
        name = _name(scan)
        file = self._given.get(name)
        if file is None:
            return
        self._taken.add(name)
        del self._given[name]
        self._left[file] -= 1
        if not self._left[file]:
            del self._left[file]
            self._taken.done(file)

    @property
    def _silence_remedy(self) -> str:
        return f"export something new to it; what was taken before is noted in {TAKEN}"

    def close(self) -> None:
        """Release the folder; harmless when already closed."""
        self._taken.close()

    def _look(self) -> bool:
        """Read the oldest file that is new and has settled; whether there was one."""
        try:
            if _place(self._folder) != self._place or not self._taken.in_place:
                raise OSError
            states = sorted(self._states(), key=lambda state: (state.mtime_ns, state.name))
        except OSError as error:
            raise ScannerGoneError(
                f"the folder {self._folder} is gone, or what was taken of it",
                "plug it in again, or check its name",
            ) from error
        now_s = time.monotonic()
        self._since_s = {state: self._since_s.get(state, now_s) for state in states}
        for state, since_s in self._since_s.items():
            if now_s - since_s >= SETTLE_S and self._take(state, now_s - since_s):
                return True
        return False

    def _states(self) -> list[FileState]:
        """Files that may have something to give."""
        states = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                # Apps and editors keep what is half done under a dot or a tilde.
                if entry.name.startswith((".", "~")) or not entry.name.lower().endswith(SUFFIXES):
                    continue
                try:
                    if not entry.is_file():
                        continue
                    stat = entry.stat()
                except OSError:
                    continue  # renamed in between, or a link to nowhere
                state = FileState(entry.name, stat.st_size, stat.st_mtime_ns)
                if state not in self._over and not self._taken.is_done(state):
                    states.append(state)
        return states

    def _take(self, state: FileState, settled_s: float) -> bool:
        """Read a file; False where its time has not come."""
        path = self._folder / state.name
        try:
            content = _content(path, state)
            cut = content is not None and content[:4] != XLSX_MAGIC and content[-1:] != b"\n"
            if content is None or (cut and settled_s < UNENDED_S):
                return False
            rows = self._new_rows(
                path, spectra_of(path, content, None, self._kind, self._unit), state
            )
        except OSError as error:
            self._since_s[state] = time.monotonic() + RETRY_S
            if state in self._told:
                return False
            self._told.add(state)
            self._refuse(f"{path} can't be read: {error.strerror}", "see whether it may be")
            return True
        except SpectraFileError as error:
            self._over.add(state)
            about_options = error.remedy.startswith(("declare", "leave --kind"))
            self._refuse(error.what, DECLARE if about_options else error.remedy)
            return True
        self._over.add(state)
        self._rows.extend(rows)
        if rows:
            self._left[state] = len(rows)
        else:
            self._taken.done(state)
        return True

    def _refuse(self, what: str, remedy: str) -> None:
        # A name may hold bytes that are no text, which no event can carry.
        said = what.encode("utf-8", "backslashreplace").decode()
        self._refusals.append(SpectraFileError(said, remedy))

    def _new_rows(self, path: Path, spectra: SpectraFile, state: FileState) -> list[_Row]:
        alike: Counter[bytes] = Counter()
        rows = []
        for at in range(len(spectra.labels)):
            try:
                row = _row(spectra, at, self._folder)
            except SpectrumError as error:
                raise SpectraFileError(
                    f"{path}, row {at + 1}: {error.what}", error.remedy
                ) from error
            digest = hashlib.sha256(
                f"{row.instrument.serial}\0{row.scan.label}\0{row.scan.axis.unit}\0".encode()
                # As float32: a CSV and an Excel file of the same scan differ in a double's last digit.
                + row.scan.axis.values.astype(np.float32).tobytes()
                + row.scan.values.tobytes()
            ).digest()
            # Rows of one file that are the same to the bit are as many scans.
            alike[digest] += 1
            digest = hashlib.sha256(digest + alike[digest].to_bytes(8, "big")).digest()
            session, number = (int.from_bytes(digest[i : i + 4], "big") for i in (0, 4))
            scan = row.scan._replace(session=session, number=number)
            name = _name(scan)
            if name in self._given or self._taken.has(name):
                self._known += 1
                continue
            rows.append(_Row(scan, row.instrument))
        self._read += len(rows)
        self._given.update((_name(row.scan), state) for row in rows)
        return rows


def _content(path: Path, state: FileState) -> bytes | None:
    """The file's bytes; None where it is not, or not any more, as it was when it was looked at."""
    try:
        with path.open("rb") as file:
            if _stat_of(file.fileno()) != state[1:]:
                return None
            content = file.read(BYTES_MAX + 1)
            if _stat_of(file.fileno()) != state[1:] or len(content) != state.size <= BYTES_MAX:
                return None
    except FileNotFoundError:
        return None
    if len(content) > BYTES_MAX:
        raise SpectraFileError(f"{path} is larger than {BYTES_MAX >> 20} MB", "split it")
    return content


def _stat_of(descriptor: int) -> tuple[int, int]:
    stat = os.fstat(descriptor)
    return stat.st_size, stat.st_mtime_ns


def _row(spectra: SpectraFile, at: int, folder: Path) -> _Row:
    spectrum = Spectrum(spectra.axis, spectra.values[at], spectra.kind).as_reflectance()
    serial = _name_of("Device Id", spectra.serials[at]) if spectra.serials else ""
    scan = Scan(
        session=0,
        number=0,
        role="sample",
        kind="reflectance",
        axis=spectrum.axis,
        values=spectrum.values,
        scan_time_ms=0,
        label=_name_of("label", spectra.labels[at]),
        measured_at=spectra.measured_at[at] if spectra.measured_at else None,
    )
    model = "vendor's export" if serial else "file of spectra"
    who = serial or str(folder).encode("utf-8", "backslashreplace").decode()
    return _Row(scan, Instrument(model, who, "", 0, frozenset({"label"})))


def _name_of(what: str, text: str) -> str:
    """What a stranger calls a sample or an instrument, in one line; raises `SpectrumError`."""
    line = " ".join(text.split())
    if len(line.encode()) > MAX_LABEL or not line.isprintable():
        raise SpectrumError(
            f"the {what} '{quoted(line)}' is longer than {MAX_LABEL} bytes, or does not print",
            "write it anew",
        )
    return line


def _name(scan: Scan) -> int:
    """What names a scan for good: of its content, whatever file it is in."""
    return scan.session << 32 | scan.number


def _place(folder: Path) -> tuple[int, int]:
    """Tells the folder from the empty one that is left where a stick was unplugged."""
    stat = folder.stat()
    return stat.st_dev, stat.st_ino
