"""Intervals hold their value, stay in range, and are as wide as their half width says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from calibration.intervals import IntervalModel
from contract.manifest import Intervals
from contract.records import PropertyReading
from soil.properties import HIGHEST, INDEX, LOWEST, NAMES, PROPERTIES, to_model_scale

half_widths = arrays(np.float64, 9, elements=st.floats(0, 200))
shares = arrays(np.float64, st.tuples(st.integers(1, 4), st.just(9)), elements=st.floats(0, 1))


@given(half_widths, shares)
def test_bounds_hold_the_value_and_stay_in_range(half_width, at):
    values = LOWEST + at * (HIGHEST - LOWEST)
    lower, upper = IntervalModel(0.9, half_width).bounds(values)
    assert np.all(lower <= values)
    assert np.all(values <= upper)
    assert np.all(lower >= LOWEST)
    assert np.all(upper <= np.maximum(HIGHEST, values))


@given(half_widths, shares)
def test_bounds_make_valid_readings(half_width, at):
    values = LOWEST + at * (HIGHEST - LOWEST)
    lower, upper = IntervalModel(0.9, half_width).bounds(values)
    for i, p in enumerate(PROPERTIES):
        PropertyReading(
            value=values[0, i], lower=lower[0, i], upper=upper[0, i], level=0.9, unit=p.unit
        )


@given(arrays(np.float64, 9, elements=st.floats(0, 0.1)), shares)
def test_away_from_the_ends_bounds_are_a_half_width_away_on_the_model_scale(half_width, at):
    values = LOWEST + (0.4 + 0.2 * at) * (HIGHEST - LOWEST)
    lower, upper = IntervalModel(0.9, half_width).bounds(values)
    centre = to_model_scale(values)
    below, above = centre - to_model_scale(lower), to_model_scale(upper) - centre
    np.testing.assert_allclose(below, np.broadcast_to(half_width, below.shape), atol=1e-9)
    np.testing.assert_allclose(above, np.broadcast_to(half_width, above.shape), atol=1e-9)


def test_skewed_properties_have_wider_intervals_where_there_is_more():
    carbon, clay = INDEX["organic_carbon"], INDEX["clay"]
    values = np.tile([[1.0], [10.0]], (1, 9))
    lower, upper = IntervalModel(0.9, np.full(9, 0.3)).bounds(values)
    width = upper - lower
    assert width[1, carbon] > 4 * width[0, carbon]
    assert width[1, clay] == pytest.approx(width[0, clay])


def test_a_half_width_of_nothing_leaves_the_value():
    values = np.array([[2.0, 0.5, 1.5, 0.1, 6.5, 12, 20, 30, 50]])
    lower, upper = IntervalModel(0.9, np.zeros(9)).bounds(values)
    np.testing.assert_allclose(lower, values)
    np.testing.assert_allclose(upper, values)


def test_half_widths_are_taken_by_name_and_not_by_their_order_in_the_manifest():
    widths = {name: float(i) for i, name in enumerate(NAMES)}
    turned = dict(reversed(widths.items()))
    model = IntervalModel.of(
        Intervals(
            method="split-conformal", level=0.8, half_width=turned,
            calibrated_on=dict.fromkeys(NAMES, 50),
        )
    )  # fmt: skip
    assert model.level == 0.8
    assert model.half_width.tolist() == list(range(9))
