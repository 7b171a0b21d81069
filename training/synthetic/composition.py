"""What synthetic soils consist of: sites drawn from provinces, soils drawn about their site."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.synthetic.end_members import MEMBER, MEMBERS
from training.synthetic.optics import GRAIN_CLASSES
from training.synthetic.provinces import PROVINCES

OM_PER_OC = 1.724
"""Organic matter per organic carbon (van Bemmelen's factor)."""

ORGANIC_CARBON_MAX_PCT = 45.0
"""Ours: pure peat."""

CARBONATE_MAX = 0.85
"""Ours: largest share of calcite in the mineral part."""

CARBONATE_GRAINS = np.array([0.25, 0.5, 0.25])
"""Clay, silt and sand shares of calcite. Ours."""

CLAY_QUARTZ = 0.10
SILT_ILLITE = 0.12
SILT_CHLORITE = 0.03
"""Shares in the clay and in the silt that are not of their main minerals. Ours."""

_CLAY_MINERALS = [MEMBER[m] for m in ("kaolinite", "smectite", "illite", "chlorite", "gibbsite")]
_CLAY, _SILT, _SAND = range(3)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sites:
    """Averages per site, one row each; names as in `training.synthetic.provinces.Province`."""

    texture: Floats
    minerals: Floats
    feldspar: Floats
    iron: Floats
    hematite: Floats
    carbonate: Floats
    organic_carbon_pct: Floats
    humified: Floats
    c_to_n: Floats
    base_saturation: Floats

    def __len__(self) -> int:
        return len(self.feldspar)


@dataclass(frozen=True)
class Composition:
    """``n`` soils.

    ``mass`` ``[n, members, classes]``: fractions of dry soil, water on top of them. ``site``,
    ``c_to_n`` and ``base_saturation`` are ``[n]``.
    """

    mass: Floats
    site: NDArray[np.int64]
    c_to_n: Floats
    base_saturation: Floats

    def __len__(self) -> int:
        return len(self.site)

    def of(self, *members: str) -> Floats:
        """Mass fraction ``[n]`` of ``members`` together."""
        fraction: Floats = self.mass[:, [MEMBER[m] for m in members]].sum(axis=(1, 2))
        return fraction


def draw_sites(rng: np.random.Generator, n: int) -> Sites:
    """``n`` sites of the provinces, each province equally likely."""
    which = rng.integers(len(PROVINCES), size=n)
    provinces = list(PROVINCES.values())

    def average(name: str) -> Floats:
        return np.array([getattr(province, name) for province in provinces])[which]

    clay, silt = average("clay_pct") / 100, average("silt_pct") / 100
    texture = _simplex(rng, np.stack([clay, silt, 1 - clay - silt], axis=1), 0.6)
    has_carbonate = rng.random(n) < average("carbonate_share")
    carbonate = average("carbonate_pct") / 100 * np.exp(0.8 * rng.standard_normal(n))
    return Sites(
        texture=texture,
        minerals=_simplex(rng, average("minerals"), 0.5),
        feldspar=_share(rng, average("feldspar"), 0.5),
        iron=_share(rng, average("iron"), 0.4),
        hematite=_share(rng, average("hematite"), 0.8),
        carbonate=np.where(has_carbonate, carbonate, 0.0),
        organic_carbon_pct=average("organic_carbon_pct") * np.exp(0.5 * rng.standard_normal(n)),
        humified=_share(rng, average("humified"), 0.4),
        c_to_n=average("c_to_n") * np.exp(0.12 * rng.standard_normal(n)),
        base_saturation=_share(rng, average("base_saturation"), 0.7),
    )


def draw_composition(rng: np.random.Generator, sites: Sites, n: int) -> Composition:
    """``n`` soils of ``sites``, from depths drawn evenly between topsoil (0) and subsoil (1)."""
    site = rng.integers(len(sites), size=n)
    depth = rng.random(n)
    texture = _simplex(rng, sites.texture[site], 0.35)
    carbonate = sites.carbonate[site] * (0.3 + 1.4 * depth) * np.exp(0.5 * rng.standard_normal(n))
    carbonate = CARBONATE_MAX * np.tanh(carbonate / CARBONATE_MAX)
    oc_pct = sites.organic_carbon_pct[site] * np.exp(
        0.8 - 1.8 * depth + 0.4 * rng.standard_normal(n)
    )
    oc_pct = ORGANIC_CARBON_MAX_PCT * np.tanh(oc_pct / ORGANIC_CARBON_MAX_PCT)
    organic = OM_PER_OC * oc_pct / 100
    humified = _share(rng, sites.humified[site], 0.35)
    grains = texture * ((1 - organic) * (1 - carbonate))[:, None]
    mass = np.zeros((n, len(MEMBERS), len(GRAIN_CLASSES)))
    _silicates(rng, mass, sites, site, grains)
    mass[:, MEMBER["calcite"]] = ((1 - organic) * carbonate)[:, None] * CARBONATE_GRAINS
    mass[:, MEMBER["fresh organic matter"], _SILT] = organic * (1 - humified)
    mass[:, MEMBER["humified organic matter"], _CLAY] = organic * humified
    mass[:, MEMBER["adsorbed water"], _CLAY] = _residual_water(rng, mass)
    c_to_n = sites.c_to_n[site] * np.exp(0.08 * rng.standard_normal(n) + 0.1 * (0.5 - humified))
    base_saturation = _share(rng, sites.base_saturation[site], 0.4)
    return Composition(mass, site.astype(np.int64), c_to_n, base_saturation)


def _silicates(
    rng: np.random.Generator, mass: Floats, sites: Sites, site: NDArray[np.int64], grains: Floats
) -> None:
    iron = _share(rng, sites.iron[site], 0.2)
    hematite = _share(rng, sites.hematite[site], 0.3)
    feldspar = _share(rng, sites.feldspar[site], 0.25)
    minerals = _simplex(rng, sites.minerals[site], 0.25)
    clay, silt, sand = grains.T
    mass[:, MEMBER["goethite"], _CLAY] = clay * iron * (1 - hematite)
    mass[:, MEMBER["hematite"], _CLAY] = clay * iron * hematite
    mass[:, MEMBER["quartz"], _CLAY] = clay * (1 - iron) * CLAY_QUARTZ
    mass[:, _CLAY_MINERALS, _CLAY] = (clay * (1 - iron) * (1 - CLAY_QUARTZ))[:, None] * minerals
    framework = silt * (1 - SILT_ILLITE - SILT_CHLORITE)
    mass[:, MEMBER["illite"], _SILT] = silt * SILT_ILLITE
    mass[:, MEMBER["chlorite"], _SILT] = silt * SILT_CHLORITE
    mass[:, MEMBER["feldspar"], _SILT] = framework * feldspar
    mass[:, MEMBER["quartz"], _SILT] = framework * (1 - feldspar)
    mass[:, MEMBER["feldspar"], _SAND] = sand * feldspar
    mass[:, MEMBER["quartz"], _SAND] = sand * (1 - feldspar)


def _residual_water(rng: np.random.Generator, mass: Floats) -> Floats:
    """Water that an air-dry soil holds, by what holds it and by the air's humidity. Ours."""
    organic = mass[:, MEMBER["fresh organic matter"]] + mass[:, MEMBER["humified organic matter"]]
    held = 0.002 + 0.015 * mass[:, :, _CLAY].sum(axis=1) + 0.08 * organic.sum(axis=1)
    held = held + 0.08 * mass[:, MEMBER["smectite"]].sum(axis=1)
    water: Floats = held * np.exp(0.3 * rng.standard_normal(len(mass)))
    return water


def _share(rng: np.random.Generator, centre: Floats, spread: float) -> Floats:
    """Shares about ``centre``, normal on the logit scale."""
    logit = np.log(centre / (1 - centre)) + spread * rng.standard_normal(centre.shape)
    share: Floats = 1 / (1 + np.exp(-logit))
    return share


def _simplex(rng: np.random.Generator, centre: Floats, spread: float) -> Floats:
    """Compositions about ``centre`` ``[n, parts]``, normal on the log-ratio scale; rows sum to 1."""
    parts = centre * np.exp(spread * rng.standard_normal(centre.shape))
    closed: Floats = parts / parts.sum(axis=1, keepdims=True)
    return closed
