"""Which columns of a table of spectra are bands, and of what: named layouts and plain numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from soil.axis import Axis, AxisUnit
from soil.errors import AxisError

FormatName = Literal["neospectra-csv", "ossl-csv"]
DeclaredKind = Literal["reflectance", "reflectance-percent", "absorbance"]
"""What a file may hold; `reflectance` is a fraction."""

FORMATS: Final[tuple[FormatName, ...]] = get_args(FormatName)
DECLARED_KINDS: Final[tuple[DeclaredKind, ...]] = get_args(DeclaredKind)

NEOSPECTRA_FIRST_CM1: Final = 3921.568655
NEOSPECTRA_STEPS_CM1: Final = (13.613226, 13.61655)
NEOSPECTRA_BANDS: Final = 257
"""The two grids of NeoSpectra scanners, uniform in wavenumber from 2550 nm down to 1350.155 nm and
to 1350.000 nm (vendor's CSV exports)."""

_GRID_TOLERANCE_NM = 0.03
"""Well under the 0.155 nm by which the grids end apart, and over the rounding of headers."""

_OSSL_HEADER = re.compile(r"scan_(nir|visnir|mir)\.(\d+(?:\.\d+)?)_(ref|abs)")


@dataclass(frozen=True)
class Layout:
    """Columns of the bands, the axis they stand for, and the kind of their values."""

    columns: tuple[int, ...]
    axis: Axis
    kind: DeclaredKind


def number_columns(headers: Sequence[str]) -> tuple[tuple[int, ...], NDArray[np.float64]]:
    """Columns whose header is a finite number, and these numbers."""
    found = [(i, number) for i, text in enumerate(headers) if (number := _number(text)) is not None]
    return tuple(i for i, _ in found), np.array([number for _, number in found])


def plain_layout(headers: Sequence[str], kind: DeclaredKind, unit: AxisUnit) -> Layout:
    """Numeric headers as bands in ``unit``; raises `AxisError` where they are no axis."""
    columns, positions = number_columns(headers)
    return Layout(columns, Axis(unit, positions), kind)


def named_layout(name: FormatName, headers: Sequence[str]) -> Layout | None:
    """The layout called ``name`` if ``headers`` are such, else None."""
    return _neospectra(headers) if name == "neospectra-csv" else _ossl(headers)


def recognised(headers: Sequence[str]) -> tuple[FormatName, Layout] | None:
    """The named layout that ``headers`` are, with its name, or None."""
    for name in FORMATS:
        layout = named_layout(name, headers)
        if layout is not None:
            return name, layout
    return None


def out_of_order(headers: Sequence[str]) -> str | None:
    """The first numeric header that breaks the order of those before it; None if none does."""
    columns, positions = number_columns(headers)
    steps = np.sign(np.diff(positions))
    breaks = np.flatnonzero(steps != steps[:1])
    return headers[columns[int(breaks[0]) + 1]] if breaks.size else None


def _neospectra(headers: Sequence[str]) -> Layout | None:
    columns, positions = number_columns(headers)
    if len(columns) != NEOSPECTRA_BANDS or np.any(positions <= 0):
        return None
    for unit in get_args(AxisUnit):
        try:
            axis = Axis(unit, positions)
        except AxisError:
            return None
        found_nm = np.sort(axis.values_in("nm"))
        if any(np.max(np.abs(found_nm - grid)) < _GRID_TOLERANCE_NM for grid in _grids_nm()):
            return Layout(columns, axis, "reflectance-percent")
    return None


def _grids_nm() -> list[NDArray[np.float64]]:
    steps = np.arange(NEOSPECTRA_BANDS)
    return [np.sort(1e7 / (NEOSPECTRA_FIRST_CM1 + step * steps)) for step in NEOSPECTRA_STEPS_CM1]


def _ossl(headers: Sequence[str]) -> Layout | None:
    matches = [
        (i, match) for i, text in enumerate(headers) if (match := _OSSL_HEADER.fullmatch(text))
    ]
    sets = {(match[1], match[3]) for _, match in matches}
    if len(sets) != 1:
        return None
    ((region, quantity),) = sets
    try:
        axis = Axis("cm-1" if region == "mir" else "nm", [float(m[2]) for _, m in matches])
    except AxisError:
        return None
    kind: DeclaredKind = "reflectance" if quantity == "ref" else "absorbance"
    return Layout(tuple(i for i, _ in matches), axis, kind)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None
