"""Golden spectra: soils, and odd but valid spectra, with what torch makes of them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from soil.spectrum import REFLECTANCE_MAX
from training.card import GoldenTolerances
from training.pipeline import Model

SOILS: Final = 11

TOLERANCES: Final = GoldenTolerances(relative=1e-3, absolute=1e-3)
"""Ours: far above float32 rounding in another order, far below any soil property's error."""


def golden_spectra(soils: NDArray[np.float32]) -> NDArray[np.float32]:
    """`SOILS` of ``soils`` ``[n, bands]`` and five spectra at the edge of what is valid."""
    first, second = soils[0], soils[1]
    ramp = np.linspace(0.2, 0.8, soils.shape[1])
    with_zeros = second.copy()
    with_zeros[::40] = 0.0
    odd = [0.05 * first, np.minimum(2.2 * first, REFLECTANCE_MAX), ramp, ramp[::-1], with_zeros]
    return np.concatenate([soils[:SOILS], np.stack(odd)]).astype(np.float32)


def golden_arrays(model: Model, reflectance: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Spectra ``[n, bands]`` with properties, latent and MIR, float32."""
    outputs = model.outputs(reflectance)
    return {
        "reflectance": reflectance,
        **{name: outputs[name] for name in ("properties", "latent", "mir")},
    }
