"""Coherent estimates describe one soil, whatever the nine separate ones said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import nnls

from soil.coherence import coherent
from soil.properties import HIGHEST, INDEX, LOWEST

TC, IC, OC = (INDEX[name] for name in ("total_carbon", "inorganic_carbon", "organic_carbon"))
TN, PH, CEC = INDEX["total_nitrogen"], INDEX["ph_h2o"], INDEX["cec"]
TEXTURE = [INDEX[name] for name in ("clay", "silt", "sand")]
ROUNDING = 1e-9

anything = st.floats(allow_nan=False) | st.floats(-200, 300) | st.just(0.0)
wild = arrays(np.float64, st.tuples(st.integers(1, 4), st.just(9)), elements=anything)


@st.composite
def soils(draw):
    """One soil as nine values that agree with each other."""
    organic = draw(st.floats(0, 60))
    inorganic = draw(st.floats(0, 12.01))
    nitrogen = min(5.0, draw(st.floats(0, 0.5)) * (organic + inorganic))
    parts = np.array(draw(st.tuples(*[st.floats(0.01, 1)] * 3)))
    rest = [draw(st.floats(2, 11)), draw(st.floats(0, 250))]
    return [organic + inorganic, inorganic, organic, nitrogen, *rest, *(100 * parts / parts.sum())]


@given(wild)
def test_carbon_adds_up(raw):
    values = coherent(raw)
    np.testing.assert_allclose(values[:, TC], values[:, OC] + values[:, IC], atol=ROUNDING)


@given(wild)
def test_texture_adds_up_to_100(raw):
    np.testing.assert_allclose(coherent(raw)[:, TEXTURE].sum(axis=1), 100, atol=ROUNDING)


@given(wild)
def test_nitrogen_lies_below_carbon_wherever_there_is_carbon(raw):
    values = coherent(raw)
    with_carbon = values[:, TC] > 0
    assert np.all(values[with_carbon, TN] < values[with_carbon, TC])
    assert np.all(values[~with_carbon, TN] == 0)


@given(wild)
def test_every_value_lies_in_its_range(raw):
    values = coherent(raw)
    assert np.all(np.isfinite(values))
    assert np.all(values >= LOWEST)
    assert np.all(values <= HIGHEST + ROUNDING)


def test_a_soil_of_one_fraction_alone_does_not_exceed_100():
    raw = np.zeros((1000, 9))
    raw[:, TEXTURE[0]] = np.random.default_rng(8).uniform(0, 100, 1000)
    assert coherent(raw)[:, TEXTURE].max() <= 100.0


@given(wild)
def test_making_coherent_twice_changes_no_more_than_once(raw):
    once = coherent(raw)
    np.testing.assert_allclose(coherent(once), once, atol=ROUNDING)


@given(st.lists(soils(), min_size=1, max_size=4))
def test_coherent_estimates_are_left_as_they_are(rows):
    np.testing.assert_allclose(coherent(rows), rows, atol=ROUNDING)


@given(wild)
def test_ph_and_cec_are_only_brought_into_range(raw):
    for column in (PH, CEC):
        expected = np.clip(raw[:, column], LOWEST[column], HIGHEST[column])
        assert coherent(raw)[:, column].tolist() == expected.tolist()


@given(wild)
def test_the_estimates_given_are_not_written_to_and_rows_do_not_mix(raw):
    before = raw.copy()
    together = coherent(raw)
    assert raw.tobytes() == before.tobytes()
    for row, alone in zip(together, raw, strict=True):
        assert row.tolist() == coherent(alone)[0].tolist()


def test_one_estimate_without_its_outer_dimension_is_taken_too():
    assert coherent([2.0, 0.5, 1.5, 0.1, 6.5, 12, 20, 30, 50]).shape == (1, 9)


def _nearest_carbon(row):
    """TC, IC, OC nearest to ``row`` with TC = OC + IC and no part below zero."""
    (organic, inorganic), _ = nnls(np.array([[1, 1], [1, 0], [0, 1.0]]), row[[TC, OC, IC]])
    return np.array([organic + inorganic, inorganic, organic])


def test_carbon_takes_the_least_squares_step_while_both_parts_stay_in_range(wild_estimates):
    clipped = np.clip(wild_estimates, LOWEST, HIGHEST)
    nearest = np.array([_nearest_carbon(row) for row in clipped])
    inside = np.all((nearest[:, 1:] > 1e-6) & (nearest[:, 1:] < HIGHEST[[IC, OC]]), axis=1)
    assert inside.sum() > 100
    got = coherent(wild_estimates)[:, [TC, IC, OC]]
    np.testing.assert_allclose(got[inside], nearest[inside], atol=1e-8)


@pytest.mark.parametrize(
    ("total", "inorganic", "organic"), [(5, 0, 20), (1, 0.2, 3), (2, 6, 0.5), (0, 3, 0)]
)
def test_carbon_takes_the_least_squares_step_where_a_part_would_fall_below_zero(
    total, inorganic, organic
):
    raw = np.array([total, inorganic, organic, 0, 7, 10, 20, 30, 50], dtype=float)
    nearest = _nearest_carbon(raw)
    np.testing.assert_allclose(coherent(raw)[0, [TC, IC, OC]], nearest, atol=1e-8)


def test_negative_fractions_become_zero_and_the_rest_keep_their_proportion():
    raw = [0, 0, 0, 0, 7, 10, -5, 30, 60]
    np.testing.assert_allclose(coherent(raw)[0, TEXTURE], [0, 100 / 3, 200 / 3])


def test_a_soil_without_any_fraction_is_split_evenly():
    np.testing.assert_allclose(coherent(np.zeros(9))[0, TEXTURE], 100 / 3)


@pytest.mark.parametrize("column", range(6))
def test_an_estimate_that_is_no_number_stays_none(column):
    raw = np.array([2.0, 0.5, 1.5, 0.1, 6.5, 12, 20, 30, 50])
    raw[column] = np.nan
    assert np.isnan(coherent(raw)[0, column])


@pytest.mark.parametrize("column", TEXTURE)
def test_a_fraction_that_is_no_number_stays_none(column):
    raw = np.array([2.0, 0.5, 1.5, 0.1, 6.5, 12, 20, 30, 50])
    raw[column] = np.nan
    assert np.isnan(coherent(raw)[0, column])
