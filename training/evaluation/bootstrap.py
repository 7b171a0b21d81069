"""Percentile intervals by resampling (Efron and Tibshirani 1993, An Introduction to the Bootstrap).

Sites are drawn whole, never scans: scans of one soil share its laboratory value, soils of one site
their geology and often their laboratory, and counting each as evidence of its own would make every
interval too narrow.
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


SITES_MIN: Final = 10
"""Sites below which soils are drawn instead. Ours: a handful of sites has too few different draws."""


def drawn_soils(block: NDArray[np.int64], resamples: int, seed: int) -> tuple[Counts, bool]:
    """``resamples`` draws of the soils of whole blocks, ``block`` ``[n]`` being that of each soil.

    With fewer than `SITES_MIN` blocks soils are drawn alone; the second says whether blocks were.
    """
    blocks = int(block.max(initial=-1)) + 1
    if blocks < SITES_MIN:
        return draws(len(block), resamples, seed), False
    return draws(blocks, resamples, seed)[:, block], True


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
