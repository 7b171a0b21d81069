"""USDA texture: twelve classes that part the triangle, and how probable each is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soil.texture import CLASSES, texture_class, texture_index, texture_probabilities

RULES = {
    "sand": lambda c, si, sa: si + 1.5 * c < 15,
    "loamy sand": lambda c, si, sa: (si + 1.5 * c >= 15) & (si + 2 * c < 30),
    "sandy loam": lambda c, si, sa: (
        ((c >= 7) & (c < 20) & (sa > 52) & (si + 2 * c >= 30))
        | ((c < 7) & (si < 50) & (si + 2 * c >= 30))
    ),
    "loam": lambda c, si, sa: (c >= 7) & (c < 27) & (si >= 28) & (si < 50) & (sa <= 52),
    "silt loam": lambda c, si, sa: (
        ((si >= 50) & (c >= 12) & (c < 27)) | ((si >= 50) & (si < 80) & (c < 12))
    ),
    "silt": lambda c, si, sa: (si >= 80) & (c < 12),
    "sandy clay loam": lambda c, si, sa: (c >= 20) & (c < 35) & (si < 28) & (sa > 45),
    "clay loam": lambda c, si, sa: (c >= 27) & (c < 40) & (sa > 20) & (sa <= 45),
    "silty clay loam": lambda c, si, sa: (c >= 27) & (c < 40) & (sa <= 20),
    "sandy clay": lambda c, si, sa: (c >= 35) & (sa > 45),
    "silty clay": lambda c, si, sa: (c >= 40) & (si >= 40),
    "clay": lambda c, si, sa: (c >= 40) & (sa <= 45) & (si < 40),
}


@pytest.fixture(scope="module")
def triangle():
    """Clay, silt and sand on every point of the 0.5 % grid."""
    clay, silt = np.meshgrid(np.arange(0, 100.5, 0.5), np.arange(0, 100.5, 0.5))
    inside = clay + silt <= 100
    clay, silt = clay[inside], silt[inside]
    assert clay.size == 201 * 202 / 2
    return clay, silt, 100 - clay - silt


def test_there_are_the_twelve_classes():
    assert sorted(CLASSES) == sorted(RULES)


def test_every_point_of_the_triangle_is_in_one_class_and_it_is_the_one_of_the_rules(triangle):
    memberships = np.array([RULES[name](*triangle) for name in CLASSES])
    assert np.all(memberships.sum(axis=0) == 1)
    assert np.array_equal(texture_index(*triangle), memberships.argmax(axis=0))


def test_every_class_has_its_share_of_the_triangle(triangle):
    assert set(texture_index(*triangle).tolist()) == set(range(12))


@pytest.mark.parametrize(
    ("clay", "silt", "sand", "name"),
    [
        (100, 0, 0, "clay"),
        (0, 100, 0, "silt"),
        (0, 0, 100, "sand"),
        (20, 40, 40, "loam"),
        (10, 30, 60, "sandy loam"),
        (5, 12, 83, "loamy sand"),
        (10, 5, 85, "loamy sand"),
        (10, 0, 90, "loamy sand"),
        (5, 5, 90, "sand"),
        (15, 65, 20, "silt loam"),
        (12, 80, 8, "silt loam"),
        (11.5, 80, 8.5, "silt"),
        (27, 28, 45, "clay loam"),
        (27, 27.5, 45.5, "sandy clay loam"),
        (35, 10, 55, "sandy clay"),
        (34.5, 10, 55.5, "sandy clay loam"),
        (39.5, 40.5, 20, "silty clay loam"),
        (40, 40, 20, "silty clay"),
        (40, 15, 45, "clay"),
        (40, 14.5, 45.5, "sandy clay"),
        (7, 50, 43, "silt loam"),
        (7, 41, 52, "loam"),
        (6.5, 41.5, 52, "sandy loam"),
    ],
)
def test_known_points_have_their_class(clay, silt, sand, name):
    assert texture_class(clay, silt, sand) == name


def test_an_array_of_any_shape_is_classed_point_by_point():
    clay, silt, sand = np.array([[[20, 100]], [[0, 0]]]), np.array([[[40, 0]], [[100, 0]]]), 0
    sand = 100 - clay - silt
    assert [CLASSES[i] for i in texture_index(clay, silt, sand).ravel()] == [
        *("loam", "clay", "silt", "sand")
    ]


@pytest.mark.parametrize(
    ("clay", "silt", "sand"),
    [
        (np.nextafter(27, 0), np.nextafter(28, 0), 45),
        (np.nextafter(20, 0), np.nextafter(28, 0), 52),
        (27, 28, np.nextafter(45, 99)),
        (20, 28, np.nextafter(52, 99)),
    ],
)
def test_where_three_classes_meet_a_rounding_aside_does_not_make_a_fourth(clay, silt, sand):
    assert clay + silt + sand == 100
    assert texture_class(clay, silt, sand) != "clay"


points = st.tuples(st.floats(0, 100), st.floats(0, 100)).map(
    lambda p: p if sum(p) <= 100 else (100 - p[0], 100 - p[1])
)
errors = st.floats(0, 40)


@given(points, errors, errors)
def test_probabilities_are_shares_of_one_most_probable_first(point, clay_sd, sand_sd):
    shares = texture_probabilities(*point, clay_sd, sand_sd)
    listed = list(shares.values())
    assert listed == sorted(listed, reverse=True)
    assert all(0.01 <= share <= 1 for share in listed)
    assert set(shares) <= set(CLASSES)
    left_out = 0.005 * len(listed) + 0.01 * (12 - len(listed))
    assert sum(listed) == pytest.approx(1, abs=left_out)


@given(points)
def test_without_error_the_class_is_certain_and_that_of_a_point_a_quarter_of_a_per_cent_away(point):
    clay, sand = point
    ((found, share),) = texture_probabilities(clay, sand, 0, 0).items()
    near = np.array([-0.25, 0, 0.25])
    c, sa = (grid.clip(0, 100) for grid in np.meshgrid(clay + near, sand + near))
    parts = np.stack([c, (100 - c - sa).clip(0), sa])
    parts = 100 * parts / parts.sum(axis=0)
    assert share == 1.0
    assert found in {CLASSES[i] for i in texture_index(*parts).ravel()}


def test_probabilities_are_those_of_normal_errors():
    random = np.random.default_rng(9)
    clay, sand = random.normal(24, 7, 400_000), random.normal(40, 18, 400_000)
    parts = np.stack([clay, 100 - clay - sand, sand]).clip(0)
    drawn = np.bincount(texture_index(*(100 * parts / parts.sum(axis=0))), minlength=12) / clay.size
    estimated = texture_probabilities(24, 40, 7, 18)
    for name, share in zip(CLASSES, drawn, strict=True):
        assert estimated.get(name, 0) == pytest.approx(share, abs=0.03), name


def test_wide_errors_leave_several_classes_and_narrow_ones_few():
    wide, narrow = texture_probabilities(24, 40, 7, 18), texture_probabilities(20, 40, 1, 1)
    assert list(narrow) == ["loam"]
    assert len(wide) > 4
