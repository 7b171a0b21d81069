"""The pure constituents of a soil: their absorption and gloss, and the families they belong to."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from training.synthetic.lattices import gloss, lattice_absorption
from training.synthetic.minerals import MINERALS
from training.synthetic.organics import ORGANICS, WATERS
from training.synthetic.shortwave import SHORTWAVE

END_MEMBERS: Final = MINERALS | ORGANICS | WATERS
"""Constituents in the order of every ``[..., members]`` array."""

MEMBERS: Final = tuple(END_MEMBERS)
MEMBER: Final = {name: i for i, name in enumerate(MEMBERS)}

FAMILIES: Final[dict[str, dict[str, float]]] = {
    "kaolin": {"kaolinite": 0.75, "halloysite": 0.25},
    "smectite": {"Al smectite": 0.70, "Fe smectite": 0.20, "Mg smectite": 0.10},
    "illite": {"Al illite": 0.45, "Mg illite": 0.40, "vermiculite": 0.15},
    "chlorite": {"Mg chlorite": 0.5, "Fe chlorite": 0.5},
    "yellow iron": {"goethite": 0.8, "ferrihydrite": 0.2},
    "feldspar": {"K-feldspar": 0.5, "plagioclase": 0.5},
    "carbonate": {"calcite": 0.85, "dolomite": 0.15},
}
"""Forms of a mineral and their average shares in it. Ours. A soil mixes them, so that its bands lie
anywhere between those of the forms."""

ORGANIC: Final = tuple(ORGANICS)
WATER: Final = tuple(WATERS)


def absorption(wavenumber_cm1: ArrayLike) -> NDArray[np.float64]:
    """Absorption coefficients ``[members, bands]`` at ``wavenumber_cm1`` ``[bands]``, per grain unit.

    A grain unit is the diameter of a sand grain of `training.synthetic.optics`.
    """
    at = np.asarray(wavenumber_cm1, dtype=np.float64)
    coefficients = np.empty((len(MEMBERS), at.size))
    for row, (name, member) in zip(coefficients, END_MEMBERS.items(), strict=True):
        row[:] = member.grey
        for band in (*member.bands, *SHORTWAVE.get(name, ())):
            row += band.strength * np.exp(-0.5 * ((at - band.centre_cm1) / band.width_cm1) ** 2)
        if member.lattice is not None:
            row += lattice_absorption(member.lattice, at)
    return coefficients


def glosses(wavenumber_cm1: ArrayLike) -> NDArray[np.float64]:
    """Gloss ``[members, bands]`` of every constituent; 1 for those without a lattice."""
    at = np.asarray(wavenumber_cm1, dtype=np.float64)
    return np.stack(
        [
            np.ones(at.size) if member.lattice is None else gloss(member.lattice, at)
            for member in END_MEMBERS.values()
        ]
    )
