"""Reflectance to what the NIR encoder sees, as a torch module that ends up inside the ONNX graph."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

STEPS: Final = ["clamp 1e-4", "log10(1/R)", "savgol window 11 order 2 derivative 1", "snv", "scale"]
"""What `Preprocessing` does, for the manifest."""

REFLECTANCE_MIN: Final = 1e-4
SAVGOL_WINDOW: Final = 11
"""Ours: 55 nm, wider than the instrument's line and no wider than the bands of clay minerals."""

SAVGOL_ORDER: Final = 2
SNV_FLOOR: Final = 1e-5
"""Added to the standard deviation, so that a flat spectrum gives zeros and not noise. Ours."""


def savgol_derivative(window: int, order: int) -> NDArray[np.float64]:
    """Weights ``[window]`` of the first derivative per band (Savitzky and Golay 1964)."""
    reach = window // 2
    powers = np.vander(np.arange(-reach, reach + 1, dtype=np.float64), order + 1, increasing=True)
    weights: NDArray[np.float64] = np.linalg.pinv(powers)[1]
    return weights


class Preprocessing(nn.Module):  # type: ignore[misc]
    """Reflectance fraction ``[n, bands]`` -> ``[n, bands - 10]``, zero mean and unit sd per band.

    The derivative removes the level of the absorbance and SNV (Barnes et al. 1989) its gain; bands
    that the window can't reach are left out, not made up.
    """

    def __init__(self, bands: int) -> None:
        super().__init__()
        weights = savgol_derivative(SAVGOL_WINDOW, SAVGOL_ORDER)
        matrix = np.zeros((bands, bands - SAVGOL_WINDOW + 1), dtype=np.float32)
        for column in range(matrix.shape[1]):
            matrix[column : column + SAVGOL_WINDOW, column] = weights
        self.register_buffer("derivative", torch.from_numpy(matrix), persistent=False)
        self.register_buffer("centre", torch.zeros(matrix.shape[1]))
        self.register_buffer("scale", torch.ones(matrix.shape[1]))

    def forward(self, reflectance: Any) -> Any:
        """``[n, bands]`` to pre-processed."""
        return (self.shape(reflectance) - self.centre) / self.scale

    def shape(self, reflectance: Any) -> Any:
        """The steps before scaling: they know nothing of any library."""
        absorbance = -torch.log10(torch.clamp(reflectance, min=REFLECTANCE_MIN))
        slope = absorbance @ self.derivative
        centred = slope - slope.mean(dim=1, keepdim=True)
        deviation = torch.sqrt((centred * centred).mean(dim=1, keepdim=True))
        return centred / (deviation + SNV_FLOOR)

    def fit(self, reflectance: Any) -> None:
        """Take centre and scale per band from a library ``[n, bands]``."""
        shaped = self.shape(reflectance)
        self.centre.copy_(shaped.mean(dim=0))
        self.scale.copy_(shaped.std(dim=0))
