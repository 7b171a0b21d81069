from __future__ import annotations

import numpy as np
import pytest

from training.axes import MIR_AXIS, NIR_INSTRUMENT_AXIS
from training.synthetic.end_members import END_MEMBERS, MEMBER, MEMBERS, ORGANIC, WATER, absorption
from training.synthetic.lattices import LATTICES, gloss
from training.synthetic.optics import GRAIN_CLASSES, SIEVED, Optics, grain_absorption, kubelka_munk


def soil(**shares: float) -> np.ndarray:
    mass = np.zeros((1, len(MEMBERS), len(GRAIN_CLASSES)))
    for name, share in shares.items():
        mass[0, MEMBER[name.replace("_", " ")], 1] = share
    return mass


def seen(mass: np.ndarray, wavenumber_cm1, milled: bool = False, exponent: float = 0.1):
    n = len(mass)
    optics = Optics.of(wavenumber_cm1, milled)
    return optics.reflectance(mass, np.ones(n), np.full(n, exponent))


def depth_at(centre_nm: float, mass: np.ndarray, reach_nm: float = 40.0) -> float:
    """Depth of the lowest reflectance near a position below the line between its shoulders."""
    nm = np.array([centre_nm - reach_nm, centre_nm, centre_nm + reach_nm])
    low, middle, high = seen(mass, 1e7 / nm)[0]
    return (low + high) / 2 - middle


@pytest.mark.parametrize(
    ("member", "centre_nm"),
    [
        ("kaolinite", 1414),
        ("kaolinite", 2207),
        ("halloysite", 2208),
        ("Al smectite", 2207),
        ("Fe smectite", 2287),
        ("Mg smectite", 2312),
        ("Al illite", 2198),
        ("Mg illite", 2217),
        ("Mg chlorite", 2327),
        ("Fe chlorite", 2355),
        ("Al smectite", 1909),
        ("interlayer water", 1910),
        ("surface water", 1920),
        ("liquid water", 1934),
        ("calcite", 2341),
        ("gibbsite", 2268),
        ("dolomite", 2319),
        ("gypsum", 1750),
        ("wax", 2310),
        ("cellulose", 2100),
        ("protein", 2050),
    ],
)
def test_a_constituent_darkens_its_published_band(member: str, centre_nm: float) -> None:
    background = soil(quartz=1.0)
    with_member = soil(quartz=0.9, **{member.replace(" ", "_"): 0.1})
    assert depth_at(centre_nm, with_member) > depth_at(centre_nm, background) + 1e-3


@pytest.mark.parametrize(
    ("member", "centre_cm1"),
    [("quartz", 1080), ("quartz", 798), ("kaolinite", 3695), ("calcite", 1430), ("calcite", 2515)],
)
def test_mid_infrared_bands_are_local_maxima_of_absorption(member: str, centre_cm1: float) -> None:
    around = absorption([centre_cm1 - 30, centre_cm1, centre_cm1 + 30])[MEMBER[member]]
    assert around[1] == max(around)


def test_kubelka_munk_undoes_its_own_definition() -> None:
    fraction = np.array([0.02, 0.3, 0.9])
    assert kubelka_munk((1 - fraction) ** 2 / (2 * fraction)) == pytest.approx(fraction)


def test_more_of_an_absorber_is_darker_at_its_band() -> None:
    shares = np.linspace(0, 0.5, 11)
    light = [seen(soil(quartz=1 - s, calcite=s), [4272.0])[0, 0] for s in shares]
    assert np.all(np.diff(light) < 0)


def test_coarser_grains_of_the_same_mineral_absorb_less() -> None:
    coefficients = grain_absorption(MIR_AXIS.values, SIEVED)
    assert np.all(np.diff(coefficients, axis=1) <= 1e-12)


@pytest.mark.parametrize(("axis", "milled"), [(NIR_INSTRUMENT_AXIS, False), (MIR_AXIS, True)])
def test_reflectance_is_a_fraction(axis, milled) -> None:
    rng = np.random.default_rng(1)
    mass = rng.dirichlet(np.ones(len(MEMBERS) * 3), size=50).reshape(50, len(MEMBERS), 3)
    light = seen(mass, axis.values_in("cm-1"), milled)
    assert np.all((light > 0) & (light < 1))


def test_more_water_is_darker_in_its_band_all_the_way() -> None:
    for water in WATER:
        mass = np.concatenate([soil(quartz=1.0)] * 9)
        mass[:, MEMBER[water], 0] = np.linspace(0, 0.08, 9)
        assert np.all(np.diff(seen(mass, [1e7 / 1940])[:, 0]) < 0)


def test_a_steeper_scattering_brightens_short_waves_and_darkens_long_ones() -> None:
    flat, steep = (seen(soil(Al_illite=1.0), [4000.0, 7000.0], exponent=e)[0] for e in (0.0, 0.4))
    assert steep[0] < flat[0]
    assert steep[1] > flat[1]


PUBLISHED_NM = {
    "kaolinite": [(1390, 1418), (2155, 2170), (2200, 2212)],
    "Al smectite": [(1400, 1418), (1905, 1915), (2203, 2215)],
    "Fe smectite": [(1420, 1440), (2235, 2245), (2280, 2295)],
    "Mg smectite": [(1385, 1400), (2305, 2320)],
    "Al illite": [(2190, 2202), (2340, 2350)],
    "Mg illite": [(2210, 2225), (2340, 2360)],
    "gibbsite": [(2262, 2272)],
    "calcite": [(2330, 2345)],
    "dolomite": [(2310, 2328)],
    "gypsum": [(1440, 1450), (1740, 1755), (1935, 1950)],
    "cellulose": [(1480, 1495), (2090, 2110), (2330, 2345)],
    "lignin": [(1670, 1690), (2130, 2145)],
    "protein": [(1500, 1520), (2045, 2060), (2170, 2185)],
    "wax": [(1720, 1732), (1758, 1770), (2305, 2315), (2345, 2355)],
}


@pytest.mark.parametrize("member", PUBLISHED_NM)
def test_near_infrared_bands_lie_where_they_were_published(member: str) -> None:
    centres = np.array([1e7 / band.centre_cm1 for band in END_MEMBERS[member].bands])
    for low, high in PUBLISHED_NM[member]:
        assert np.any((centres >= low) & (centres <= high)), (low, high)


def test_milled_soil_has_reststrahlen_below_a_bright_christiansen_peak() -> None:
    absorbance = -np.log10(seen(soil(quartz=1.0), MIR_AXIS.values, milled=True)[0])
    at = dict(zip(MIR_AXIS.values, absorbance, strict=True))
    assert at[1120.0] < at[1340.0] - 0.3
    assert at[798.0] < at[816.0]


@pytest.mark.parametrize("lattice", LATTICES)
def test_a_lattice_is_plain_far_above_its_vibrations(lattice: str) -> None:
    assert gloss(lattice, np.array([4000.0, 7000.0])) == pytest.approx([1.0, 1.0], abs=0.12)


def test_every_constituent_absorbs_and_none_gives_light() -> None:
    for axis in (NIR_INSTRUMENT_AXIS, MIR_AXIS):
        coefficients = absorption(axis.values_in("cm-1"))
        assert np.all(coefficients >= 0)
        assert np.all(coefficients.max(axis=1) > 0)


def test_humus_greys_more_than_plant_remains() -> None:
    nir = absorption(NIR_INSTRUMENT_AXIS.values_in("cm-1")).mean(axis=1)
    assert nir[MEMBER["char"]] == max(nir[MEMBER[name]] for name in ORGANIC)
    assert nir[MEMBER["humate"]] > nir[MEMBER["cellulose"]]
