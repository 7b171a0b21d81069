"""Spectra for an export: those that ranges are taken from lie all over the latent space."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from training.quantisation_spectra import (
    ARRAYS,
    JUDGED_MAX,
    REPRESENTATIVE,
    check_arrays,
    covering_rows,
    judged_rows,
)

clouds = arrays(np.float32, st.tuples(st.integers(1, 30), st.just(2)), elements=st.integers(-9, 9))


def farthest(points, rows) -> float:
    """Distance of the point that is farthest from its nearest row."""
    apart = np.linalg.norm(points[:, None] - points[rows][None], axis=2)
    return float(apart.min(axis=1).max())


@given(clouds, st.integers(1, 12))
def test_rows_differ_and_there_are_as_many_as_wanted(points, count) -> None:
    rows = covering_rows(points, count)
    taken = points[rows]
    assert len(np.unique(taken, axis=0)) == len(rows)
    assert len(rows) == min(count, len(np.unique(points, axis=0)))


@given(clouds, st.integers(1, 12))
def test_no_point_is_farther_from_its_row_than_the_rows_are_from_each_other(points, count) -> None:
    rows = covering_rows(points, count)
    if len(rows) > 1:
        apart = np.linalg.norm(points[rows][:, None] - points[rows][None], axis=2)
        between = apart[~np.eye(len(rows), dtype=bool)].min()
        assert farthest(points, rows) <= between + 1e-6


def test_a_rare_kind_is_taken_which_the_first_rows_or_a_draw_would_miss() -> None:
    rng = np.random.default_rng(0)
    common = rng.normal(size=(3000, 4))
    rare = 20 + rng.normal(size=(3, 4))
    points = np.concatenate([common, rare]).astype(np.float32)
    rows = covering_rows(points, 16)
    assert np.any(rows >= 3000)
    assert farthest(points, rows) < 0.5 * farthest(points, np.arange(16))


def test_a_checkpoint_keeps_them_and_they_are_of_the_sets(quick_checkpoint) -> None:
    found = quick_checkpoint.quantisation
    assert set(found) == set(ARRAYS)
    assert 2 <= len(found["representative"]) <= REPRESENTATIVE
    assert len(found["judged"]) <= JUDGED_MAX
    assert found["judged_properties"].shape == (len(found["judged"]), 9)
    assert len(np.unique(found["representative_rows"])) == len(found["representative"])


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_that_do_not_fit_are_refused(quick_checkpoint, name) -> None:
    found = dict(quick_checkpoint.quantisation)
    bands = found["judged"].shape[1]
    check_arrays(found, bands)
    found[name] = found[name][:-1]
    with pytest.raises(ValueError, match="spectra for an export"):
        check_arrays(found, bands)
    del found[name]
    with pytest.raises(LookupError):
        check_arrays(found, bands)


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_of_another_type_are_refused(quick_checkpoint, name) -> None:
    found = dict(quick_checkpoint.quantisation)
    found[name] = found[name].astype(np.float64)
    with pytest.raises(ValueError, match="spectra for an export"):
        check_arrays(found, found["judged"].shape[1])


def test_soils_without_laboratory_values_judge_nothing(quick_checkpoint) -> None:
    found = dict(quick_checkpoint.quantisation)
    found["judged_properties"] = np.full_like(found["judged_properties"], np.nan)
    with pytest.raises(ValueError, match="lack laboratory values"):
        check_arrays(found, found["judged"].shape[1])


def test_values_that_are_no_numbers_are_refused(quick_checkpoint) -> None:
    found = {name: array.copy() for name, array in quick_checkpoint.quantisation.items()}
    found["judged"][0, 0] = np.nan
    with pytest.raises(ValueError, match="not numbers"):
        check_arrays(found, found["judged"].shape[1])


@given(st.integers(2, 5), st.integers(0, 99))
def test_a_property_that_few_soils_have_can_be_judged_by_all_the_same(known, seed) -> None:
    properties = np.ones((JUDGED_MAX + 600, 9))
    rare = np.random.default_rng(seed).permutation(len(properties))[known:]
    properties[rare, 4] = np.nan
    rows = judged_rows(properties, seed)
    assert len(rows) == len(np.unique(rows)) == JUDGED_MAX
    assert np.isfinite(properties[rows]).sum(axis=0).min() >= 2
