"""How much light a mixture of grains sends back: Kubelka and Munk 1931, for an opaque layer."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from training.synthetic.end_members import absorption

GRAIN_CLASSES: Final = ("clay", "silt", "sand")

GRAIN_DIAMETER: Final = np.array([0.02, 0.2, 1.0])
"""Diameter per class in grain units. Ours: compressed against the true sizes, since real grains are
rough and aggregated."""

GRAIN_SCATTERING: Final = np.array([1.6, 1.0, 0.55])
"""Scattering per mass and class, finer grains scattering more. Ours."""

SCATTERING_EXPONENT: Final = 0.1
"""Scattering grows with wavenumber to this power, about `REFERENCE_CM1`. Ours."""

REFERENCE_CM1: Final = 5000.0


def grain_absorption(wavenumber_cm1: ArrayLike) -> NDArray[np.float64]:
    """Absorption ``[members, classes, bands]`` per mass of grains, at ``wavenumber_cm1`` ``[bands]``.

    (1 - exp(-k d)) / d: a coarse grain hides its inside, so strong bands of sand saturate where
    those of clay do not. The form is ours.
    """
    k = absorption(wavenumber_cm1)[:, None, :]
    diameter = GRAIN_DIAMETER[None, :, None]
    coefficients: NDArray[np.float64] = -np.expm1(-k * diameter) / diameter
    return coefficients


def kubelka_munk(k_over_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Reflectance fraction of an infinitely thick layer: 1 + K/S - sqrt((K/S)^2 + 2 K/S)."""
    root = np.sqrt(k_over_s * (k_over_s + 2.0))
    # 1 + x - root, without the cancellation where x is large.
    return 1.0 / (1.0 + k_over_s + root)


def reflectance(
    mass: NDArray[np.float64], packing: NDArray[np.float64], wavenumber_cm1: ArrayLike
) -> NDArray[np.float64]:
    """Reflectance fraction ``[n, bands]`` of intimate mixtures.

    ``mass`` ``[n, members, classes]`` is in fractions of the dry soil (water on top), ``packing``
    ``[n]`` multiplies scattering, ``wavenumber_cm1`` is ``[bands]``.
    """
    at = np.asarray(wavenumber_cm1, dtype=np.float64)
    coefficients = grain_absorption(at)
    k = np.tensordot(mass, coefficients, axes=2)
    s = packing * (np.sum(mass, axis=1) @ GRAIN_SCATTERING)
    return kubelka_munk(k / (s[:, None] * (at / REFERENCE_CM1) ** SCATTERING_EXPONENT))
