"""The nine properties that follow from a composition, and what a laboratory would report of them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from soil.properties import HIGHEST, IC_PER_CACO3, INDEX, LOWEST, NAMES
from training.synthetic.composition import Composition
from training.synthetic.end_members import MEMBERS, ORGANIC
from training.synthetic.minerals import MINERALS
from training.synthetic.organic_matter import OM_PER_OC

CEC_CMOL_KG: Final = {
    "kaolinite": 6.0,
    "halloysite": 12.0,
    "smectite": 95.0,
    "Al illite": 22.0,
    "Mg illite": 25.0,
    "vermiculite": 120.0,
    "chlorite": 15.0,
    "gibbsite": 4.0,
    "allophane": 40.0,
    "ferrihydrite": 20.0,
    "cellulose": 20.0,
    "lignin": 100.0,
    "protein": 100.0,
    "humic acid": 300.0,
    "humate": 300.0,
    "char": 60.0,
}
"""Charge per kg of constituent. Ours, rounded from the ranges of textbooks."""

IC_PER_DOLOMITE: Final = 0.1303
"""Carbon in CaMg(CO3)2: 24.02 of 184.40 g/mol."""

_MINERALS: Final = [row for row, name in enumerate(MEMBERS) if name in MINERALS]
"""What the texture is of: the fine earth without organic matter and water."""

RELATIVE_ERROR: Final = np.array([0.03, 0.05, 0.03, 0.04, 0.0, 0.06, 0.0, 0.0, 0.0])
ABSOLUTE_ERROR: Final = np.array([0.03, 0.02, 0.03, 0.005, 0.08, 0.4, 1.2, 1.8, 1.8])
"""One standard deviation of laboratory error, of the value and in the property's unit. Ours."""


def properties(rng: np.random.Generator, soils: Composition) -> NDArray[np.float64]:
    """True values ``[n, 9]`` in reporting units.

    pH and CEC carry variation of their own, which no constituent shows (ours): 0.3 pH and 10 % CEC.
    """
    oc = 100 * soils.of(*ORGANIC) / OM_PER_OC
    ic = 100 * (soils.of("calcite") * IC_PER_CACO3 + soils.of("dolomite") * IC_PER_DOLOMITE)
    minerals = soils.mass[:, _MINERALS].sum(axis=1)
    texture = 100 * minerals / minerals.sum(axis=1, keepdims=True)
    cec = sum(
        (soils.of(name) * charge for name, charge in CEC_CMOL_KG.items()), np.zeros(len(soils))
    )
    buffered = 1 - np.exp(-soils.of("carbonate") / 0.01)
    acid = (
        4.3 + 3.2 * soils.base_saturation - 0.15 * np.log1p(oc) + 0.3 * rng.standard_normal(len(oc))
    )
    alkaline = 8.0 - 0.1 * np.log1p(oc) + 0.2 * rng.standard_normal(len(oc))
    columns = {
        "total_carbon": oc + ic,
        "inorganic_carbon": ic,
        "organic_carbon": oc,
        "total_nitrogen": oc / soils.c_to_n,
        "ph_h2o": (1 - buffered) * acid + buffered * alkaline,
        "cec": cec * np.exp(0.1 * rng.standard_normal(len(oc))),
        "clay": texture[:, 0],
        "silt": texture[:, 1],
        "sand": texture[:, 2],
    }
    return np.stack([columns[name] for name in NAMES], axis=1)


def reported(
    rng: np.random.Generator, true: NDArray[np.float64], missing_share: float
) -> NDArray[np.float64]:
    """``true`` ``[n, 9]`` with laboratory error; NaN where not analysed, ``missing_share`` of all.

    Organic carbon is total less inorganic carbon, as laboratories estimate it, and sand is the rest
    of the texture; both inherit the errors of the others.
    """
    sd = ABSOLUTE_ERROR + RELATIVE_ERROR * true
    values = np.maximum(true + sd * rng.standard_normal(true.shape), 0.0)
    no_carbonate = true[:, INDEX["inorganic_carbon"]] == 0
    values[no_carbonate, INDEX["inorganic_carbon"]] = 0.0
    values[:, INDEX["organic_carbon"]] = (
        values[:, INDEX["total_carbon"]] - values[:, INDEX["inorganic_carbon"]]
    )
    values[:, INDEX["sand"]] = 100 - values[:, INDEX["clay"]] - values[:, INDEX["silt"]]
    values = np.clip(values, LOWEST, HIGHEST)
    values[rng.random(values.shape) < missing_share] = np.nan
    return values
