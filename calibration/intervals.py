"""Split-conformal prediction intervals: coherent value, plus and minus a calibrated half width.

Valid for exchangeable spectra whatever the model (Lei et al. 2018, doi:10.1080/01621459.2017.
1307116). Half widths live on the property's model scale (log1p for skewed ones), so that intervals
of large values are wide and none is negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import expm1, log1p

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contract.manifest import Intervals
from soil.properties import NAMES, PROPERTIES, to_model_scale


@dataclass(frozen=True)
class IntervalModel:
    """Half widths ``[9]`` on the model scale at one level."""

    level: float
    half_width: NDArray[np.float64]

    @classmethod
    def of(cls, intervals: Intervals) -> IntervalModel:
        """The intervals that a manifest carries."""
        return cls(intervals.level, np.array([intervals.half_width[name] for name in NAMES]))

    def bounds(self, coherent: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper ``[n, 9]`` about coherent values ``[n, 9]``, within each valid range."""
        values = np.asarray(coherent, dtype=np.float64)
        # One soil at a time in plain floats, as `coherent` does and for its reason.
        both = np.array([self._bounds(row) for row in values.tolist()]).reshape(-1, 2, len(NAMES))
        return both[:, 0], both[:, 1]

    def apart(
        self, coherent: NDArray[np.float64], others: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """How far coherent values ``[n, 9]`` are from ``others``, in half widths."""
        moved = np.abs(to_model_scale(coherent) - to_model_scale(others))
        found: NDArray[np.float64] = moved / self.half_width
        return found

    def _bounds(self, row: list[float]) -> tuple[list[float], list[float]]:
        lower, upper = [], []
        for value, width, item in zip(row, self._widths, PROPERTIES, strict=True):
            if item.skewed:
                centre = log1p(max(value, 0.0))
                low, high = expm1(centre - width), expm1(centre + width)
            else:
                low, high = value - width, value + width
            lower.append(min(value, max(low, item.lowest)))
            upper.append(max(value, min(high, item.highest)))
        return lower, upper

    @cached_property
    def _widths(self) -> list[float]:
        return [float(width) for width in self.half_width]
