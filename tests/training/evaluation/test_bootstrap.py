from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.bootstrap import SITES_MIN, Estimate, drawn_soils, draws, estimate


def test_every_resample_has_as_many_soils_as_the_set() -> None:
    counts = draws(37, 200, seed=3)
    assert counts.shape == (200, 37)
    assert (counts.sum(axis=1) == 37).all()


def test_soils_are_drawn_with_replacement() -> None:
    counts = draws(400, 100, seed=3)
    assert abs(float((counts == 0).mean()) - np.exp(-1)) < 0.01


def test_soils_of_one_site_are_drawn_together() -> None:
    site = np.repeat(np.arange(20), 3)
    counts, by_site = drawn_soils(site, 200, seed=3)
    assert by_site
    assert (counts == counts[:, site * 3]).all()
    assert (counts.sum(axis=1) == 60).all()


def test_a_handful_of_sites_is_not_drawn_from() -> None:
    site = np.repeat(np.arange(SITES_MIN - 1), 5)
    counts, by_site = drawn_soils(site, 200, seed=3)
    assert not by_site
    assert (counts != counts[:, site * 5]).any()


def test_soils_that_resemble_each_other_by_site_widen_the_interval() -> None:
    site = np.repeat(np.arange(30), 10)
    values = np.random.default_rng(0).normal(size=30)[site]
    alone, whole = (
        estimate(float(values.mean()), counts @ values / counts.sum(axis=1))
        for counts in (draws(300, 1000, 1), drawn_soils(site, 1000, 1)[0])
    )
    # The root of ten soils a site, and what chance leaves of that.
    assert 2.5 < (whole.upper - whole.lower) / (alone.upper - alone.lower) < 4


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
