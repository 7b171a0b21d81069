from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from training.evaluation.bootstrap import draws
from training.evaluation.comparison import holm, paired_difference

SOIL = np.repeat(np.arange(50), 2)
COUNTS = draws(50, 400, seed=0)


def predictions(error: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=error, size=len(SOIL))


def test_the_better_of_two_is_told() -> None:
    found = paired_difference(np.zeros(50), predictions(1, 1), predictions(2, 2), SOIL, COUNTS)
    assert found.squared_error.upper < 0
    assert found.p < 0.05


def test_equals_are_not_told_apart() -> None:
    found = paired_difference(np.zeros(50), predictions(1, 1), predictions(1, 2), SOIL, COUNTS)
    assert found.squared_error.lower < 0 < found.squared_error.upper
    assert found.p > 0.05


def test_the_difference_has_the_other_sign_the_other_way_round() -> None:
    one, other = predictions(1, 1), predictions(1.3, 2)
    there = paired_difference(np.zeros(50), one, other, SOIL, COUNTS)
    back = paired_difference(np.zeros(50), other, one, SOIL, COUNTS)
    assert there.squared_error.value == pytest.approx(-back.squared_error.value)
    assert there.squared_error.lower == pytest.approx(-back.squared_error.upper)
    assert there.p == back.p


def test_what_errs_alike_for_both_cancels() -> None:
    hard = 10 * np.random.default_rng(3).normal(size=50)[SOIL]
    one, other = hard + 0.01, hard - 0.01
    found = paired_difference(np.zeros(50), one, other, SOIL, COUNTS)
    assert abs(found.squared_error.value) < 0.1


def test_no_number_of_resamples_shows_certainty() -> None:
    found = paired_difference(np.zeros(50), np.zeros(100), np.ones(100), SOIL, COUNTS)
    assert found.p == pytest.approx(2 / 401)


def test_soils_without_a_laboratory_value_do_not_count() -> None:
    observed = np.zeros(50)
    observed[:10] = np.nan
    one = np.where(SOIL < 10, 100.0, 0.0)
    found = paired_difference(observed, one, np.ones(100), SOIL, COUNTS)
    assert found.squared_error.value == pytest.approx(-1)


def test_holm_as_in_a_worked_example() -> None:
    assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_holm_never_lowers_a_p_and_keeps_the_order(p: list[float]) -> None:
    adjusted = np.array(holm(p))
    assert (adjusted >= p).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()
