"""Files of spectra: reading tables whose kind and unit are known, and writing scans as a table."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from firmware_bridge.errors import SpectraFileError
from firmware_bridge.files.spectra_layouts import (
    DECLARED_KINDS,
    FORMATS,
    DeclaredKind,
    FormatName,
    Layout,
    named_layout,
    number_columns,
    out_of_order,
    plain_layout,
    recognised,
)
from firmware_bridge.files.spectra_tables import quoted, read_content, table_of
from soil.axis import Axis, AxisUnit
from soil.errors import AxisError, SpectrumError
from soil.spectrum import fraction_from_percent, verified_fraction

LABEL_HEADERS: Final = ("sample_id", "Sample_Name", "id", "label")
"""Headers of the column that names a row, the first found wins; without one it is the row number."""

SERIAL_HEADERS: Final = ("Device Id",)
TIME_HEADERS: Final = ("Created At", "Created At (UTC)")
"""Of the vendor's exports. Who measured ("Created By", an e-mail address) is never read."""


@dataclass(frozen=True, eq=False)
class SpectraFile:
    """Spectra ``[n, bands]`` float32, finite, all of one kind; reflectance is a fraction.

    ``serials`` of the instruments and ``measured_at`` where the file has them, for each row or for none.
    """

    axis: Axis
    values: NDArray[np.float32]
    kind: Literal["reflectance", "absorbance"]
    labels: list[str]
    serials: list[str] = field(default_factory=list)
    measured_at: list[datetime | None] = field(default_factory=list)


def read_spectra(
    path: str | Path,
    format: FormatName | None = None,  # noqa: A002 - the word of the option it mirrors
    kind: DeclaredKind | None = None,
    unit: AxisUnit | None = None,
) -> SpectraFile:
    """The spectra of a CSV or Excel file.

    A named ``format`` defines kind and unit and is verified by value; it is recognised by its
    headers where neither it nor both ``kind`` and ``unit`` are given. Any other file needs ``kind``
    and ``unit``: neither is ever guessed. Of columns that are no bands, label, instrument and time are kept.
    Raises `SpectraFileError` with file, row and column.
    """
    path = Path(path)
    return spectra_of(path, read_content(path), format, kind, unit)


def spectra_of(
    path: Path,
    content: bytes,
    format: FormatName | None = None,  # noqa: A002
    kind: DeclaredKind | None = None,
    unit: AxisUnit | None = None,
) -> SpectraFile:
    """The spectra in what was read from ``path``, as `read_spectra` has them."""
    rows = table_of(path, content)
    headers = next(rows)
    layout = _layout(path, headers, format, kind, unit)
    of_label, of_serial, of_time = (
        next((headers.index(name) for name in names if name in headers), None)
        for names in (LABEL_HEADERS, SERIAL_HEADERS, TIME_HEADERS)
    )
    found, labels, serials, times = [], [], [], []
    for number, row in enumerate(rows, start=1):
        found.append(_band_values(path, headers, number, row, layout.columns))
        labels.append(str(number) if of_label is None else row[of_label])
        if of_serial is not None:
            serials.append(row[of_serial])
        if of_time is not None:
            times.append(_moment(row[of_time]))
    values = np.array(found)
    try:
        kept, kept_kind = _kept(values, layout)
    except SpectrumError as error:
        other = "reflectance-percent" if layout.kind == "reflectance" else "reflectance"
        raise SpectraFileError(
            f"{path}, read as {layout.kind}: {error.what}",
            f"declare what it holds: --kind {other} --unit {layout.axis.unit}",
        ) from error
    return SpectraFile(layout.axis, kept, kept_kind, labels, serials, times)


