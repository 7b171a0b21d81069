"""Reflectance to what NIR-MLP and the domain's Q see, as a torch module that ends up in the ONNX graph."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import nn

from training.treatments import savgol_matrix, snv

STEPS: Final = ["clamp 1e-4", "log10(1/R)", "savgol window 11 order 2 derivative 1", "snv", "scale"]
"""What `Preprocessing` does, for the manifest."""

REFLECTANCE_MIN: Final = 1e-4
SAVGOL_WINDOW: Final = 11
"""Ours: 55 nm, wider than the instrument's line and no wider than the bands of clay minerals."""

SAVGOL_ORDER: Final = 2


def preprocessed_bands(bands: int) -> int:
    """How many bands `Preprocessing` leaves of ``bands``."""
    return bands - SAVGOL_WINDOW + 1


def absorbance(reflectance: Any) -> Any:
    """log10(1/R) of a reflectance fraction, which is taken to be at least `REFLECTANCE_MIN`."""
    return -torch.log10(torch.clamp(reflectance, min=REFLECTANCE_MIN))


class Preprocessing(nn.Module):  # type: ignore[misc]
    """Reflectance fraction ``[n, bands]`` -> ``[n, bands - 10]``, zero mean and unit sd per band.

    The derivative removes the level of the absorbance and SNV (Barnes et al. 1989) its gain; bands
    that the window can't reach are left out, not made up.
    """

    def __init__(self, bands: int) -> None:
        super().__init__()
        matrix = savgol_matrix(bands, SAVGOL_WINDOW, SAVGOL_ORDER, 1)
        self.register_buffer("derivative", matrix, persistent=False)
        self.register_buffer("centre", torch.zeros(matrix.shape[1]))
        self.register_buffer("scale", torch.ones(matrix.shape[1]))

    def forward(self, reflectance: Any) -> Any:
        """``[n, bands]`` to pre-processed."""
        return (self.shape(reflectance) - self.centre) / self.scale

    def shape(self, reflectance: Any) -> Any:
        """The steps before scaling: they know nothing of any library."""
        return snv(absorbance(reflectance) @ self.derivative)

    def fit(self, reflectance: Any) -> None:
        """Take centre and scale per band from a library ``[n, bands]``."""
        shaped = self.shape(reflectance)
        self.centre.copy_(shaped.mean(dim=0))
        self.scale.copy_(shaped.std(dim=0))
