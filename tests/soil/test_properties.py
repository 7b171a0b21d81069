"""The nine properties, as the design and the Open Soil Spectral Library name them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soil.properties import (
    HIGHEST,
    IC_PER_CACO3,
    INDEX,
    LOWEST,
    NAMES,
    PROPERTIES,
    by_name,
    from_model_scale,
    to_model_scale,
)

AS_DESIGNED = [
    ("total_carbon", "%", "c.tot_usda.a622_w.pct"),
    ("inorganic_carbon", "%", None),
    ("organic_carbon", "%", "oc_usda.c729_w.pct"),
    ("total_nitrogen", "%", "n.tot_usda.a623_w.pct"),
    ("ph_h2o", "[pH]", "ph.h2o_usda.a268_index"),
    ("cec", "cmol/kg", "cec_usda.a723_cmolc.kg"),
    ("clay", "%", "clay.tot_usda.a334_w.pct"),
    ("silt", "%", "silt.tot_usda.c62_w.pct"),
    ("sand", "%", "sand.tot_usda.c60_w.pct"),
]


def test_names_units_and_codes_are_those_of_the_design_in_its_order():
    assert [(p.name, p.unit, p.ossl_code) for p in PROPERTIES] == AS_DESIGNED
    assert [*NAMES] == [name for name, _, _ in AS_DESIGNED]


def test_spectral_procedures_are_named_as_glosis_names_them():
    assert {p.name: p.glosis_procedure for p in PROPERTIES if p.glosis_procedure} == {
        "total_carbon": "carbonTotalProcedure-TotC_dc-ht-spec",
        "organic_carbon": "carbonOrganicProcedure-OrgC_dc-spec",
        "total_nitrogen": "nitrogenTotalProcedure-TotalN_dc-spec",
        "ph_h2o": "pHProcedure-pHH2O_unkn-spec",
    }


def test_carbon_nitrogen_and_cec_are_the_skewed_ones():
    assert {p.name for p in PROPERTIES if p.skewed} == {
        *("total_carbon", "inorganic_carbon", "organic_carbon", "total_nitrogen", "cec")
    }


def test_inorganic_carbon_is_0_12_of_calcium_carbonate():
    assert pytest.approx(0.12, abs=1e-4) == IC_PER_CACO3
    assert by_name("inorganic_carbon").highest == pytest.approx(100 * IC_PER_CACO3, abs=0.01)


def test_total_carbon_can_hold_the_most_of_both_its_parts():
    parts = by_name("organic_carbon").highest + by_name("inorganic_carbon").highest
    assert by_name("total_carbon").highest >= parts


def test_columns_and_ranges_follow_the_properties():
    for i, name in enumerate(NAMES):
        assert by_name(name) is PROPERTIES[i]
        assert INDEX[name] == i
        assert (LOWEST[i], HIGHEST[i]) == (by_name(name).lowest, by_name(name).highest)
    assert np.all(LOWEST < HIGHEST)
    with pytest.raises(KeyError):
        by_name("moisture")


@given(st.lists(st.lists(st.floats(0, 1), min_size=9, max_size=9), min_size=1, max_size=5))
def test_values_come_back_from_the_model_scale(shares):
    values = LOWEST + np.array(shares) * (HIGHEST - LOWEST)
    np.testing.assert_allclose(from_model_scale(to_model_scale(values)), values, atol=1e-10)


def test_the_model_scale_is_log1p_for_the_skewed_and_the_unit_itself_for_the_rest():
    values = np.tile(np.arange(3.0, 12.0), (2, 1))
    scaled = to_model_scale(values)
    for i, p in enumerate(PROPERTIES):
        expected = np.log1p(values[:, i]) if p.skewed else values[:, i]
        assert scaled[:, i].tolist() == expected.tolist()


def test_below_zero_a_skewed_property_counts_as_zero():
    carbon = by_name("total_carbon")
    assert carbon.to_model_scale(np.array([-5.0, -1.0, 0.0])).tolist() == [0.0, 0.0, 0.0]
