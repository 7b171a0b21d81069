"""Is this scan a measurement at all? Each check answers with a reason code, or with nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contract.reasons import Reason
from soil.spectrum import REFLECTANCE_MAX

SATURATION_SHARE_MAX = 0.0
"""Share of bands at full scale that is tolerated: one clipped band already bends the derivative."""

SATURATION_LEVEL = 0.995
"""Share of full scale from which a detector counts as clipped. Ours."""

DARK_REFLECTANCE = 0.01
"""Mean reflectance below which no soil lies (wet peat is at 0.03 and more): the window is open."""


def count_faults(counts: ArrayLike, full_scale: float) -> list[Reason]:
    """Faults of raw counts ``[bands]`` against the detector's ``full_scale`` (0: not known)."""
    values = np.asarray(counts, dtype=np.float64)
    if not np.all(np.isfinite(values)):
        return [Reason.SCAN_NOT_FINITE]
    if full_scale > 0 and np.mean(values >= SATURATION_LEVEL * full_scale) > SATURATION_SHARE_MAX:
        return [Reason.SCAN_SATURATED]
    return []


def reflectance_faults(fraction: ArrayLike) -> list[Reason]:
    """Faults of a reflectance spectrum ``[bands]``, as a fraction."""
    values = np.asarray(fraction, dtype=np.float64)
    if not np.all(np.isfinite(values)):
        return [Reason.SCAN_NOT_FINITE]
    if values.mean() < DARK_REFLECTANCE:
        return [Reason.SCAN_DARK]
    if values.min() < 0 or values.max() > REFLECTANCE_MAX:
        return [Reason.SCAN_OUT_OF_RANGE]
    return []


def signal_to_noise(fraction: ArrayLike) -> float:
    """Median signal over noise of one spectrum ``[bands]``.

    Noise is the standard deviation of third differences over sqrt(20), which a smooth spectrum
    leaves near zero: it needs no second scan.
    """
    values = np.asarray(fraction, dtype=np.float64)
    noise: NDArray[np.float64] = np.diff(values, n=3) / np.sqrt(20.0)
    scale = 1.4826 * float(np.median(np.abs(noise)))
    return float(np.median(values) / scale) if scale > 0 else float("inf")
