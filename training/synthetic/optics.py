"""How much light a mixture of grains sends back: Kubelka and Munk 1931, for an opaque layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from training.synthetic.end_members import MEMBER, WATER, absorption, glosses

GRAIN_CLASSES: Final = ("clay", "silt", "sand")

SIEVED: Final = np.array([0.02, 0.2, 1.0])
"""Diameter per class in grain units, of fine earth below 2 mm. Ours: compressed against the true
sizes, since real grains are rough and aggregated."""

MILLED: Final = np.array([0.010, 0.015, 0.020])
"""The same of soil milled for the mid-infrared, as laboratories do it: sand is ground to silt. Ours."""

SIEVED_SCATTERING: Final = np.array([1.6, 1.0, 0.55])
MILLED_SCATTERING: Final = np.array([2.6, 2.0, 1.8])
"""Scattering per mass and class, finer grains scattering more. Ours."""

REFERENCE_CM1: Final = 5000.0
"""Where the power law of scattering is 1."""


def grain_absorption(
    wavenumber_cm1: ArrayLike, diameter: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Absorption ``[members, classes, bands]`` per mass of grains, at ``wavenumber_cm1`` ``[bands]``.

    (1 - exp(-k d)) / d for a ``diameter`` ``[classes]``: a coarse grain hides its inside, so strong
    bands of sand saturate where those of clay do not; water lies in films, which hide nothing. The
    form is ours.
    """
    k = absorption(wavenumber_cm1)[:, None, :]
    across = diameter[None, :, None]
    coefficients: NDArray[np.float64] = -np.expm1(-k * across) / across
    films = [MEMBER[name] for name in WATER]
    coefficients[films] = k[films]
    return coefficients


def kubelka_munk(k_over_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Reflectance fraction of an infinitely thick layer: 1 + K/S - sqrt((K/S)^2 + 2 K/S)."""
    root = np.sqrt(k_over_s * (k_over_s + 2.0))
    # 1 + x - root, without the cancellation where x is large.
    return 1.0 / (1.0 + k_over_s + root)


@dataclass(frozen=True)
class Optics:
    """Grains of one preparation at given bands: absorption and scattering per mass.

    ``absorbs`` is ``[members, classes, bands]``, ``scatters`` ``[classes]``, ``gloss``
    ``[members, bands]`` and ``relative_cm1`` ``[bands]`` the wavenumber over `REFERENCE_CM1`.
    """

    absorbs: NDArray[np.float64]
    scatters: NDArray[np.float64]
    gloss: NDArray[np.float64]
    relative_cm1: NDArray[np.float64]

    @classmethod
    def of(cls, wavenumber_cm1: ArrayLike, milled: bool) -> Optics:
        """At ``wavenumber_cm1`` ``[bands]``, of milled soil or of fine earth."""
        at = np.asarray(wavenumber_cm1, dtype=np.float64)
        return cls(
            absorbs=grain_absorption(at, MILLED if milled else SIEVED),
            scatters=MILLED_SCATTERING if milled else SIEVED_SCATTERING,
            gloss=glosses(at),
            relative_cm1=at / REFERENCE_CM1,
        )

    def reflectance(
        self,
        mass: NDArray[np.float64],
        packing: NDArray[np.float64],
        exponent: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Reflectance fraction ``[n, bands]`` of intimate mixtures.

        ``mass`` ``[n, members, classes]`` is in fractions of the dry soil (water on top),
        ``packing`` ``[n]`` multiplies scattering, which grows with wavenumber to the power
        ``exponent`` ``[n]``.
        """
        member, grain_class = np.nonzero(mass.any(axis=0))
        k = mass[:, member, grain_class] @ self.absorbs[member, grain_class]
        s = (mass @ self.scatters) @ self.gloss
        s *= packing[:, None] * np.exp(np.outer(exponent, np.log(self.relative_cm1)))
        return kubelka_munk(k / s)
