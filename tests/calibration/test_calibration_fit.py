"""What is fitted keeps its promise: coverage and false alarms as asked, or an error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn.covariance import EmpiricalCovariance
from sklearn.decomposition import PCA

from calibration.errors import CalibrationError
from calibration.fit import fit_gh_model, fit_intervals, fit_q_model
from soil.properties import NAMES, to_model_scale

ERROR_RATE = 1e-5
"""How often a right implementation would fail one of the tests below, were its seed not fixed."""


def _between(hits, trials, rate):
    low, high = binom.ppf([ERROR_RATE / 2, 1 - ERROR_RATE / 2], trials, rate)
    return low <= hits <= high


@pytest.mark.parametrize(("n", "level"), [(19, 0.9), (9, 0.5), (39, 0.95)])
def test_intervals_cover_a_new_soil_as_often_as_their_level_says(soils, n, level):
    trials = 1500
    predicted, observed = (part.reshape(trials, n + 1, 9) for part in soils(trials * (n + 1), 17))
    hits = 0
    for p, y in zip(predicted, observed, strict=True):
        model, _ = fit_intervals(p[:n], y[:n], level)
        lower, upper = model.bounds(p[n:])
        hits += int(np.sum((lower <= y[n:]) & (y[n:] <= upper)))
    # (n + 1) * level is whole: coverage is the level itself, and one rank aside is far outside.
    assert _between(hits, 9 * trials, level)
    assert not _between(hits, 9 * trials, level - 1 / (n + 1))
    assert not _between(hits, 9 * trials, level + 1 / (n + 1))


def test_a_half_width_is_the_order_statistic_of_the_errors(soils):
    predicted, observed = soils(99, 18)
    model, counts = fit_intervals(predicted, observed, 0.9)
    errors = np.sort(np.abs(to_model_scale(predicted) - to_model_scale(observed)), axis=0)
    assert model.level == 0.9
    assert counts.tolist() == [99] * 9
    np.testing.assert_allclose(model.half_width, errors[89])


@given(st.permutations(range(60)))
def test_the_order_of_the_soils_does_not_matter(soils, order):
    predicted, observed = soils(60, 19)
    expected, _ = fit_intervals(predicted, observed, 0.8)
    model, _ = fit_intervals(predicted[order], observed[order], 0.8)
    assert model.half_width.tolist() == expected.half_width.tolist()


def test_missing_observations_are_left_out_property_by_property(soils):
    predicted, observed = soils(100, 20)
    gaps = observed.copy()
    for column in range(9):
        gaps[: 5 * column, column] = np.nan
    model, counts = fit_intervals(predicted, gaps, 0.9)
    assert counts.tolist() == [100 - 5 * column for column in range(9)]
    for column in range(9):
        alone, _ = fit_intervals(predicted[5 * column :], observed[5 * column :], 0.9)
        assert model.half_width[column] == alone.half_width[column]


@pytest.mark.parametrize("name", NAMES)
def test_a_property_with_too_few_observations_is_an_error_that_names_it(soils, name):
    predicted, observed = soils(50, 21)
    observed[8:, NAMES.index(name)] = np.nan
    with pytest.raises(CalibrationError, match=f"8 observations of {name} are too few"):
        fit_intervals(predicted, observed, 0.9)
    fit_intervals(predicted, observed, 0.8)


def test_nine_observations_are_enough_for_nine_tenths(soils):
    predicted, observed = soils(9, 22)
    model, _ = fit_intervals(predicted, observed, 0.9)
    worst = np.abs(to_model_scale(predicted) - to_model_scale(observed)).max(axis=0)
    np.testing.assert_allclose(model.half_width, worst)
    with pytest.raises(CalibrationError, match=r"too few for a level of 0\.9"):
        fit_intervals(predicted[1:], observed[1:], 0.9)


@pytest.mark.parametrize(
    ("level", "needed"),
    [
        (0.5, 1),
        (0.75, 3),
        (0.8, 4),
        (0.9, 9),
        (0.95, 19),
        (0.99, 99),
    ],
)
def test_an_error_for_too_few_says_how_many_are_enough(soils, level, needed):
    predicted, observed = soils(needed, 23)
    fit_intervals(predicted, observed, level)
    with pytest.raises(CalibrationError, match=f"at least {needed}$"):
        fit_intervals(predicted[1:], observed[1:], level)


@pytest.mark.parametrize("n", [0, 1])
def test_no_observations_are_too_few(soils, n):
    predicted, observed = soils(2, 24)
    with pytest.raises(CalibrationError, match=f"{n} observations of total_carbon are too few"):
        fit_intervals(predicted[:n], observed[:n], 0.9)


def _spectra(n, seed, bands=10):
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(25).normal(size=(4, bands))
    heavy = 0.1 * random.standard_t(3, (n, bands))
    return 5 + random.normal(size=(n, 4)) @ mixing + heavy


def test_the_components_are_those_of_scikit_learn():
    training, held_out = _spectra(80, 26), _spectra(50, 27)
    model = fit_q_model(training, held_out, 4, 0.9, 0.95)
    pca = PCA(4).fit(training)
    rest = held_out - pca.inverse_transform(pca.transform(held_out))
    np.testing.assert_allclose(model.residual(held_out), np.sum(rest**2, axis=1), rtol=1e-4)
    np.testing.assert_allclose(model.components @ model.components.T, np.eye(4), atol=1e-5)
    assert (model.mean.dtype, model.components.dtype) == (np.float32, np.float32)


def test_limits_are_order_statistics_of_the_held_out_residuals():
    training, held_out = _spectra(80, 28), _spectra(99, 29)
    model = fit_q_model(training, held_out, 4, 0.9, 0.99)
    ordered = np.sort(model.residual(held_out))
    assert (model.caution, model.reject) == (ordered[89], ordered[98])
    verdicts = [model.verdict(q) for q in ordered]
    assert verdicts == ["ok"] * 90 + ["caution"] * 9


def test_limits_raise_a_false_alarm_as_often_as_they_were_set_to():
    trials, held_out, rates = 3000, 19, {"caution": 0.1, "reject": 0.05}
    training = _spectra(60, 30)
    spectra = _spectra(trials * (held_out + 1), 31).reshape(trials, held_out + 1, -1)
    alarms = dict.fromkeys(rates, 0)
    for known in spectra:
        model = fit_q_model(
            training, known[:held_out], 4, 1 - rates["caution"], 1 - rates["reject"]
        )
        q = float(model.residual(known[held_out:])[0])
        alarms["caution"] += q > model.caution
        alarms["reject"] += q > model.reject
    for limit, rate in rates.items():
        assert _between(alarms[limit], trials, rate), limit
        assert not _between(alarms[limit], trials, rate + 1 / (held_out + 1)), limit


def test_a_foreign_spectrum_is_rejected():
    model = fit_q_model(_spectra(80, 32), _spectra(200, 33), 4, 0.9, 0.99)
    foreign = np.random.default_rng(34).normal(5, 10, size=(20, 10))
    assert {model.verdict(q) for q in model.residual(foreign)} == {"reject"}


def test_too_few_held_out_spectra_for_a_quantile_are_an_error():
    with pytest.raises(
        CalibrationError, match=r"50 held-out spectra are too few for a level of 0\.99"
    ):
        fit_q_model(_spectra(80, 35), _spectra(50, 36), 4, 0.9, 0.99)


@pytest.mark.parametrize("components", [-1, 0, 10, 80])
def test_more_components_than_spectra_or_bands_can_give_are_an_error(components):
    with pytest.raises(CalibrationError, match=f"{components} components can't be taken"):
        fit_q_model(_spectra(80, 37), _spectra(50, 38), components, 0.9, 0.95)


def _latents(n, seed, features=4):
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(41).normal(size=(features, features))
    return 3 + random.standard_t(4, (n, features)) @ mixing


def test_gh_is_the_squared_mahalanobis_distance_of_scikit_learn_over_the_features():
    training, held_out = _latents(100, 42), _latents(99, 43)
    model = fit_gh_model(training, held_out, 0.9, 0.99)
    # scikit-learn's covariance is over n, ours over n - 1.
    expected = EmpiricalCovariance().fit(training).mahalanobis(held_out) / 4 * 99 / 100
    np.testing.assert_allclose(model.distance(held_out), expected, rtol=1e-4)
    ordered = np.sort(model.distance(held_out))
    assert (model.caution, model.reject) == (ordered[89], ordered[98])


def test_gh_does_not_depend_on_how_the_latent_space_is_turned_and_stretched():
    training, held_out = _latents(100, 44), _latents(99, 45)
    turn = np.random.default_rng(46).normal(size=(4, 4))
    model = fit_gh_model(training, held_out, 0.9, 0.99)
    turned = fit_gh_model(training @ turn + 7, held_out @ turn + 7, 0.9, 0.99)
    np.testing.assert_allclose(
        turned.distance(held_out @ turn + 7), model.distance(held_out), rtol=1e-3
    )


def test_gh_limits_raise_a_false_alarm_as_often_as_they_were_set_to():
    trials, held_out, rate = 3000, 19, 0.1
    training = _latents(60, 47)
    latents = _latents(trials * (held_out + 1), 48).reshape(trials, held_out + 1, -1)
    alarms = 0
    for known in latents:
        model = fit_gh_model(training, known[:held_out], 1 - rate, 0.95)
        alarms += int(model.distance(known[held_out:])[0] > model.caution)
    assert _between(alarms, trials, rate)
    assert not _between(alarms, trials, rate + 1 / (held_out + 1))


@pytest.mark.parametrize("training", [_latents(4, 49), _latents(60, 50) * [1, 1, 0, 1]])
def test_latents_that_do_not_span_their_features_are_an_error(training):
    with pytest.raises(CalibrationError, match="don't span their 4 features"):
        fit_gh_model(training, _latents(50, 51), 0.9, 0.95)


def test_a_single_latent_feature_is_enough():
    training, held_out = _latents(100, 54, features=1), _latents(50, 55, features=1)
    model = fit_gh_model(training, held_out, 0.9, 0.95)
    expected = (held_out - training.mean()) ** 2 / training.var(ddof=1)
    np.testing.assert_allclose(model.distance(held_out), expected[:, 0], rtol=1e-4)


def test_too_few_held_out_latents_are_an_error():
    with pytest.raises(CalibrationError, match="8 held-out latents are too few"):
        fit_gh_model(_latents(60, 52), _latents(8, 53), 0.9, 0.95)
