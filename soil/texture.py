"""USDA texture classes from clay, silt and sand, and how probable each is given their errors.

Class limits: USDA-NRCS, Soil Survey Manual (2017), chapter 3, as inequalities that send every point
of the triangle to exactly one class.
"""

from __future__ import annotations

from functools import cache
from statistics import NormalDist
from typing import Any, Final, TypeVar

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

_CELL_PCT = 0.5
_CELLS = 201
_NODES = 24
_QUANTILES = np.array([NormalDist().inv_cdf((i + 0.5) / _NODES) for i in range(_NODES)])


_Part = TypeVar("_Part", float, NDArray[np.float64])


def _rules(clay: _Part, silt: _Part, sand: _Part) -> list[Any]:
    """Which class each point is in, in the order of `CLASSES`: the first that holds; else the last.

    Where three classes meet, sand and silt say the same thing twice and rounding can make them
    disagree; there one of them decides.
    """
    c, si, sa = clay, silt, sand
    return [
        si + 1.5 * c < 15,
        si + 2 * c < 30,
        ((c >= 7) & (c < 20) & ((sa > 52) | (si < 28))) | ((c < 7) & (si < 50)),
        (c >= 7) & (c < 27) & (si >= 28) & (si < 50) & ((sa <= 52) | (c >= 20)),
        ((si >= 50) & (c >= 12) & (c < 27)) | ((si >= 50) & (si < 80) & (c < 12)),
        (si >= 80) & (c < 12),
        (c >= 20) & (c < 35) & ((si < 28) | (c >= 27)) & ((sa > 45) | (c < 27)),
        (c >= 27) & (c < 40) & (sa > 20) & (sa <= 45),
        (c >= 27) & (c < 40) & (sa <= 20),
        (c >= 35) & (sa > 45),
        (c >= 40) & (si >= 40),
    ]


def texture_index(clay: ArrayLike, silt: ArrayLike, sand: ArrayLike) -> NDArray[np.intp]:
    """Index into `CLASSES` of each point; clay, silt, sand in %, together 100, any one shape."""
    rules = _rules(*(np.asarray(part, dtype=np.float64) for part in (clay, silt, sand)))
    return np.select(rules, list(range(len(rules))), default=len(CLASSES) - 1)


def texture_class(clay: float, silt: float, sand: float) -> str:
    """The USDA class of one soil; clay, silt, sand in %."""
    return next(
        (name for name, holds in zip(CLASSES, _rules(clay, silt, sand), strict=False) if holds),
        CLASSES[-1],
    )


def texture_probabilities(
    clay: float, sand: float, clay_sd: float, sand_sd: float
) -> dict[str, float]:
    """Probability of each class, most probable first, for errors of clay and sand in % (1 sd).

    Errors are taken as normal and independent on a grid of equally probable points, each brought
    back into the triangle and classed by the cell of half a per cent that it falls in; classes below
    1 % are left out. The independence is an assumption of ours: a head that estimates the joint
    error would sharpen it.
    """
    errors = np.array([[clay_sd], [sand_sd]]) * _QUANTILES
    cells = (np.array([[clay], [sand]]) + errors) / _CELL_PCT
    rows, columns = np.rint(cells).clip(0, _CELLS - 1).astype(np.intp)
    classes = _classes_by_cell().take(np.add.outer(rows * _CELLS, columns).ravel())
    counts = np.bincount(classes, minlength=len(CLASSES))
    shares = [(count / _NODES**2, i) for i, count in enumerate(counts.tolist())]
    return {
        CLASSES[i]: round(share, 2)
        for share, i in sorted(shares, key=lambda found: -found[0])
        if share >= 0.01
    }


@cache
def _classes_by_cell() -> NDArray[np.uint8]:
    """Class index by clay (row) and sand (column) in half per cents, brought into the triangle.

    In bytes, since a reading comes seldom enough to find it out of the processor's cache.
    """
    steps = np.arange(_CELLS) * _CELL_PCT
    clay, sand = np.meshgrid(steps, steps, indexing="ij")
    parts = np.stack([clay, (100 - clay - sand).clip(0), sand])
    return texture_index(*(100 * parts / parts.sum(axis=0))).astype(np.uint8)
