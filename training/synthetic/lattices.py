"""Lattice vibrations of minerals: where they absorb, and how they bend refraction and so reflect.

Near a strong vibration the surface of a grain reflects (Reststrahlen), and just above it the index
of refraction passes that of air, so that little is scattered (Christiansen): in undiluted soils the
bands of silicate at 1,000 to 1,200 cm-1 are therefore low in apparent absorbance and 1,300 to 1,360
cm-1 is high (Nguyen et al. 1991; Salisbury and Walter 1989). Damped oscillators give both.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.synthetic.bands import Oscillator

LATTICES: Final[dict[str, tuple[Oscillator, ...]]] = {
    "quartz": (
        Oscillator(450, 0.82, 40), Oscillator(697, 0.025, 12), Oscillator(797, 0.07, 15),
        Oscillator(778, 0.03, 14), Oscillator(1072, 0.67, 22), Oscillator(1163, 0.015, 10),
    ),
    "feldspar": (
        Oscillator(540, 0.60, 90), Oscillator(645, 0.08, 25), Oscillator(727, 0.04, 25),
        Oscillator(770, 0.05, 25), Oscillator(1030, 0.65, 55), Oscillator(1130, 0.06, 50),
    ),
    "kaolin": (
        Oscillator(540, 0.50, 70), Oscillator(695, 0.06, 30), Oscillator(755, 0.02, 25),
        Oscillator(790, 0.02, 25), Oscillator(914, 0.07, 25), Oscillator(938, 0.02, 20),
        Oscillator(1010, 0.28, 30), Oscillator(1035, 0.28, 35), Oscillator(1110, 0.05, 30),
    ),
    "clay": (
        Oscillator(525, 0.60, 90), Oscillator(625, 0.10, 60), Oscillator(755, 0.02, 30),
        Oscillator(830, 0.03, 35), Oscillator(915, 0.06, 35), Oscillator(1035, 0.72, 55),
        Oscillator(1110, 0.05, 50),
    ),
    "iron clay": (
        Oscillator(490, 0.70, 100), Oscillator(680, 0.10, 50), Oscillator(820, 0.04, 40),
        Oscillator(875, 0.04, 40), Oscillator(1005, 0.60, 65), Oscillator(1090, 0.05, 60),
    ),
    "dark silicate": (
        Oscillator(510, 0.80, 60), Oscillator(755, 0.05, 35), Oscillator(960, 0.60, 70),
        Oscillator(1070, 0.20, 70),
    ),
    "oxide": (Oscillator(560, 1.5, 60), Oscillator(650, 0.3, 60)),
    "calcite": (Oscillator(712, 0.012, 8), Oscillator(876, 0.05, 8), Oscillator(1410, 0.55, 28)),
    "dolomite": (Oscillator(728, 0.012, 8), Oscillator(881, 0.05, 8), Oscillator(1440, 0.50, 28)),
}  # fmt: skip
"""Centres from Farmer 1974, quartz with strengths of Spitzer and Kleinman 1961 (ordinary ray); other
strengths and all dampings are ours, wider than those of crystals, since grains are small and lie in
all directions."""

PERMITTIVITY: Final = 2.35
"""Above all vibrations: an index of 1.53, for every lattice (quartz: Spitzer and Kleinman 1961)."""

WING_CM1: Final = 230.0
"""Reach of the damping about a vibration, as a Gaussian: a Lorentz wing has no end, whereas crystals
are clear two vibrations above their highest. Ours."""

GRAIN_UNIT_CM: Final = 0.04
"""One grain unit of `training.synthetic.optics`. Ours."""

GLOSS_MIN, GLOSS_MAX = 0.3, 14.0
"""Bounds of `gloss`: axes of a crystal differ, so no powder goes as low at its Christiansen
wavenumber or as high in its Reststrahlen as one oscillator has it. Ours."""


def lattice_absorption(lattice: str, wavenumber_cm1: NDArray[np.float64]) -> NDArray[np.float64]:
    """Absorption coefficient ``[bands]`` of a lattice, per grain unit."""
    extinction = np.sqrt(_permittivity(lattice, wavenumber_cm1)).imag
    coefficient: NDArray[np.float64] = 4 * np.pi * wavenumber_cm1 * extinction * GRAIN_UNIT_CM
    return coefficient


def gloss(lattice: str, wavenumber_cm1: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a surface reflects (Fresnel, at right angles), as a multiple ``[bands]`` of that far away."""
    surface = _fresnel(np.sqrt(_permittivity(lattice, wavenumber_cm1)))
    clear = _fresnel(np.sqrt(np.array([PERMITTIVITY + 0j])))
    soft: NDArray[np.float64] = GLOSS_MAX * np.tanh(surface / clear / GLOSS_MAX)
    return np.hypot(soft, GLOSS_MIN)


def _permittivity(lattice: str, at: NDArray[np.float64]) -> NDArray[np.complex128]:
    total = np.full(at.shape, PERMITTIVITY + 0j)
    for centre, strength, damping in LATTICES[lattice]:
        near = damping * np.exp(-0.5 * ((at - centre) / WING_CM1) ** 2)
        total += strength * centre**2 / (centre**2 - at**2 - 1j * near * at)
    return total


def _fresnel(index: NDArray[np.complex128]) -> NDArray[np.float64]:
    reflected: NDArray[np.float64] = np.abs((index - 1) / (index + 1)) ** 2
    return reflected
