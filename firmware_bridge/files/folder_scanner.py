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
from firmware_bridge.files.spectra_files import SpectraFile, read_spectra
from firmware_bridge.files.spectra_layouts import DeclaredKind
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
SETTLE_S: Final = 1.0
"""How long a file must stay as it is before it is read: an app may still be writing it. Ours."""


class _Row(NamedTuple):
    scan: Scan
    instrument: Instrument
    file: FileState


class FolderScanner(Scanner):
    """The scans of a folder's files, oldest file first.

    What was acknowledged is noted in the folder, so that it is taken once, also where an app exports
    it again under another name. A file that can't be read is refused once, with its reason, and tried
    again when it has changed.
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
        self._seen: dict[FileState, float] = {}
        self._looked_at: set[FileState] = set()
        self._rows: deque[_Row] = deque()
        self._given: dict[int, FileState] = {}
        self._left: Counter[FileState] = Counter()
        self._refusals: deque[SpectraFileError] = deque()
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
        refused, once the scans of all others were received.
        """
        until_s = time.monotonic() + timeout_s
        while True:
            if self._rows:
                row = self._rows.popleft()
                self._instrument = row.instrument
                self._given[_name(row.scan)] = row.file
                return row.scan
            if self._refusals:
                raise self._refusals.popleft()
            self._look()
            if not self._rows and not self._refusals:
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    return None
                time.sleep(min(POLL_S, left_s))

    def acknowledge(self, scan: Scan) -> None:
        """Note that ``scan`` is safe here; raises `ScannerFaultError` where that can't be noted."""
        name = _name(scan)
        file = self._given.pop(name, None)
        if file is None:
            return
        self._taken.add(name)
        self._left[file] -= 1
        if not self._left[file]:
            self._taken.done(file)

    def close(self) -> None:
        """Release the folder; harmless when already closed."""
        self._taken.close()

    def _look(self) -> None:
        """Read every file that is new, has settled and was not read yet."""
        try:
            if _place(self._folder) != self._place:
                raise OSError
            states = sorted(self._states(), key=lambda state: (state.mtime_ns, state.name))
        except OSError as error:
            raise ScannerGoneError(
                f"the folder {self._folder} is gone", "plug it in again, or check its name"
            ) from error
        now_s = time.monotonic()
        self._seen = {state: self._seen.get(state, now_s) for state in states}
        for state, since_s in self._seen.items():
            if now_s - since_s >= SETTLE_S:
                self._looked_at.add(state)
                self._read_file(state)

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
                except FileNotFoundError:
                    continue  # renamed in between
                state = FileState(entry.name, stat.st_size, stat.st_mtime_ns)
                if state not in self._looked_at and not self._taken.is_done(state):
                    states.append(state)
        return states

    def _read_file(self, state: FileState) -> None:
        path = self._folder / state.name
        try:
            spectra = read_spectra(path, kind=self._kind, unit=self._unit)
            rows = self._new_rows(path, spectra, state)
        except SpectraFileError as error:
            self._refusals.append(_in_the_words_of_a_url(error))
            # What the system would not let us read may be let without the file being another.
            if not isinstance(error.__cause__, OSError):
                self._taken.done(state, refused=error.what)
            return
        self._left[state] = len(rows)
        self._rows.extend(rows)
        if not rows:
            self._taken.done(state)

    def _new_rows(self, path: Path, spectra: SpectraFile, state: FileState) -> list[_Row]:
        alike: Counter[bytes] = Counter()
        rows = []
        for at, label in enumerate(spectra.labels):
            if len(label.encode()) > MAX_LABEL:
                raise SpectraFileError(
                    f"{path}, row {at + 1}: a label of more than {MAX_LABEL} bytes", "shorten it"
                )
            try:
                row = _row(spectra, at, self._folder, state)
            except SpectrumError as error:
                raise SpectraFileError(f"{path}, row {at + 1}: {error.what}") from error
            digest = hashlib.sha256(
                f"{row.instrument.serial}\0{label}\0{row.scan.axis.unit}\0".encode()
                # As float32: a CSV and an Excel file of the same scan differ in a double's last digit.
                + row.scan.axis.values.astype(np.float32).tobytes()
                + row.scan.values.tobytes()
            ).digest()
            # Rows of one file that are the same to the bit are as many scans.
            alike[digest] += 1
            digest = hashlib.sha256(digest + alike[digest].to_bytes(8, "big")).digest()
            session, number = (int.from_bytes(digest[i : i + 4], "big") for i in (0, 4))
            scan = row.scan._replace(session=session, number=number)
            if self._taken.has(_name(scan)):
                self._known += 1
                continue
            self._read += 1
            rows.append(row._replace(scan=scan))
        return rows


def _row(spectra: SpectraFile, at: int, folder: Path, state: FileState) -> _Row:
    spectrum = Spectrum(spectra.axis, spectra.values[at], spectra.kind).as_reflectance()
    serial = spectra.serials[at] if spectra.serials else ""
    scan = Scan(
        session=0,
        number=0,
        role="sample",
        kind="reflectance",
        axis=spectrum.axis,
        values=spectrum.values,
        scan_time_ms=0,
        label=spectra.labels[at],
        measured_at=spectra.measured_at[at] if spectra.measured_at else None,
    )
    model = "vendor's export" if serial else "file of spectra"
    return _Row(scan, Instrument(model, serial or str(folder), "", 0, frozenset({"label"})), state)


def _name(scan: Scan) -> int:
    """What names a scan for good: of its content, whatever file it is in."""
    return scan.session << 32 | scan.number


def _place(folder: Path) -> tuple[int, int]:
    """Tells the folder from the empty one that is left where a stick was unplugged."""
    stat = folder.stat()
    return stat.st_dev, stat.st_ino


def _in_the_words_of_a_url(error: SpectraFileError) -> SpectraFileError:
    if not error.remedy.startswith("declare"):
        return error
    return SpectraFileError(
        error.what, "declare what the folder holds: folder:DIR?kind=reflectance&unit=nm"
    )
