from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.bootstrap import SITES_MIN, Draws, Estimate, draws, estimate


def test_every_resample_has_as_many_soils_as_the_set() -> None:
    counts = draws(37, 200, seed=3)
    assert counts.shape == (200, 37)
    assert (counts.sum(axis=1) == 37).all()


def test_soils_are_drawn_with_replacement() -> None:
    counts = draws(400, 100, seed=3)
    assert abs(float((counts == 0).mean()) - np.exp(-1)) < 0.01


def named(site: np.ndarray) -> np.ndarray:
    return np.char.add("site-", site.astype(str))


def test_soils_of_one_site_are_drawn_together() -> None:
    site = np.repeat(np.arange(20), 3)
    counts, unit = Draws(named(site), 200, seed=3).of(np.ones(60, dtype=bool))
    assert unit == "sites"
    assert (counts == counts[:, site * 3]).all()
    assert (counts.sum(axis=1) == 60).all()


def test_what_is_drawn_depends_on_the_soils_of_the_figure() -> None:
    site = np.repeat(np.arange(20), 5)
    drawn = Draws(named(site), 200, seed=3)
    assert drawn.of(site < SITES_MIN)[1] == "sites"
    counts, unit = drawn.of(site < SITES_MIN - 1)
    assert unit == "soils"
    assert (counts != counts[:, site * 5]).any()


def test_soils_without_a_site_are_no_sites() -> None:
    everything = np.ones(120, dtype=bool)
    few = np.where(np.arange(120) < 9, named(np.arange(120)), "")
    assert Draws(few, 50, seed=0).of(everything)[1] == "soils"
    scattered = np.where(np.arange(120) < 59, named(np.arange(120) % 15), "")
    assert Draws(scattered, 50, seed=0).of(everything)[1] == "soils"
    most = np.where(np.arange(120) < 60, named(np.arange(120) % 15), "")
    assert Draws(most, 50, seed=0).of(everything)[1] == "sites"
    assert Draws(np.full(120, ""), 50, seed=0).of(everything)[1] == "soils"


def test_soils_that_resemble_each_other_by_site_widen_the_interval() -> None:
    site = np.repeat(np.arange(30), 10)
    values = np.random.default_rng(0).normal(size=30)[site]
    whole, _ = Draws(named(site), 1000, 1).of(np.ones(300, dtype=bool))
    widths = []
    for counts in (draws(300, 1000, 1), whole):
        found = estimate(float(values.mean()), counts @ values / counts.sum(axis=1))
        widths.append(found.upper - found.lower)
    # The root of ten soils a site, and what chance leaves of that.
    assert 2.5 < widths[1] / widths[0] < 4


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
