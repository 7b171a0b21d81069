"""Absorption of the pure constituents of a soil, as sums of bands at published positions.

Positions: Clark et al. 1990 and Clark 1999 (minerals, NIR), Stenberg et al. 2010 (soil NIR, organic
matter), Bishop et al. 1994 (bound water of clays at 1.41 and 1.91 um, adsorbed at 1.46 and 1.97),
Farmer 1974, The Infrared Spectra of Minerals (MIR); rounded, so good to about 10 nm in NIR and
10 cm-1 in MIR. Widths, strengths and the Gaussian shape are ours, as is the broad band about
3,600 cm-1 of water and clays, the near wing of the stretching fundamentals, whose true shape is no
Gaussian. In NIR strengths were set by eye, so that medians of synthetic spectra run as those of
real soils do (benchmark ``realism``).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Band(NamedTuple):
    """A Gaussian band: centre and standard deviation in cm-1, peak strength per grain unit."""

    centre_cm1: float
    width_cm1: float
    strength: float


class EndMember(NamedTuple):
    """A constituent: a grey level of absorption under its bands."""

    grey: float
    bands: tuple[Band, ...]


END_MEMBERS: Final[dict[str, EndMember]] = {
    "quartz": EndMember(0.04, (
        Band(1080, 35, 40), Band(1160, 20, 22), Band(798, 10, 12), Band(778, 9, 10),
        Band(695, 6, 5), Band(1995, 30, 0.9), Band(1870, 22, 1.1), Band(1790, 20, 0.7),
        Band(1610, 22, 0.4),
    )),
    "feldspar": EndMember(0.06, (
        Band(1035, 40, 32), Band(1150, 25, 14), Band(770, 12, 7), Band(727, 9, 6),
        Band(645, 10, 6),
    )),
    "kaolinite": EndMember(0.10, (
        Band(3695, 9, 13), Band(3669, 8, 4), Band(3652, 8, 5), Band(3620, 9, 13),
        Band(1115, 18, 20), Band(1032, 16, 38), Band(1009, 14, 38), Band(938, 9, 12),
        Band(914, 10, 18), Band(790, 12, 5), Band(755, 12, 4), Band(695, 12, 8),
        Band(7168, 24, 0.25), Band(7072, 24, 0.32), Band(4624, 26, 0.32), Band(4531, 26, 0.75),
        Band(4325, 25, 0.10), Band(4255, 25, 0.14), Band(4200, 25, 0.15), Band(3700, 330, 0.8),
    )),
    "smectite": EndMember(0.12, (
        Band(3625, 28, 9), Band(3420, 120, 6), Band(1635, 25, 3), Band(1040, 45, 42),
        Band(915, 12, 10), Band(875, 12, 3), Band(840, 14, 4),
        Band(7077, 40, 0.35), Band(5238, 38, 0.90), Band(4531, 30, 0.30),
        Band(3700, 330, 0.8),
    )),
    "illite": EndMember(0.12, (
        Band(3622, 32, 7), Band(1025, 42, 40), Band(915, 14, 7), Band(830, 12, 4),
        Band(755, 12, 3), Band(7082, 42, 0.18), Band(4535, 32, 0.25), Band(4264, 30, 0.15),
        Band(4098, 32, 0.12), Band(3700, 330, 0.8),
    )),
    "chlorite": EndMember(0.16, (
        Band(3570, 40, 6), Band(3430, 60, 5), Band(1000, 40, 40), Band(760, 18, 5),
        Band(660, 18, 7), Band(7117, 40, 0.30), Band(4435, 36, 0.25), Band(4274, 36, 0.30),
    )),
    "gibbsite": EndMember(0.06, (
        Band(3620, 10, 15), Band(3527, 22, 14), Band(3450, 28, 10), Band(1020, 22, 15),
        Band(970, 16, 8), Band(800, 18, 6), Band(745, 16, 5), Band(668, 16, 6),
        Band(6897, 70, 0.50), Band(4410, 42, 0.90),
    )),
    "goethite": EndMember(0.20, (
        Band(3140, 120, 8), Band(895, 14, 12), Band(795, 14, 12), Band(640, 30, 8),
        Band(10900, 2000, 12),
    )),
    "hematite": EndMember(0.25, (Band(560, 45, 25), Band(11500, 2000, 14))),
    "calcite": EndMember(0.05, (
        Band(1430, 45, 60), Band(876, 8, 25), Band(712, 5, 12), Band(2515, 25, 5),
        Band(1795, 8, 4), Band(2980, 22, 1.2), Band(2875, 22, 1.2),
        Band(5330, 45, 0.05), Band(5010, 55, 0.08), Band(4635, 50, 0.05), Band(4272, 38, 0.22),
        Band(3950, 60, 0.8),
    )),
    "fresh organic matter": EndMember(0.30, (
        Band(3300, 200, 8), Band(2922, 20, 8), Band(2852, 15, 5), Band(1735, 20, 5),
        Band(1640, 40, 8), Band(1540, 25, 4), Band(1420, 35, 4), Band(1260, 40, 4),
        Band(1060, 60, 15), Band(6750, 250, 0.6), Band(5780, 45, 0.25), Band(5666, 45, 0.18),
        Band(4860, 60, 0.10), Band(4760, 120, 0.18), Band(4329, 35, 0.12), Band(4255, 30, 0.09),
        Band(14000, 3500, 12),
    )),
    "humified organic matter": EndMember(0.50, (
        Band(3300, 250, 6), Band(2922, 22, 3), Band(2852, 16, 2), Band(1715, 30, 8),
        Band(1610, 40, 12), Band(1390, 40, 8), Band(1250, 50, 7), Band(1050, 60, 5),
        Band(4760, 120, 0.10), Band(4329, 45, 0.15), Band(14000, 5000, 14),
    )),
    "adsorbed water": EndMember(0.0, (
        Band(3400, 180, 60), Band(1640, 35, 15), Band(2130, 150, 2),
        Band(7090, 70, 1.6), Band(6880, 150, 1.3), Band(6800, 900, 4.0),
        Band(5238, 34, 7.5), Band(5150, 75, 8.0), Band(4990, 120, 4.0), Band(3600, 400, 14),
    )),
    "liquid water": EndMember(0.0, (
        Band(3400, 180, 60), Band(1640, 35, 15), Band(2130, 150, 2),
        Band(6900, 170, 4), Band(5170, 85, 12), Band(3600, 350, 25),
    )),
}  # fmt: skip
"""Constituents in the order of every ``[..., members]`` array."""

MEMBERS: Final = tuple(END_MEMBERS)
MEMBER: Final = {name: i for i, name in enumerate(MEMBERS)}


def absorption(wavenumber_cm1: ArrayLike) -> NDArray[np.float64]:
    """Absorption coefficients ``[members, bands]`` at ``wavenumber_cm1`` ``[bands]``, per grain unit.

    A grain unit is the diameter of a sand grain of `training.synthetic.optics`.
    """
    at = np.asarray(wavenumber_cm1, dtype=np.float64)
    coefficients = np.empty((len(MEMBERS), at.size))
    for row, member in zip(coefficients, END_MEMBERS.values(), strict=True):
        row[:] = member.grey
        for band in member.bands:
            row += band.strength * np.exp(-0.5 * ((at - band.centre_cm1) / band.width_cm1) ** 2)
    return coefficients
