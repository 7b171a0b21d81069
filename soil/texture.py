"""USDA texture classes from clay, silt and sand, and how probable each is given their errors.

Class limits: USDA-NRCS, Soil Survey Manual (2017), chapter 3, as inequalities that send every point
of the triangle to exactly one class.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

CLASSES: Final = (
    "sand",
    "loamy sand",
    "sandy loam",
    "loam",
    "silt loam",
    "silt",
    "sandy clay loam",
    "clay loam",
    "silty clay loam",
    "sandy clay",
    "silty clay",
    "clay",
)

_NODES = 24
_QUANTILES = np.array([NormalDist().inv_cdf((i + 0.5) / _NODES) for i in range(_NODES)])


def texture_index(clay: ArrayLike, silt: ArrayLike, sand: ArrayLike) -> NDArray[np.intp]:
    """Index into `CLASSES` of each point; clay, silt, sand in %, together 100, any one shape.

    Where three classes meet, sand and silt say the same thing twice and rounding can make them
    disagree; there one of them decides.
    """
    c, si, sa = (np.asarray(part, dtype=np.float64) for part in (clay, silt, sand))
    sandy_loam = ((c >= 7) & (c < 20) & ((sa > 52) | (si < 28))) | ((c < 7) & (si < 50))
    rules = [
        si + 1.5 * c < 15,
        si + 2 * c < 30,
        sandy_loam,
        (c >= 7) & (c < 27) & (si >= 28) & (si < 50) & ((sa <= 52) | (c >= 20)),
        ((si >= 50) & (c >= 12) & (c < 27)) | ((si >= 50) & (si < 80) & (c < 12)),
        (si >= 80) & (c < 12),
        (c >= 20) & (c < 35) & ((si < 28) | (c >= 27)) & ((sa > 45) | (c < 27)),
        (c >= 27) & (c < 40) & (sa > 20) & (sa <= 45),
        (c >= 27) & (c < 40) & (sa <= 20),
        (c >= 35) & (sa > 45),
        (c >= 40) & (si >= 40),
    ]
    return np.select(rules, list(range(len(rules))), default=len(CLASSES) - 1)


def texture_class(clay: float, silt: float, sand: float) -> str:
    """The USDA class of one soil; clay, silt, sand in %."""
    return CLASSES[int(texture_index(clay, silt, sand))]


def texture_probabilities(
    clay: float, sand: float, clay_sd: float, sand_sd: float
) -> dict[str, float]:
    """Probability of each class, most probable first, for errors of clay and sand in % (1 sd).

    Errors are taken as normal and independent on a grid of equally probable points, each brought
    back into the triangle; classes below 1 % are left out. The independence is an assumption of
    ours: a head that estimates the joint error would sharpen it.
    """
    c, sa = np.meshgrid(clay + clay_sd * _QUANTILES, sand + sand_sd * _QUANTILES)
    parts = np.stack([c, 100.0 - c - sa, sa]).clip(0.0)
    parts *= 100.0 / parts.sum(axis=0)
    shares = np.bincount(texture_index(*parts).ravel(), minlength=len(CLASSES)) / c.size
    order = np.argsort(-shares, kind="stable")
    return {CLASSES[i]: round(float(shares[i]), 2) for i in order if shares[i] >= 0.01}
