"""Weights of rivals: the better count more, none against; few blocks leave belief in place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.heads.blend import (
    BELIEF_BLOCKS,
    DISBELIEVED,
    PICK,
    RIVALS_MAX,
    blend_weights,
    error_weights,
)


def rivals(errors, n: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    observed = rng.normal(10, 3, size=n)
    return observed[:, None] + rng.normal(size=(n, len(errors))) * np.array(errors), observed


def told(found: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """The weights where nothing is believed."""
    return blend_weights(found, observed, np.arange(len(observed)), np.zeros(found.shape[1]))


@given(st.lists(st.floats(0.1, 5.0), min_size=1, max_size=8), st.integers(0, 20))
def test_a_few_count_and_none_against(errors, seed) -> None:
    weights = told(*rivals(errors, seed=seed))
    assert np.all(weights >= 0)
    assert 1 <= np.count_nonzero(weights) <= RIVALS_MAX


def test_the_better_rival_counts_more_and_the_worst_is_left_out() -> None:
    weights = told(*rivals([0.5, 1.0, 1.5, 2.0, 30.0]))
    assert weights[0] > weights[1] > weights[2] > weights[3] > weights[4] == 0


def test_a_blend_of_rivals_that_err_apart_is_better_than_the_best() -> None:
    found, observed = rivals([1.0, 1.1, 1.2])
    fresh, wanted = rivals([1.0, 1.1, 1.2], seed=1)
    centre = observed.mean()
    said = centre + (fresh - centre) @ told(found, observed)
    assert np.mean((said - wanted) ** 2) < 0.7 * np.mean((fresh[:, 0] - wanted) ** 2)


def test_of_rivals_that_say_nearly_the_same_few_count_and_one_that_errs_apart_does() -> None:
    """Five see one half of what there is to see, and one that errs more sees the other."""
    rng = np.random.default_rng(3)
    halves = rng.normal(size=(2, 300))
    alike = halves[0][:, None] + 0.1 * rng.normal(size=(300, 5))
    found = np.concatenate([alike, 1.5 * halves[1][:, None]], axis=1)
    observed = 1.2 * halves[0] + halves[1]
    weights = told(found, observed)
    assert weights[5] > 0.5
    assert np.mean((found @ weights - observed) ** 2) < 0.1 * np.var(observed)


def test_of_rivals_that_say_the_same_each_has_its_share() -> None:
    found, observed = rivals([0.3])
    weights = told(np.repeat(found, 3, axis=1), observed)
    assert weights == pytest.approx(np.full(3, 1 / 3), abs=0.02)


def test_soils_of_one_block_leave_what_is_believed_and_many_blocks_little() -> None:
    found, observed = rivals([1.0, 1.2], n=4000)
    belief = np.array([0.0, 1.0])
    one, many = (
        blend_weights(found, observed, block, belief)
        for block in (np.zeros(4000, dtype=int), np.arange(4000))
    )
    assert one[1] > 0.9
    assert many == pytest.approx(told(found, observed), abs=0.05)


def test_so_many_blocks_weigh_as_much_as_what_is_believed() -> None:
    found, observed = rivals([1.0, 1.2, 9.0])
    blocks = np.arange(300) % BELIEF_BLOCKS
    half = blend_weights(found, observed, blocks, np.array([0.0, 3.0, 0.0]))
    assert half == pytest.approx((told(found, observed) + np.array([0.0, 1.0, 0.0])) / 2)


def test_nobody_believes_in_a_rival_that_errs_far_more_than_the_best() -> None:
    errors = [1.0, 1.2 * DISBELIEVED**0.5]
    found, observed = rivals(errors)
    one_block = np.zeros(300, dtype=int)
    weights = blend_weights(found, observed, one_block, np.array([0.0, 1.0]))
    assert weights == pytest.approx(told(found, observed))


@given(st.lists(st.floats(0.0, 1e9), min_size=1, max_size=8), st.floats(0.5, 20.0))
def test_errors_give_shares_of_one_and_less_to_what_errs_more(errors, sharpness) -> None:
    shares = error_weights(np.array(errors), sharpness)
    assert shares.sum() == pytest.approx(1.0)
    assert np.all(np.diff(shares[np.argsort(errors)]) <= 0)


def test_twice_the_squared_error_is_half_the_share_raised_to_the_sharpness() -> None:
    assert error_weights(np.array([1.0, 2.0]), 3.0) == pytest.approx([8 / 9, 1 / 9])
    assert error_weights(np.array([1.0, 2.0, 1.5]), PICK).tolist() == [1.0, 0.0, 0.0]


def test_a_candidate_that_says_no_number_counts_for_nothing() -> None:
    assert error_weights(np.array([1.0, np.inf])).tolist() == [1.0, 0.0]
