"""Whether the bands of water point up in absorbance, as in every soil: a wrong kind turns them over."""

from __future__ import annotations

from typing import Final

import numpy as np

from soil.axis import AxisUnit
from training.libraries.library import Range, Scans

WATER: Final[dict[Range, tuple[AxisUnit, float, float, float]]] = {
    "nir": ("nm", 1820.0, 1915.0, 2130.0),
    "mir": ("cm-1", 2650.0, 3400.0, 3800.0),
}
"""Unit, one shoulder, the band, the other shoulder. Shoulders are ours: to the left and right of the band in
all real sets that were looked at."""

TURNED_SHARE: Final = 0.9
"""Share of scans from which on it is the kind that is wrong, not the soils. Ours."""


SCANS_MIN: Final = 20
"""Scans that a library must have to be told so. Ours: few strange soils are no wrong kind."""

NEAR: Final = 10.0
"""How far from its place a band may lie, in its unit. Ours."""


def turned_over(which: Range, scans: Scans) -> bool:
    """Whether the band of water points down in nearly all ``scans``; False where they don't show it."""
    unit, *places = WATER[which]
    apart = np.abs(scans.axis.values_in(unit)[:, None] - places)
    if len(scans) < SCANS_MIN or (apart.min(axis=0) > NEAR).any():
        return False
    left, band, right = scans.values[:, apart.argmin(axis=0)].astype(np.float64).T
    if which == "nir":
        left, band, right = (-np.log10(np.maximum(part, 1e-4)) for part in (left, band, right))
    share = (places[1] - places[0]) / (places[2] - places[0])
    below = band < left + share * (right - left)
    return bool(below.mean() >= TURNED_SHARE)
