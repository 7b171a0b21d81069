"""Treatments of a spectrum that calibration practice chooses among, as torch, so that they export."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

TREATMENTS: Final = (
    "absorbance",
    "first derivative",
    "SNV",
    "first derivative, SNV",
    "second derivative, SNV",
)
"""Savitzky and Golay (1964) derivatives; SNV is Barnes et al. (1989)."""

FIRST_WINDOW: Final = 11
SECOND_WINDOW: Final = 17
"""Bands. Ours; a second derivative is the noisier and wants the wider window."""

ORDER: Final = 2

SNV_FLOOR: Final = 1e-5
"""Added to the standard deviation, so that a flat spectrum gives zeros and not noise. Ours."""


def savgol_weights(window: int, order: int, derivative: int) -> NDArray[np.float64]:
    """Weights ``[window]`` of a derivative per band (Savitzky and Golay 1964)."""
    reach = window // 2
    powers = np.vander(np.arange(-reach, reach + 1, dtype=np.float64), order + 1, increasing=True)
    weights: NDArray[np.float64] = np.linalg.pinv(powers)[derivative]
    return weights * max(derivative, 1)


def savgol_matrix(bands: int, window: int, order: int, derivative: int) -> Any:
    """What turns ``[n, bands]`` into its derivative ``[n, bands - window + 1]``, float32.

    Bands that the window can't reach are left out, not made up.
    """
    weights = savgol_weights(window, order, derivative)
    matrix = np.zeros((bands, bands - window + 1), dtype=np.float32)
    for column in range(matrix.shape[1]):
        matrix[column : column + window, column] = weights
    return torch.from_numpy(matrix)


def snv(spectra: Any) -> Any:
    """Each spectrum of ``[n, m]`` with zero mean and unit standard deviation."""
    centred = spectra - spectra.mean(dim=1, keepdim=True)
    deviation = torch.sqrt((centred * centred).mean(dim=1, keepdim=True))
    return centred / (deviation + SNV_FLOOR)


class Treatments(nn.Module):  # type: ignore[misc]
    """Absorbance ``[n, bands]`` -> all `TREATMENTS` side by side, in the columns that `slices` names."""

    def __init__(self, bands: int) -> None:
        super().__init__()
        first = savgol_matrix(bands, FIRST_WINDOW, ORDER, 1)
        second = savgol_matrix(bands, SECOND_WINDOW, ORDER, 2)
        self.register_buffer("first", first, persistent=False)
        self.register_buffer("second", second, persistent=False)
        self.slices = treated_slices(bands)

    def forward(self, absorbance: Any) -> Any:
        """``[n, bands]`` to ``[n, columns]``."""
        slope, bend = absorbance @ self.first, absorbance @ self.second
        return torch.cat([absorbance, slope, snv(absorbance), snv(slope), snv(bend)], dim=1)


def treated_slices(bands: int) -> tuple[slice, ...]:
    """The columns of each of `TREATMENTS` in what `Treatments` makes of ``bands``."""
    slope, bend = bands - FIRST_WINDOW + 1, bands - SECOND_WINDOW + 1
    widths = (bands, slope, bands, slope, bend)
    ends = np.cumsum(widths).tolist()
    return tuple(slice(end - width, end) for end, width in zip(ends, widths, strict=True))
