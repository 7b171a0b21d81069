"""What synthetic soils consist of: sites drawn from provinces, soils drawn about their site."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from training.synthetic.end_members import FAMILIES, MEMBER, MEMBERS, ORGANIC
from training.synthetic.optics import GRAIN_CLASSES
from training.synthetic.organic_matter import OM_PER_OC, draw_organic
from training.synthetic.provinces import PROVINCES
from training.synthetic.shares import Floats, share, simplex

ORGANIC_CARBON_MAX_PCT = 45.0
"""Ours: pure peat."""

CARBONATE_MAX = 0.85
"""Ours: largest share of carbonate in the mineral part."""

GYPSUM_PCT = 4.0
"""Median of the soils of a site with gypsum. Ours."""

SALT_GRAINS = np.array([0.25, 0.5, 0.25])
"""Clay, silt and sand shares of carbonate and of gypsum. Ours."""

CLAY_QUARTZ = 0.10
SILT_ILLITE = 0.12
SILT_CHLORITE = 0.03
"""Shares in the clay and in the silt that are not of their main minerals. Ours."""

OPAQUE_SHARE = 0.25
"""Opaque oxides in the dark minerals. Ours."""

EXPONENT = (0.05, 0.25, 0.25)
"""Power of the wavenumber with which scattering grows: at no clay, its rise to pure clay, and its
spread. Ours: fine grains scatter short waves more, coarse ones all alike."""

CHAR_SHARE = 0.05
"""Char in humified organic matter. Ours."""

_CLAY_FAMILIES = ("kaolin", "smectite", "illite", "chlorite", "gibbsite", "allophane")
_SWELLING = ("smectite", "vermiculite", "allophane", "halloysite")
_CLAY = GRAIN_CLASSES.index("clay")


@dataclass(frozen=True)
class Sites:
    """Averages per site, one row each; names as in `training.synthetic.provinces.Province`.

    ``forms`` holds the shares of a family's members, ``char`` the share in humified organic matter.
    """

    texture: Floats
    minerals: Floats
    forms: dict[str, Floats]
    feldspar: Floats
    iron: Floats
    hematite: Floats
    dark: Floats
    carbonate: Floats
    gypsum: Floats
    organic_carbon_pct: Floats
    humified: Floats
    char: Floats
    c_to_n: Floats
    base_saturation: Floats

    def __len__(self) -> int:
        return len(self.feldspar)


@dataclass(frozen=True)
class Composition:
    """``n`` soils.

    ``mass`` ``[n, members, classes]``: fractions of dry soil, water on top of them. ``site``,
    ``c_to_n``, ``base_saturation`` and the ``exponent`` of scattering are ``[n]``.
    """

    mass: Floats
    site: NDArray[np.int64]
    c_to_n: Floats
    base_saturation: Floats
    exponent: Floats

    def __len__(self) -> int:
        return len(self.site)

    def of(self, *names: str) -> Floats:
        """Mass fraction ``[n]`` of members or families together."""
        fraction: Floats = _of(self.mass, *names).sum(axis=1)
        return fraction


def draw_sites(rng: np.random.Generator, n: int) -> Sites:
    """``n`` sites of the provinces, each province equally likely."""
    which = rng.integers(len(PROVINCES), size=n)
    provinces = list(PROVINCES.values())

    def average(name: str) -> Floats:
        return np.array([getattr(province, name) for province in provinces])[which]

    clay, silt = average("clay_pct") / 100, average("silt_pct") / 100
    texture = simplex(rng, np.stack([clay, silt, 1 - clay - silt], axis=1), 0.6)
    has_carbonate = rng.random(n) < average("carbonate_share")
    carbonate = average("carbonate_pct") / 100 * np.exp(0.8 * rng.standard_normal(n))
    has_gypsum = rng.random(n) < average("gypsum_share")
    gypsum = GYPSUM_PCT / 100 * np.exp(0.8 * rng.standard_normal(n))
    return Sites(
        texture=texture,
        minerals=simplex(rng, average("minerals"), 0.5),
        forms={
            family: simplex(rng, np.tile(list(forms.values()), (n, 1)), 0.8)
            for family, forms in FAMILIES.items()
        },
        feldspar=share(rng, average("feldspar"), 0.5),
        iron=share(rng, average("iron"), 0.4),
        hematite=share(rng, average("hematite"), 0.8),
        dark=share(rng, average("dark"), 0.8),
        carbonate=np.where(has_carbonate, carbonate, 0.0),
        gypsum=np.where(has_gypsum, gypsum, 0.0),
        organic_carbon_pct=average("organic_carbon_pct") * np.exp(0.5 * rng.standard_normal(n)),
        humified=share(rng, average("humified"), 0.4),
        char=share(rng, np.full(n, CHAR_SHARE), 0.8),
        c_to_n=average("c_to_n") * np.exp(0.12 * rng.standard_normal(n)),
        base_saturation=share(rng, average("base_saturation"), 0.7),
    )


def draw_composition(rng: np.random.Generator, sites: Sites, n: int) -> Composition:
    """``n`` soils of ``sites``, from depths drawn evenly between topsoil (0) and subsoil (1)."""
    site = rng.integers(len(sites), size=n)
    depth = rng.random(n)
    texture = simplex(rng, sites.texture[site], 0.35)
    carbonate = _salt(rng, sites.carbonate[site], depth, CARBONATE_MAX)
    gypsum = _salt(rng, sites.gypsum[site], depth, 1 - CARBONATE_MAX)
    oc_pct = sites.organic_carbon_pct[site] * np.exp(
        0.8 - 1.8 * depth + 0.4 * rng.standard_normal(n)
    )
    oc_pct = ORGANIC_CARBON_MAX_PCT * np.tanh(oc_pct / ORGANIC_CARBON_MAX_PCT)
    organic = OM_PER_OC * oc_pct / 100
    humified = share(rng, sites.humified[site], 0.35)
    c_to_n = sites.c_to_n[site] * np.exp(0.08 * rng.standard_normal(n) + 0.1 * (0.5 - humified))
    base_saturation = share(rng, sites.base_saturation[site], 0.4)
    mass = np.zeros((n, len(MEMBERS), len(GRAIN_CLASSES)))
    grains = texture * ((1 - organic) * (1 - carbonate - gypsum))[:, None]
    _silicates(rng, mass, sites, site, grains)
    for name, part in {"carbonate": carbonate, "gypsum": gypsum}.items():
        of_class = np.outer(SALT_GRAINS, (1 - organic) * part)
        _put(rng, mass, sites, site, name, **dict(zip(GRAIN_CLASSES, of_class, strict=True)))
    draw_organic(rng, mass, organic, humified, sites.char[site], c_to_n, base_saturation)
    _residual_water(rng, mass)
    at_no_clay, rise, spread = EXPONENT
    exponent = at_no_clay + rise * texture[:, _CLAY] + spread * rng.standard_normal(n)
    return Composition(mass, site.astype(np.int64), c_to_n, base_saturation, exponent)


def _salt(rng: np.random.Generator, of_site: Floats, depth: Floats, most: float) -> Floats:
    """Carbonate or gypsum, more of it below; ``most`` is its largest share."""
    drawn = of_site * (0.3 + 1.4 * depth) * np.exp(0.5 * rng.standard_normal(len(depth)))
    bounded: Floats = most * np.tanh(drawn / most)
    return bounded


def _silicates(
    rng: np.random.Generator, mass: Floats, sites: Sites, site: NDArray[np.int64], grains: Floats
) -> None:
    iron = share(rng, sites.iron[site], 0.2)
    hematite = share(rng, sites.hematite[site], 0.3)
    feldspar = share(rng, sites.feldspar[site], 0.25)
    dark = share(rng, sites.dark[site], 0.3)
    opaque = share(rng, np.full(len(site), OPAQUE_SHARE), 0.4)
    minerals = simplex(rng, sites.minerals[site], 0.25)
    clay, silt, sand = grains.T
    layered = clay * (1 - iron) * (1 - CLAY_QUARTZ)
    put = partial(_put, rng, mass, sites, site)
    put("yellow iron", clay=clay * iron * (1 - hematite))
    put("hematite", clay=clay * iron * hematite)
    put("quartz", clay=clay * (1 - iron) * CLAY_QUARTZ)
    for name, part in zip(_CLAY_FAMILIES, minerals.T, strict=True):
        put(name, clay=layered * part)
    put("illite", silt=silt * SILT_ILLITE)
    put("chlorite", silt=silt * SILT_CHLORITE)
    silt = silt * (1 - SILT_ILLITE - SILT_CHLORITE)
    put("amphibole", silt=silt * dark * (1 - opaque), sand=sand * dark * (1 - opaque))
    put("opaque oxides", silt=silt * dark * opaque, sand=sand * dark * opaque)
    silt, sand = silt * (1 - dark), sand * (1 - dark)
    put("feldspar", silt=silt * feldspar, sand=sand * feldspar)
    put("quartz", silt=silt * (1 - feldspar), sand=sand * (1 - feldspar))


def _put(
    rng: np.random.Generator,
    mass: Floats,
    sites: Sites,
    site: NDArray[np.int64],
    name: str,
    **classes: Floats,
) -> None:
    """Add grains ``[n]`` of some classes to ``mass``: of a member, or of the forms of a family."""
    if name in MEMBER:
        forms, members = np.ones((len(site), 1)), [MEMBER[name]]
    else:
        forms = simplex(rng, sites.forms[name][site], 0.3)
        members = [MEMBER[member] for member in FAMILIES[name]]
    for grain_class, grains in classes.items():
        mass[:, members, GRAIN_CLASSES.index(grain_class)] += forms * grains[:, None]


def _residual_water(rng: np.random.Generator, mass: Floats) -> None:
    """Water that an air-dry soil holds, by what holds it and by the air's humidity. Ours.

    Between layers it is held fast; on surfaces it follows the air.
    """
    n = len(mass)
    air = rng.uniform(0.2, 1.6, size=n)
    fast = 0.06 * _of(mass, *_SWELLING).sum(axis=1) * np.exp(0.3 * rng.standard_normal(n))
    loose = 0.001 + 0.012 * mass[:, :, _CLAY].sum(axis=1)
    loose += 0.08 * _of(mass, *ORGANIC).sum(axis=1) + 0.02 * _of(mass, *_SWELLING).sum(axis=1)
    mass[:, MEMBER["interlayer water"], _CLAY] = fast * (0.5 + 0.5 * air) + 0.3 * loose
    mass[:, MEMBER["surface water"], _CLAY] = loose * air


def _of(mass: Floats, *names: str) -> Floats:
    """``[n, classes]`` of members or families together."""
    rows = [MEMBER[member] for name in names for member in FAMILIES.get(name, {name: 1.0})]
    together: Floats = mass[:, rows].sum(axis=1)
    return together
