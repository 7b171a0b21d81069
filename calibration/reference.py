"""Counts to reflectance by a white and a dark reference."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calibration.errors import CalibrationError

REFERENCE_SPAN_MIN = 0.02
"""Least difference of white and dark over full scale that carries a signal. Ours: below it, a
12-bit detector has fewer than 80 steps between black and white."""


def reflectance(sample: ArrayLike, white: ArrayLike, dark: ArrayLike) -> NDArray[np.float64]:
    """Reflectance fraction (sample - dark) / (white - dark), each ``[bands]`` in counts.

    Raises `CalibrationError` where white is not above dark in every band.
    """
    s, w, d = (np.asarray(counts, dtype=np.float64) for counts in (sample, white, dark))
    span = w - d
    if not np.all(span > 0):
        raise CalibrationError(
            f"the white reference is not brighter than the dark one in {int(np.sum(~(span > 0)))} "
            f"of {span.size} bands",
            "measure the dark and the white reference again",
        )
    fraction: NDArray[np.float64] = (s - d) / span
    return fraction


def reference_is_dark(white: ArrayLike, dark: ArrayLike, full_scale: float) -> bool:
    """Whether white and dark, in counts, are too close in some band to divide by."""
    span = np.asarray(white, dtype=np.float64) - np.asarray(dark, dtype=np.float64)
    return not bool(np.all(span > REFERENCE_SPAN_MIN * full_scale))
