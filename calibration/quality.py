"""Is this scan a measurement at all? Each check answers with a reason code, or with nothing."""

from __future__ import annotations

from math import inf, isfinite, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contract.reasons import Reason
from soil.spectrum import REFLECTANCE_MAX

SATURATION_LEVEL = 0.995
"""Share of full scale from which a band counts as clipped; one such band already bends the
derivative. Ours."""

DARK_REFLECTANCE = 0.01
"""Mean reflectance below which no soil lies (wet peat is at 0.03 and more): the window is open."""


def count_faults(counts: ArrayLike, full_scale: float) -> list[Reason]:
    """Faults of raw counts ``[bands]`` against the detector's ``full_scale`` (0: not known)."""
    values = np.asarray(counts, dtype=np.float64)
    brightest, lowest = values.max(), values.min()
    if not isfinite(brightest) or not isfinite(lowest):
        return [Reason.SCAN_NOT_FINITE]
    if full_scale > 0 and brightest >= SATURATION_LEVEL * full_scale:
        return [Reason.SCAN_SATURATED]
    return []


def reflectance_faults(fraction: ArrayLike) -> list[Reason]:
    """Faults of a reflectance spectrum ``[bands]``, as a fraction."""
    values = np.asarray(fraction, dtype=np.float64)
    lowest, highest = values.min(), values.max()
    if not isfinite(lowest) or not isfinite(highest):
        return [Reason.SCAN_NOT_FINITE]
    if values.sum() < DARK_REFLECTANCE * values.size:
        return [Reason.SCAN_DARK]
    if lowest < 0 or highest > REFLECTANCE_MAX:
        return [Reason.SCAN_OUT_OF_RANGE]
    return []


def signal_to_noise(fraction: ArrayLike) -> float:
    """Median signal over noise of one spectrum ``[bands]``.

    Noise is the standard deviation of third differences over sqrt(20), which a smooth spectrum
    leaves near zero: it needs no second scan.
    """
    values = np.asarray(fraction, dtype=np.float64)
    third = values[3:] - values[:-3] + 3.0 * (values[1:-2] - values[2:-1])
    scale = _MAD_TO_SD * _upper_median(np.abs(third)) / sqrt(20.0)
    return _upper_median(values) / scale if scale > 0 else inf


_MAD_TO_SD = 1.4826
"""Median absolute deviation to standard deviation of a normal distribution."""


def _upper_median(values: NDArray[np.float64]) -> float:
    middle = values.size // 2
    return float(np.partition(values, middle)[middle])
