"""What an importer found, before anybody has looked whether it can be right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from soil.axis import Axis
from soil.errors import AxisError
from soil.properties import IC_PER_CACO3, INDEX, NAMES, PROPERTIES
from training.errors import LibraryError
from training.libraries.library import Range, Samples, Scans, Text

CACO3 = "caco3_usda.a54_w.pct"
"""OSSL's calcium carbonate, % by mass, of which inorganic carbon is computed."""

SPAN_NM: Final[dict[Range, tuple[float, float]]] = {
    "nir": (300.0, 3_000.0),
    "mir": (1_250.0, 50_000.0),
}
"""Where the bands of each range can lie. Ours: from the visible to the water at 3 um; 200 to 8,000 cm-1."""

HOLE: Final = 4.0
"""Steps of the usual size that may lie between two bands. Ours: two or three bad pixels."""

OSSL_CODES = {p.ossl_code: p.name for p in PROPERTIES if p.ossl_code} | {CACO3: "inorganic_carbon"}
"""Our property behind each OSSL column."""


@dataclass
class Gathered:
    """Rows as they were in the files: a sample may occur in many, in one with another value."""

    name: str
    licence: str
    samples: list[Samples] = field(default_factory=list)
    scans: list[tuple[Range, Scans]] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    """Laboratory columns that the format has and no file did."""


def laboratory(columns: Mapping[str, NDArray[np.float64]], rows: int) -> NDArray[np.float64]:
    """Properties ``[rows, 9]`` from columns by OSSL code; NaN where there is no column."""
    found = np.full((rows, len(NAMES)), np.nan)
    for code, name in OSSL_CODES.items():
        if code in columns:
            factor = IC_PER_CACO3 if code == CACO3 else 1.0
            found[:, INDEX[name]] = factor * columns[code]
    return found


def band_axis(which: Range, unit: str, positions: NDArray[np.float64], where: str) -> Axis:
    """The axis of a table's bands; raises `LibraryError` where they are not of the range, or have a hole."""
    try:
        axis = Axis(unit, positions)
    except AxisError as error:
        raise LibraryError(f"{where}: {error.what}", "correct the header row") from error
    shortest, longest = axis.span_nm
    lowest, highest = SPAN_NM[which]
    if shortest < lowest or longest > highest:
        raise LibraryError(
            f"{where} is said to be {which.upper()} at {axis}: no {which.upper()} lies there",
            "look at the unit, and whether the header row counts bands instead of placing them",
        )
    # An instrument's bands are about evenly spaced in one of the two.
    steps = {each: np.abs(np.diff(axis.values_in(each))) for each in ("nm", "cm-1")}
    wide = {each: float(step.max() / np.median(step)) for each, step in steps.items()}
    even = min(wide, key=lambda each: wide[each])
    if wide[even] > HOLE:
        at = int(np.argmax(steps[even]))
        raise LibraryError(
            f"{where} has no bands between {axis.values[at]:.6g} and {axis.values[at + 1]:.6g} {unit}",
            "add them: what lies there is not made up; or cut the spectra off before the hole",
        )
    return axis


def no_text(rows: int) -> Text:
    """Texts ``[rows]`` that nobody gave."""
    return np.full(rows, "", dtype=np.str_)
