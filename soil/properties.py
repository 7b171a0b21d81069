"""The nine soil properties: names, units, codes and ranges, in the order every array uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

IC_PER_CACO3: Final = 12.011 / 100.087
"""Mass of carbon in calcium carbonate (IUPAC standard atomic weights)."""


@dataclass(frozen=True)
class SoilProperty:
    """One property as it is reported.

    ``unit`` is a UCUM code. ``ossl_code`` is the Open Soil Spectral Library level-1 column, None
    where the library has no column of its own. ``glosis_procedure`` is the local name under
    ``http://w3id.org/glosis/model/procedure/`` of the spectral procedure, None where there is none.
    ``lowest`` and ``highest`` bound what a soil can have, in ``unit``. ``skewed`` properties are
    modelled as log1p.
    """

    name: str
    label: str
    unit: str
    ossl_code: str | None
    glosis_procedure: str | None
    lowest: float
    highest: float
    skewed: bool
    decimals: int

    def to_model_scale(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Reporting units to the scale on which errors are near symmetric (log1p or identity)."""
        return np.log1p(np.maximum(values, 0.0)) if self.skewed else values

    def from_model_scale(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The inverse of `to_model_scale`."""
        return np.expm1(values) if self.skewed else values


PROPERTIES: Final = (
    SoilProperty(
        "total_carbon", "total carbon", "%", "c.tot_usda.a622_w.pct",
        "carbonTotalProcedure-TotC_dc-ht-spec", 0.0, 72.01, True, 2,
    ),
    SoilProperty(
        "inorganic_carbon", "inorganic carbon", "%", None,
        None, 0.0, 12.01, True, 2,
    ),
    SoilProperty(
        "organic_carbon", "organic carbon", "%", "oc_usda.c729_w.pct",
        "carbonOrganicProcedure-OrgC_dc-spec", 0.0, 60.0, True, 2,
    ),
    SoilProperty(
        "total_nitrogen", "total nitrogen", "%", "n.tot_usda.a623_w.pct",
        "nitrogenTotalProcedure-TotalN_dc-spec", 0.0, 5.0, True, 3,
    ),
    SoilProperty(
        "ph_h2o", "pH (water)", "[pH]", "ph.h2o_usda.a268_index",
        "pHProcedure-pHH2O_unkn-spec", 2.0, 11.0, False, 1,
    ),
    SoilProperty(
        "cec", "CEC", "cmol/kg", "cec_usda.a723_cmolc.kg",
        None, 0.0, 250.0, True, 1,
    ),
    SoilProperty(
        "clay", "clay", "%", "clay.tot_usda.a334_w.pct", None, 0.0, 100.0, False, 1,
    ),
    SoilProperty(
        "silt", "silt", "%", "silt.tot_usda.c62_w.pct", None, 0.0, 100.0, False, 1,
    ),
    SoilProperty(
        "sand", "sand", "%", "sand.tot_usda.c60_w.pct", None, 0.0, 100.0, False, 1,
    ),
)  # fmt: skip

NAMES: Final = tuple(p.name for p in PROPERTIES)
INDEX: Final = {name: i for i, name in enumerate(NAMES)}
"""Column of each property in every ``[n, 9]`` array."""

LOWEST: Final = np.array([p.lowest for p in PROPERTIES])
HIGHEST: Final = np.array([p.highest for p in PROPERTIES])
SKEWED: Final = np.array([p.skewed for p in PROPERTIES])


def by_name(name: str) -> SoilProperty:
    """The property called ``name``; raises `KeyError`."""
    return PROPERTIES[INDEX[name]]


def to_model_scale(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """``[n, 9]`` reporting units to model scale, per column."""
    return np.where(SKEWED, np.log1p(np.maximum(values, 0.0)), values)


def from_model_scale(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """``[n, 9]`` model scale to reporting units, per column."""
    return np.where(SKEWED, np.expm1(np.where(SKEWED, values, 0.0)), values)