class SpectraWriter:
    """Writes spectra to a new CSV file, each safe on disk when `add` returns."""

    def __init__(self, path: str | Path) -> None:
        """Create the file; raises `SpectraFileError` if it exists or can't be made."""
        self._path = Path(path)
        self._axis: Axis | None = None
        try:
            self._file = self._path.open("x", newline="", encoding="utf-8")
        except FileExistsError as error:
            raise SpectraFileError(f"{path} exists already", "name a new file") from error
        except OSError as error:
            raise SpectraFileError(f"{path} can't be written: {error.strerror}") from error
        self._rows = csv.writer(self._file, lineterminator="\n")

    def add(self, label: str, axis: Axis, values: NDArray[np.float32]) -> None:
        """One row of values ``[bands]``, exact; raises `SpectraFileError` if the axis changed."""
        if self._axis is None:
            self._axis = axis
            self._rows.writerow(["sample_id", *(repr(float(band)) for band in axis.values)])
        if axis != self._axis:
            raise SpectraFileError(
                f"{label!r} lies on another axis ({axis}) than the rest of {self._path}",
                "write it to a file of its own",
            )
        # Nine significant digits bring every float32 back to the bit.
        self._rows.writerow([label, *(f"{value:.9g}" for value in values)])
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def _layout(
    path: Path,
    headers: Sequence[str],
    name: FormatName | None,
    kind: DeclaredKind | None,
    unit: AxisUnit | None,
) -> Layout:
    if name is not None:
        layout = named_layout(name, headers)
        if layout is None:
            raise SpectraFileError(
                f"{path} does not have the columns of {name}",
                "declare what it holds with --kind and --unit instead of --format",
            )
    elif kind is not None and unit is not None:
        return _declared(path, headers, kind, unit)
    else:
        found = recognised(headers)
        if found is None:
            misplaced = out_of_order(headers)
            if misplaced is not None:
                raise SpectraFileError(
                    f"the bands of {path} are not in order: the axis is not strictly monotone "
                    f"at column '{quoted(misplaced)}'",
                    "put the columns in the order of their positions",
                )
            raise SpectraFileError(
                f"what {path} holds is not declared, and its columns are of no known format "
                f"({', '.join(FORMATS)})",
                f"declare it with --kind {'|'.join(DECLARED_KINDS)} and --unit nm|cm-1",
            )
        name, layout = found
    if kind not in (None, layout.kind) or unit not in (None, layout.axis.unit):
        raise SpectraFileError(
            f"{path} is {name}, which is {layout.kind} in {layout.axis.unit}, "
            f"and was declared as {kind or layout.kind} in {unit or layout.axis.unit}",
            "leave --kind and --unit out, or give both and no --format",
        )
    return layout


def _declared(path: Path, headers: Sequence[str], kind: DeclaredKind, unit: AxisUnit) -> Layout:
    columns, _ = number_columns(headers)
    if len(columns) < 2:
        raise SpectraFileError(
            f"{path} has {len(columns)} columns with a number for a header",
            "head each band's column with its position, and separate columns by commas",
        )
    try:
        return plain_layout(headers, kind, unit)
    except AxisError as error:
        raise SpectraFileError(f"the headers of {path}: {error.what}", error.remedy) from error


def _band_values(
    path: Path, headers: Sequence[str], number: int, row: Sequence[str], columns: Sequence[int]
) -> NDArray[np.float64]:
    values = np.empty(len(columns))
    for at, column in enumerate(columns):
        try:
            values[at] = float(row[column])
        except ValueError:
            values[at] = np.nan
        if not np.isfinite(values[at]):
            raise SpectraFileError(
                f"{path}, row {number}, column '{quoted(headers[column])}': "
                f"'{quoted(row[column])}' is not a number",
                "correct the cell or leave the row out",
            )
    return values


def _kept(
    values: NDArray[np.float64], layout: Layout
) -> tuple[NDArray[np.float32], Literal["reflectance", "absorbance"]]:
    """As `SpectraFile` has them; raises `SpectrumError` where values can't be of their kind."""
    if layout.kind == "absorbance":
        return values.astype(np.float32), "absorbance"
    percent = layout.kind == "reflectance-percent"
    return (fraction_from_percent if percent else verified_fraction)(values), "reflectance"


def _moment(text: str) -> datetime | None:
    """A time in ISO 8601, UTC where it has no zone; None where it is none."""
    try:
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
        return zoned.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
