from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.bootstrap import Estimate, draws, estimate


def test_every_resample_has_as_many_soils_as_the_set() -> None:
    counts = draws(37, 200, seed=3)
    assert counts.shape == (200, 37)
    assert (counts.sum(axis=1) == 37).all()


def test_soils_are_drawn_with_replacement() -> None:
    counts = draws(400, 100, seed=3)
    assert abs(float((counts == 0).mean()) - np.exp(-1)) < 0.01


def test_a_seed_gives_its_own_draws() -> None:
    assert (draws(20, 10, seed=1) == draws(20, 10, seed=1)).all()
    assert (draws(20, 10, seed=1) != draws(20, 10, seed=2)).any()


@given(st.integers(0, 10_000), st.integers(10, 200))
def test_the_interval_of_a_mean_holds_it(seed: int, n: int) -> None:
    values = np.random.default_rng(seed).normal(size=n)
    resampled = draws(n, 200, seed) @ values / n
    found = estimate(float(values.mean()), resampled)
    assert found.lower < found.value < found.upper


def test_the_interval_holds_95_of_100_resamples() -> None:
    found = estimate(0.5, np.linspace(0, 1, 1001))
    np.testing.assert_allclose([found.lower, found.upper], [0.025, 0.975])


def test_resamples_without_the_figure_are_left_out() -> None:
    assert estimate(1.0, [1.0, np.nan, 1.0]) == Estimate(1.0, 1.0, 1.0)


def test_no_interval_where_most_resamples_lack_the_figure() -> None:
    assert estimate(1.0, [1.0, np.nan, np.nan]) == Estimate(1.0, None, None)


def test_a_figure_without_a_value_is_none() -> None:
    assert estimate(np.nan, [1.0]) == estimate(np.inf, [1.0]) == Estimate(None, None, None)
