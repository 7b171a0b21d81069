"""Counts to reflectance by a white and a dark reference."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calibration.errors import CalibrationError

REFERENCE_SPAN_MIN = 0.02
"""Least difference of white and dark over full scale that carries a signal. Ours: below it, a
12-bit detector has fewer than 80 steps between black and white."""


class ReferencePair:
    """A white and a dark scan ``[bands]`` in counts, of a detector that saturates at ``full_scale``.

    ``full_scale`` 0 is not known: white need then only be brighter than dark.
    """

    def __init__(self, white: ArrayLike, dark: ArrayLike, full_scale: float = 0.0) -> None:
        self._dark = np.asarray(dark, dtype=np.float64)
        self._span = np.asarray(white, dtype=np.float64) - self._dark
        self._full_scale = full_scale

    @cached_property
    def too_close(self) -> bool:
        """Whether white and dark are too close in some band to divide by their difference."""
        return not bool(np.all(self._span > REFERENCE_SPAN_MIN * self._full_scale))

    def reflectance(self, counts: ArrayLike) -> NDArray[np.float64]:
        """Reflectance fraction (counts - dark) / (white - dark) ``[bands]``.

        Raises `CalibrationError` where white is not above dark in every band.
        """
        if not self._divisible:
            faulty = int(np.sum(~(self._span > 0)))
            raise CalibrationError(
                f"the white reference is not brighter than the dark one in {faulty} "
                f"of {self._span.size} bands",
                "measure the dark and the white reference again",
            )
        fraction: NDArray[np.float64] = (
            np.asarray(counts, dtype=np.float64) - self._dark
        ) / self._span
        return fraction

    @cached_property
    def _divisible(self) -> bool:
        return bool(np.all(self._span > 0))
