from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from soil.metrics import metrics
from training.evaluation import accuracy as module
from training.evaluation.accuracy import FIGURES, accuracy, resampled
from training.evaluation.bootstrap import draws


def scanned(seed: int, soils: int = 40, unknown: int = 0) -> tuple:
    """Observed, predicted and soil of some soils with one to four scans each, far from zero."""
    rng = np.random.default_rng(seed)
    observed = 50 + rng.gamma(2.0, 2.0, size=soils)
    soil = np.repeat(np.arange(soils), rng.integers(1, 5, size=soils))
    predicted = 5 + 0.9 * observed[soil] + rng.normal(size=len(soil))
    observed[:unknown] = np.nan
    return observed, predicted, soil


def same_figures(found: dict, expected: dict[str, float]) -> None:
    for name in ("r2", "rmse", "bias", "ccc", "rpiq"):
        assert_allclose(found[name], expected[name], rtol=1e-8, err_msg=name)


@given(st.integers(0, 10_000), st.integers(3, 60), st.integers(0, 1))
def test_figures_are_those_of_the_ground_floor(seed: int, soils: int, unknown: int) -> None:
    observed, predicted, soil = scanned(seed, soils, unknown)
    found = accuracy(observed, predicted, soil, draws(soils, 10, seed))
    expected = metrics(observed[soil], predicted).as_dict()
    same_figures({name: found[name].value for name in FIGURES}, expected)


@given(st.integers(0, 10_000))
def test_a_resample_is_the_set_in_which_soils_stand_as_often_as_drawn(seed: int) -> None:
    observed, predicted, soil = scanned(seed)
    counts = draws(len(observed), 3, seed)
    found = resampled(observed, predicted, soil, counts)
    for row, drawn in enumerate(counts):
        scans = np.concatenate(
            [np.flatnonzero(soil == i) for i, times in enumerate(drawn) for _ in range(times)]
        )
        expected = metrics(observed[soil[scans]], predicted[scans]).as_dict()
        same_figures({name: found[name][row] for name in FIGURES}, expected)


def test_scanning_a_soil_again_is_no_new_evidence() -> None:
    observed, predicted, soil = scanned(1)
    counts = draws(len(observed), 300, seed=0)
    once = accuracy(observed, predicted, soil, counts)
    nine = accuracy(observed, np.repeat(predicted, 9), np.repeat(soil, 9), counts)
    for name in ("r2", "rmse", "bias", "ccc", "slope"):
        assert_allclose(
            [nine[name].lower, nine[name].upper], [once[name].lower, once[name].upper], rtol=1e-9
        )


def test_the_interval_narrows_with_soils() -> None:
    width = []
    for soils in (30, 120, 480):
        observed, predicted, soil = scanned(2, soils)
        ccc = accuracy(observed, predicted, soil, draws(soils, 400, seed=0))["ccc"]
        assert ccc.lower < ccc.value < ccc.upper
        width.append(ccc.upper - ccc.lower)
    assert width[0] > 1.4 * width[1] > 1.4**2 * width[2]


def test_the_slope_says_that_predictions_spread_too_far() -> None:
    observed = np.linspace(0, 10, 50)
    found = accuracy(observed, 2 * observed - 5, np.arange(50), draws(50, 50, seed=0))
    assert_allclose(found["slope"].value, 0.5)


def test_predictions_that_are_all_the_same_have_no_slope() -> None:
    observed = np.linspace(0, 10, 50)
    found = accuracy(observed, np.full(50, 5.0), np.arange(50), draws(50, 50, seed=0))
    assert found["slope"].value is None
    assert found["ccc"].value == pytest.approx(0)


def test_a_large_set_is_taken_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    observed, predicted, soil = scanned(3)
    counts = draws(len(observed), 50, seed=0)
    whole = resampled(observed, predicted, soil, counts)
    monkeypatch.setattr(module, "_BLOCK", 300)
    for name, values in resampled(observed, predicted, soil, counts).items():
        assert_allclose(values, whole[name], rtol=1e-12)
