from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from soil.properties import IC_PER_CACO3, INDEX
from training.axes import MIR_AXIS, NIR_AXIS, NIR_INSTRUMENT_AXIS
from training.synthetic.composition import draw_composition, draw_sites
from training.synthetic.end_members import FAMILIES, MEMBERS, ORGANIC, WATER
from training.synthetic.instrument import NEOSPECTRA, Device, draw_devices, line_shape, measured
from training.synthetic.laboratory import IC_PER_DOLOMITE, properties, reported
from training.synthetic.organic_matter import NITROGEN_IN_PROTEIN, OM_PER_OC
from training.synthetic.soils import Scans, SoilSet, draw_soils


@pytest.fixture(scope="module")
def soils():
    rng = np.random.default_rng(3)
    return draw_composition(rng, draw_sites(rng, 40), 500)


@pytest.fixture(scope="module")
def true(soils):
    return properties(np.random.default_rng(4), soils)


def column(values, name):
    return values[:, INDEX[name]]


def test_dry_mass_is_whole(soils) -> None:
    dry = soils.mass.sum(axis=(1, 2)) - soils.of(*WATER)
    assert dry == pytest.approx(np.ones(len(soils)))
    assert np.all(soils.mass >= 0)


def test_carbon_follows_from_carbonate_and_organic_matter(soils, true) -> None:
    organic = soils.of(*ORGANIC)
    assert column(true, "inorganic_carbon") == pytest.approx(
        100 * (IC_PER_CACO3 * soils.of("calcite") + IC_PER_DOLOMITE * soils.of("dolomite"))
    )
    assert column(true, "organic_carbon") == pytest.approx(100 * organic / OM_PER_OC)
    assert column(true, "total_carbon") == pytest.approx(
        column(true, "organic_carbon") + column(true, "inorganic_carbon")
    )


def test_texture_is_whole_and_nitrogen_below_carbon(true) -> None:
    texture = true[:, [INDEX["clay"], INDEX["silt"], INDEX["sand"]]]
    assert texture.sum(axis=1) == pytest.approx(np.full(len(true), 100.0))
    assert np.all(column(true, "total_nitrogen") < column(true, "organic_carbon"))


def test_charge_follows_smectite_and_carbonate_buffers_ph(soils, true) -> None:
    poor = soils.of(*ORGANIC) < 0.03
    assert np.corrcoef(soils.of("smectite")[poor], column(true, "cec")[poor])[0, 1] > 0.8
    limed = soils.of("carbonate") > 0.05
    assert np.all(column(true, "ph_h2o")[limed] > 7)


def test_the_laboratory_reports_a_coherent_carbon_and_leaves_gaps(true) -> None:
    values = reported(np.random.default_rng(5), true, 0.2)
    assert 0.15 < np.isnan(values).mean() < 0.25
    total, organic, inorganic = (
        column(values, f"{part}_carbon") for part in ("total", "organic", "inorganic")
    )
    known = np.isfinite(total + organic + inorganic) & (organic > 0)
    assert (organic + inorganic)[known] == pytest.approx(total[known])


def test_scans_have_the_axes_of_their_instruments() -> None:
    spectra = draw_soils(0, SoilSet.PAIRS, 20, Scans(2, 3), Scans(2, 2), 0.1)
    assert spectra.nir.shape == (20, 3, len(NIR_AXIS))
    assert spectra.mir.shape == (20, 2, len(MIR_AXIS))
    assert spectra.nir.dtype == spectra.mir.dtype == np.float32
    assert np.all((spectra.nir > 0) & (spectra.nir < 1))
    assert NIR_AXIS.span_nm[0] > NIR_INSTRUMENT_AXIS.span_nm[0]
    assert NIR_INSTRUMENT_AXIS.values[0] == 2550 > NIR_INSTRUMENT_AXIS.values[1]


def test_sets_are_reproducible_and_independent() -> None:
    first, again = (draw_soils(7, SoilSet.TEST, 30, Scans(2, 1), Scans(2, 1)) for _ in range(2))
    assert np.array_equal(first.nir, again.nir)
    assert np.array_equal(first.mir, again.mir)
    assert np.array_equal(first.properties, again.properties)
    other = draw_soils(7, SoilSet.PAIRS, 30, Scans(2, 1))
    assert not np.array_equal(first.properties, other.properties)


def test_members_of_a_family_are_drawn_in_their_average_shares(soils) -> None:
    for family, forms in FAMILIES.items():
        whole = soils.of(family).sum()
        for member, average in forms.items():
            assert soils.of(member).sum() / whole == pytest.approx(average, abs=0.2)


def test_every_constituent_occurs_and_char_never_leads(soils) -> None:
    for member in MEMBERS:
        assert (soils.of(member) > 0).any() or member in ("gypsum", "liquid water")
    assert np.all(soils.of("char") < 0.6 * soils.of(*ORGANIC))


def test_protein_follows_nitrogen_and_humates_follow_bases(soils) -> None:
    organic = soils.of(*ORGANIC)
    protein_nitrogen = NITROGEN_IN_PROTEIN * soils.of("protein") / (organic / OM_PER_OC)
    assert np.corrcoef(protein_nitrogen, 1 / soils.c_to_n)[0, 1] > 0.8
    assert np.all(protein_nitrogen < 1 / soils.c_to_n)
    held = soils.of("humate") / soils.of("humate", "humic acid")
    assert np.corrcoef(held, soils.base_saturation)[0, 1] > 0.9


