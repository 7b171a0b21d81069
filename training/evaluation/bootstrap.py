"""Percentile intervals by resampling (Efron and Tibshirani 1993, An Introduction to the Bootstrap).

Sites are drawn whole, never scans: scans of one soil share its laboratory value, soils of one site
their geology and often their laboratory, and counting each as evidence of its own would make every
interval too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

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

WITH_SITE_MIN: Final = 0.5
"""Share of soils with a site below which soils are drawn instead. Ours."""

Unit = Literal["sites", "soils"]


class Draws:
    """Resamples of ``n`` soils, drawn by whole sites and drawn one by one.

    ``site`` ``[n]`` names the site of each soil, empty where it is not known: such a soil is a site
    by itself. Which of both holds for a figure depends on the soils that it is computed from.
    """

    def __init__(self, site: NDArray[np.str_], resamples: int, seed: int) -> None:
        self._site = site
        alone = np.char.add("\0", np.arange(len(site)).astype(str))
        block = np.unique(np.where(site == "", alone, site), return_inverse=True)[1]
        soils = draws(len(site), resamples, seed)
        sites = draws(int(block.max(initial=-1)) + 1, resamples, seed)[:, block]
        self._counts: dict[Unit, Counts] = {"soils": soils, "sites": sites}

    def of(self, soils: NDArray[np.bool_]) -> tuple[Counts, Unit]:
        """``[resamples, n]`` for a figure of ``soils`` ``[n]``, and what was drawn.

        Sites where at least `SITES_MIN` are known of at least `WITH_SITE_MIN` of the soils.
        """
        known = self._site[soils & (self._site != "")]
        enough = len(np.unique(known)) >= SITES_MIN and len(known) >= WITH_SITE_MIN * soils.sum()
        unit: Unit = "sites" if enough else "soils"
        return self._counts[unit], unit


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
