"""Several scans of one sample: their mean, and how far they lie apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

SPREAD_RMS_MAX = 0.02
"""Replicate spread above which a reading is of a mixed sample: RMS of absorbance differences from
the mean after each spectrum's own level is taken out. Ours; a library's own replicates should set
it where there are any."""


def replicate_mean(fractions: ArrayLike) -> NDArray[np.float64]:
    """Mean ``[bands]`` of replicates ``[n, bands]``."""
    replicates = np.asarray(fractions, dtype=np.float64)
    mean: NDArray[np.float64] = replicates.mean(axis=0) if len(replicates) > 1 else replicates[0]
    return mean


def replicate_rms(fractions: ArrayLike) -> float | None:
    """Spread of replicates ``[n, bands]`` in absorbance, level removed; None for a single one.

    The level is removed because distance and tilt move it, and the model's SNV removes it too.
    """
    replicates = np.asarray(fractions, dtype=np.float64)
    if len(replicates) < 2:
        return None
    absorbance = -np.log10(np.maximum(replicates, 1e-4))
    absorbance -= absorbance.mean(axis=1, keepdims=True)
    spread = absorbance - absorbance.mean(axis=0)
    return float(np.sqrt(np.mean(spread**2) * len(replicates) / (len(replicates) - 1)))
