"""Split-conformal prediction intervals: coherent value, plus and minus a calibrated half width.

Valid for exchangeable spectra whatever the model (Lei et al. 2018, doi:10.1080/01621459.2017.
1307116). Half widths live on the property's model scale (log1p for skewed ones), so that intervals
of large values are wide and none is negative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contract.manifest import Intervals
from soil.properties import HIGHEST, LOWEST, NAMES, from_model_scale, to_model_scale


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
        centre = to_model_scale(values)
        lower = from_model_scale(centre - self.half_width).clip(LOWEST, HIGHEST)
        upper = from_model_scale(centre + self.half_width).clip(LOWEST, HIGHEST)
        return np.minimum(lower, values), np.maximum(upper, values)
