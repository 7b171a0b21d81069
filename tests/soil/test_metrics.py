"""Figures of merit, against formulas of others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import iqr, pearsonr
from sklearn.metrics import r2_score, root_mean_squared_error

from soil.errors import SoilError
from soil.metrics import metrics

numbers = st.floats(-100, 100).map(lambda value: round(value, 6))
pairs = st.lists(st.tuples(numbers, numbers), min_size=3, max_size=60).map(lambda p: np.array(p).T)


@given(pairs)
def test_figures_are_those_of_scikit_learn_and_scipy(pair):
    observed, predicted = pair
    assume(np.ptp(observed) > 1e-3)
    assume(np.abs(predicted - observed).max() > 1e-3)
    figures = metrics(observed, predicted)
    rmse = root_mean_squared_error(observed, predicted)
    assert figures.n == observed.size
    assert figures.r2 == pytest.approx(r2_score(observed, predicted))
    assert figures.rmse == pytest.approx(rmse)
    assert figures.bias == pytest.approx(np.mean(predicted) - np.mean(observed), abs=1e-9)
    assert figures.rpiq == pytest.approx(iqr(observed) / rmse)


@given(pairs)
def test_concordance_is_correlation_times_lin_s_bias_correction(pair):
    observed, predicted = pair
    assume(min(np.ptp(observed), np.ptp(predicted)) > 1e-3)
    r = pearsonr(observed, predicted).statistic
    sy, sp = observed.std(), predicted.std()
    scale, shift = sp / sy, (predicted.mean() - observed.mean()) / np.sqrt(sp * sy)
    ccc = metrics(observed, predicted).ccc
    assert ccc == pytest.approx(r * 2 / (scale + 1 / scale + shift**2), abs=1e-9)
    assert abs(ccc) <= abs(r) + 1e-9


@given(st.lists(numbers, min_size=2, max_size=40), numbers)
def test_concordance_is_one_for_identical_values_alone(values, offset):
    values = np.array(values)
    assume(np.ptp(values) > 1e-3)
    assume(abs(offset) > 0.01)
    assert metrics(values, values).ccc == pytest.approx(1)
    assert metrics(values, values + offset).ccc < 1 - 1e-9
    assert metrics(values, 1.5 * values - 0.5 * values.mean()).ccc < 1 - 1e-9


@given(pairs, st.data())
def test_missing_observations_are_left_out(pair, data):
    observed, predicted = pair
    assume(np.ptp(observed) > 1e-3)
    at = data.draw(st.integers(0, observed.size))
    with_gap = np.insert(observed, at, data.draw(st.sampled_from([np.nan, np.inf, -np.inf])))
    assert metrics(with_gap, np.insert(predicted, at, 7.0)) == metrics(observed, predicted)


def test_a_missing_prediction_is_no_excuse():
    figures = metrics([1.0, 2.0, 3.0], [1.0, np.nan, 3.0])
    assert figures.n == 3
    assert np.isnan(figures.rmse)


def test_perfect_predictions_have_no_error():
    figures = metrics([1.0, 2.0, 4.0], [1.0, 2.0, 4.0])
    assert figures.as_dict() == {
        "n": 3, "r2": 1.0, "rmse": 0.0, "bias": 0.0, "ccc": 1.0, "rpiq": float("inf"),
    }  # fmt: skip


def test_predictions_worse_than_the_mean_have_a_negative_r2():
    assert metrics([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]).r2 == pytest.approx(-3)


@pytest.mark.parametrize(
    "level",
    [
        2.0,
        0.1,
    ],
)
def test_observations_without_spread_have_no_r2(level):
    assert np.isnan(metrics([level] * 3, [0.2, 0.3, 0.4]).r2)


@pytest.mark.parametrize("observed", [[], [1.0], [np.nan, 1.0, np.nan]])
def test_fewer_than_two_observations_are_refused(observed):
    with pytest.raises(SoilError, match="too few"):
        metrics(observed, np.zeros(len(observed)))


@pytest.mark.parametrize("predicted", [[1.0], [[1.0, 2.0]], [1.0, 2.0, 3.0]])
def test_what_is_no_list_of_pairs_is_refused(predicted):
    with pytest.raises(SoilError, match="are no pairs"):
        metrics([1.0, 2.0], predicted)
