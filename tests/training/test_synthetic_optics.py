from __future__ import annotations

import numpy as np
import pytest

from training.axes import MIR_AXIS, NIR_INSTRUMENT_AXIS
from training.synthetic.end_members import MEMBER, MEMBERS, absorption
from training.synthetic.optics import GRAIN_CLASSES, grain_absorption, kubelka_munk, reflectance


def soil(**shares: float) -> np.ndarray:
    mass = np.zeros((1, len(MEMBERS), len(GRAIN_CLASSES)))
    for name, share in shares.items():
        mass[0, MEMBER[name.replace("_", " ")], 1] = share
    return mass


def depth_at(centre_nm: float, mass: np.ndarray, reach_nm: float = 40.0) -> float:
    """Depth of the lowest reflectance near a position below the line between its shoulders."""
    nm = np.array([centre_nm - reach_nm, centre_nm, centre_nm + reach_nm])
    low, middle, high = reflectance(mass, np.ones(1), 1e7 / nm)[0]
    return (low + high) / 2 - middle


@pytest.mark.parametrize(
    ("member", "centre_nm"),
    [
        ("kaolinite", 1414),
        ("kaolinite", 2207),
        ("smectite", 2207),
        ("illite", 2205),
        ("smectite", 1909),
        ("adsorbed water", 1910),
        ("liquid water", 1934),
        ("calcite", 2341),
        ("gibbsite", 2268),
        ("fresh organic matter", 2310),
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
    light = [reflectance(soil(quartz=1 - s, calcite=s), np.ones(1), [4272.0])[0, 0] for s in shares]
    assert np.all(np.diff(light) < 0)


def test_coarser_grains_of_the_same_mineral_absorb_less() -> None:
    coefficients = grain_absorption(MIR_AXIS.values)
    assert np.all(np.diff(coefficients, axis=1) <= 1e-12)


@pytest.mark.parametrize("axis", [NIR_INSTRUMENT_AXIS, MIR_AXIS])
def test_reflectance_is_a_fraction(axis) -> None:
    rng = np.random.default_rng(1)
    mass = rng.dirichlet(np.ones(len(MEMBERS) * 3), size=50).reshape(50, len(MEMBERS), 3)
    light = reflectance(mass, np.ones(50), axis.values_in("cm-1"))
    assert np.all((light > 0) & (light < 1))
