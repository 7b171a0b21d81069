"""Percentile intervals by resampling soils (Efron and Tibshirani 1993, An Introduction to the Bootstrap).

Soils are drawn, never scans: scans of one soil share its laboratory value and most of their error,
and counting each as evidence of its own would make every interval too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL: Final = 0.95

Counts = NDArray[np.integer[Any]]
"""``[resamples, n]``: how often each soil was drawn."""


@dataclass(frozen=True)
class Estimate:
    """A figure and the ends of its interval; None where there is none."""

    value: float | None
    lower: float | None
    upper: float | None


def draws(soils: int, resamples: int, seed: int) -> Counts:
    """``resamples`` draws with replacement of as many soils as there are."""
    rng = np.random.default_rng(seed)
    counts = np.empty((resamples, soils), dtype=np.uint16)
    for row in counts:
        row[:] = np.bincount(rng.integers(soils, size=soils), minlength=soils)
    return counts


def estimate(value: float, resampled: ArrayLike) -> Estimate:
    """``value`` with the interval of the figure's ``resampled`` values ``[resamples]``.

    Resamples that have no such figure are left out; there is no interval where most have none.
    """
    found = np.asarray(resampled, dtype=np.float64)
    finite = found[np.isfinite(found)]
    if not np.isfinite(value):
        return Estimate(None, None, None)
    if 2 * len(finite) < len(found):
        return Estimate(float(value), None, None)
    tail = 50 * (1 - LEVEL)
    lower, upper = np.percentile(finite, [tail, 100 - tail])
    return Estimate(float(value), float(lower), float(upper))