def test_properties_are_spread_and_joined_as_those_of_real_soils(soils, true) -> None:
    oc, clay, ph, cec = (column(true, name) for name in ("organic_carbon", "clay", "ph_h2o", "cec"))
    assert 0.7 < np.median(oc) < 2.0
    assert np.mean(oc) > 1.3 * np.median(oc)
    assert np.percentile(clay, [2, 98]) == pytest.approx([3, 75], abs=12)
    assert 4.0 < np.percentile(ph, 2) < np.percentile(ph, 98) < 9.0
    assert 1 < np.percentile(cec, 2) < np.percentile(cec, 98) < 70
    assert np.corrcoef(cec, clay)[0, 1] > 0.4
    assert np.corrcoef(cec, oc)[0, 1] > 0.3
    assert ph[soils.of("carbonate") > 0.02].mean() > ph[soils.of("carbonate") == 0].mean() + 1


PERFECT = Device(
    resolution_bands=2.0, shift_bands=0.0, gain=1.0, slope=0.0, offset=0.0, noise=0.0,
    presentation=(0.0, 0.0), fringe=0.0, fringe_bands=8.0, fringe_phase=0.0,
)  # fmt: skip


def at_cm1(bands: int) -> np.ndarray:
    return np.linspace(3929.0, 7407.0, bands)


def test_a_perfect_instrument_only_blurs() -> None:
    flat = np.full((1, 50), 0.4)
    rng = np.random.default_rng(0)
    assert measured(rng, PERFECT, flat, at_cm1(50)) == pytest.approx(flat)
    spike = np.zeros((1, 51))
    spike[0, 25] = 1.0
    assert measured(rng, PERFECT, spike, at_cm1(51)).sum() == pytest.approx(1.0)


def test_a_window_leaves_fringes_and_a_hand_leaves_tilt() -> None:
    flat = np.full((40, 64), 0.5)
    rng = np.random.default_rng(0)
    rippled = measured(rng, replace(PERFECT, fringe=0.01), flat, at_cm1(64))
    np.testing.assert_allclose(rippled, np.roll(rippled, 8, axis=1))
    assert rippled.max() - rippled.min() == pytest.approx(0.01)
    tilted = measured(rng, replace(PERFECT, presentation=(0.1, 0.0)), flat, at_cm1(64))
    slopes = tilted[:, -1] - tilted[:, 0]
    assert slopes.std() == pytest.approx(0.1, rel=0.4)
    np.testing.assert_allclose(np.diff(tilted, n=2, axis=1), 0, atol=1e-12)


def test_a_panel_taken_for_perfect_brightens_where_it_absorbs() -> None:
    flat = np.full((1, 400), 0.5)
    rng = np.random.default_rng(0)
    bright = measured(rng, replace(PERFECT, panel=1.0), flat, at_cm1(400))[0]
    assert 1e7 / at_cm1(400)[np.argmax(bright[:200])] == pytest.approx(2460, abs=5)
    assert bright.max() < 0.52
    assert bright[-1] == pytest.approx(0.5, abs=1e-6)


def test_air_and_filling_change_between_scans() -> None:
    flat, at = np.full((200, 300), 0.5), np.linspace(2000.0, 2600.0, 300)
    rng = np.random.default_rng(0)
    gas = measured(rng, replace(PERFECT, gas=0.03), flat, at)
    assert np.argmax(gas.std(axis=0)) in (np.argmin(abs(at - 2361)), np.argmin(abs(at - 2338)))
    assert gas[:, 0] == pytest.approx(np.full(200, 0.5))
    filled = measured(rng, replace(PERFECT, height=0.1), flat, at)
    assert np.log(filled[:, 0]).std() == pytest.approx(0.1, rel=0.3)
    assert np.ptp(filled, axis=1) == pytest.approx(np.zeros(200), abs=1e-9)


def test_a_shift_moves_the_centre_of_the_line() -> None:
    weights = line_shape(2.0, 0.3)
    at = np.arange(weights.size) - weights.size // 2
    assert float(weights @ at) == pytest.approx(0.3, abs=1e-3)


def test_devices_differ() -> None:
    devices = draw_devices(np.random.default_rng(0), NEOSPECTRA, 5)
    assert len({device.gain for device in devices}) == 5


def test_added_water_deepens_the_water_band_and_leaves_the_properties() -> None:
    dry, wet = (draw_soils(1, SoilSet.WET, 30, Scans(1, 1), added_water=w) for w in (0.0, 0.15))
    assert np.array_equal(dry.properties, wet.properties)
    at_1930_nm = int(np.argmin(np.abs(NIR_AXIS.values - 1930)))
    assert np.all(wet.nir[:, 0, at_1930_nm] < dry.nir[:, 0, at_1930_nm])


def test_a_device_without_soils_is_no_fault() -> None:
    assert len(draw_soils(1, SoilSet.TEST, 3, Scans(40, 1))) == 3
