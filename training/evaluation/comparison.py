"""Whether one strategy is better than another on the same soils, or only looks so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.bootstrap import Counts, Estimate, estimate
from training.evaluation.readings import Floats


@dataclass(frozen=True)
class Difference:
    """Mean squared error of one strategy less that of the other, in the property's unit squared.

    Below zero the first is better. ``p`` is the two-sided share of resamples on the other side of
    zero (Efron and Tibshirani 1993), never zero: a finite number of resamples can't show that.
    """

    squared_error: Estimate
    p: float


def paired_difference(
    observed: Floats, one: Floats, other: Floats, soil: NDArray[np.int64], counts: Counts
) -> Difference:
    """``one`` against ``other``, ``[m]`` each, of scans of ``soil`` ``[m]`` with ``observed`` ``[n]``."""
    known = np.isfinite(observed)[soil]
    row, y = soil[known], observed[soil[known]]
    return mean_difference((one[known] - y) ** 2 - (other[known] - y) ** 2, row, counts)


def mean_difference(difference: Floats, soil: NDArray[np.int64], counts: Counts) -> Difference:
    """The mean of ``difference`` ``[m]``, of scans of ``soil`` ``[m]``, and whether it is one."""
    total = np.bincount(soil, difference, minlength=counts.shape[1])
    scans = np.bincount(soil, minlength=counts.shape[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = (counts @ total) / (counts @ scans)
    drawn = drawn[np.isfinite(drawn)]
    tail = min(int(np.sum(drawn <= 0)), int(np.sum(drawn >= 0)))
    p = min(1.0, 2 * (1 + tail) / (1 + len(drawn)))
    return Difference(estimate(float(difference.mean()), drawn), p)


def holm(p: Sequence[float]) -> list[float]:
    """``p`` adjusted for having asked several times (Holm 1979, Scandinavian Journal of Statistics 6)."""
    order = np.argsort(p)
    stepped = np.asarray(p)[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return [float(value) for value in adjusted]
