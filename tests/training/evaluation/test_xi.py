from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.xi import SOILS_MIN, noise, xi_table


def xi(x: np.ndarray, y: np.ndarray, seed: int = 0) -> float:
    return float(xi_table(x[:, None], y[:, None], seed)[0, 0])


def by_the_article(x: np.ndarray, y: np.ndarray) -> float:
    """The definition with ties in y, written out; ``x`` has none."""
    y = y[np.argsort(x)]
    r = np.array([(y <= value).sum() for value in y])
    at_least = np.array([(y >= value).sum() for value in y])
    n = len(y)
    return 1 - n * np.abs(np.diff(r)).sum() / (2 * (at_least * (n - at_least)).sum())


@given(st.integers(0, 10_000), st.integers(SOILS_MIN, 300), st.sampled_from([np.exp, np.negative]))
def test_a_monotone_function_has_the_highest_xi_there_is(seed: int, n: int, f) -> None:
    x = np.random.default_rng(seed).permutation(np.linspace(-3, 3, n))
    assert xi(x, f(x)) == pytest.approx(1 - 3 / (n + 1))


def test_a_bent_function_is_seen_one_way_and_not_the_other() -> None:
    x = np.random.default_rng(0).normal(size=1000)
    assert xi(x, x**2) > 0.95
    assert xi(x**2, x) < 0.6


def test_noise_is_what_independent_quantities_stay_below() -> None:
    rng = np.random.default_rng(0)
    found = xi_table(rng.normal(size=(200, 400)), rng.normal(size=(200, 1)), seed=0)
    assert 0.9 < float((found < noise(200)).mean()) < 0.99


@given(st.integers(0, 10_000), st.integers(SOILS_MIN, 60))
def test_ties_in_the_laboratory_values_are_counted_as_in_the_article(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.permutation(n).astype(float), rng.integers(0, 4, size=n).astype(float)
    y[:2] = [0, 3]
    assert xi(x, y) == pytest.approx(by_the_article(x, y))


def test_a_feature_of_one_value_knows_nothing_however_the_soils_are_sorted() -> None:
    assert abs(xi(np.ones(500), np.arange(500.0))) < 0.15


def test_the_same_seed_breaks_ties_the_same_way() -> None:
    x, y = np.ones(100), np.arange(100.0)
    assert xi(x, y, seed=4) == xi(x, y, seed=4)
    assert xi(x, y, seed=4) != xi(x, y, seed=5)


def test_soils_that_were_not_analysed_are_left_out() -> None:
    x, y = np.arange(40.0), np.arange(40.0)
    y[::2] = np.nan
    assert xi(x, y) == pytest.approx(1 - 3 / 21)


@pytest.mark.parametrize(
    "y", [np.full(40, 2.0), np.where(np.arange(40) < SOILS_MIN - 1, np.arange(40.0), np.nan)]
)
def test_one_value_or_too_few_have_no_xi(y: np.ndarray) -> None:
    assert np.isnan(xi(np.arange(40.0), y))
