"""How near predictions are to the laboratory: the figures of `soil.metrics`, for many resamples at once.

Every scan is a prediction of its own, as a user gets it. All figures but RPIQ follow from sums over
the scans of each soil, so that a resample costs one product of matrices.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.evaluation.bootstrap import Counts, Estimate, estimate
from training.evaluation.readings import Floats

FIGURES: Final = ("r2", "rmse", "bias", "ccc", "rpiq", "slope")
"""As in `soil.metrics`; ``slope`` is that of observed on predicted (Piñeiro et al. 2008,
doi:10.1016/j.ecolmodel.2008.05.006): below 1, high predictions are too high and low ones too low."""

SOILS_MIN: Final = 3
"""Analysed soils below which a property is left out. Ours: two points always lie on a line."""

_BLOCK: Final = 4_000_000
"""Counts at a time: what of a large library is in memory at once."""

_NOTHING: Final = 1e-12
"""Of a sum of squares, what rounding leaves where there is no variance."""


def accuracy(
    observed: Floats, predicted: Floats, soil: NDArray[np.int64], counts: Counts
) -> dict[str, Estimate]:
    """`FIGURES` of one property with intervals.

    ``observed`` ``[n]`` is of each soil, NaN where not analysed; ``predicted`` ``[m]`` and ``soil``
    ``[m]`` of each scan; ``counts`` ``[resamples, n]``.
    """
    once = np.ones((1, len(observed)), dtype=np.int64)
    point, drawn = (resampled(observed, predicted, soil, c) for c in (once, counts))
    return {name: estimate(float(point[name][0]), drawn[name]) for name in FIGURES}


def resampled(
    observed: Floats, predicted: Floats, soil: NDArray[np.int64], counts: Counts
) -> dict[str, Floats]:
    """`FIGURES`, ``[resamples]`` each; NaN where a resample has none."""
    blocks = -(-counts.size // _BLOCK)
    parts = [_block(observed, predicted, soil, c) for c in np.array_split(counts, blocks)]
    return {name: np.concatenate([part[name] for part in parts]) for name in FIGURES}


def _block(
    observed: Floats, predicted: Floats, soil: NDArray[np.int64], counts: Counts
) -> dict[str, Floats]:
    known = np.isfinite(observed)
    scans = known[soil]
    row = (np.cumsum(known) - 1)[soil[scans]]
    y, counts = observed[known], counts[:, known]
    per_soil = np.bincount(row, minlength=len(y))
    quartiles = _quartile_range(y, counts * per_soil)
    # About a value of their own, so that sums of squares keep their digits.
    y = y - y[0]
    p = predicted[scans] - observed[known][0]
    of_scan = y[row]
    columns = (np.ones_like(p), of_scan, p, of_scan**2, p**2, of_scan * p)
    sums = np.stack([np.bincount(row, column, minlength=len(y)) for column in columns], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        n, sy, sp, syy, spp, syp = (counts @ sums).T
        my, mp, sse = sy / n, sp / n, np.maximum(syy - 2 * syp + spp, 0.0)
        vy, vp = _variance(syy, n, my), _variance(spp, n, mp)
        covariance, rmse = syp / n - my * mp, np.sqrt(sse / n)
        spread = vy + vp + (my - mp) ** 2
        return {
            "r2": np.where(vy > 0, 1 - sse / (n * vy), np.nan),
            "rmse": rmse,
            "bias": mp - my,
            "ccc": np.where(spread > 0, 2 * covariance / spread, np.where(n > 0, 1.0, np.nan)),
            "rpiq": quartiles / rmse,
            "slope": np.where(vp > 0, covariance / vp, np.nan),
        }


def _variance(squares: Floats, n: Floats, mean: Floats) -> Floats:
    variance = squares / n - mean**2
    return np.where(variance > _NOTHING * squares / n, variance, 0.0)


def _quartile_range(y: Floats, weights: Counts) -> Floats:
    """Interquartile range ``[resamples]`` of ``y`` ``[n]``, each as often as ``weights`` says.

    Interpolated as by `numpy.percentile`.
    """
    order = np.argsort(y)
    up_to = np.cumsum(weights[:, order], axis=1)
    last = np.maximum(up_to[:, -1] - 1, 0)

    def value(rank: NDArray[np.int64]) -> Floats:
        at = (up_to <= rank[:, None]).sum(axis=1)
        found: Floats = y[order][np.minimum(at, len(y) - 1)]
        return found

    def quantile(share: float) -> Floats:
        rank = share * last
        below = np.floor(rank).astype(np.int64)
        low, high = value(below), value(np.minimum(below + 1, last))
        return low + (rank - below) * (high - low)

    return quantile(0.75) - quantile(0.25)
