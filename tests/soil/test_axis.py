"""The axis: what is one, when two are the same, and how values move from one onto another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from soil.axis import Axis
from soil.errors import AxisError, LoamscanError

positions = st.floats(100, 30_000)
ascending = st.lists(positions, min_size=2, max_size=40, unique=True).map(sorted)
units = st.sampled_from(["nm", "cm-1"])


@given(units, ascending, st.booleans())
def test_an_axis_keeps_its_values_to_the_bit_and_in_their_order(unit, values, descending):
    values = values[::-1] if descending else values
    axis = Axis(unit, values)
    assert axis.values.tolist() == values
    assert (axis.unit, len(axis), axis.values.dtype) == (unit, len(values), np.float64)


def test_an_axis_can_t_be_changed_from_outside():
    mine = np.array([1350.0, 1352.0])
    axis = Axis("nm", mine)
    mine[0] = 1.0
    assert axis.values[0] == 1350.0
    with pytest.raises(ValueError, match="read-only"):
        axis.values[0] = 1.0


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([1, 2, 2, 3], r"not strictly monotone: band 3 \(2 nm\)"),
        ([1, 2, 3, 2.5], r"not strictly monotone: band 4 \(2.5 nm\)"),
        ([4, 3, 2, 3.5], r"not strictly monotone: band 4 \(3.5 nm\)"),
        ([5, 5], r"not strictly monotone: band 2 \(5 nm\)"),
        ([1, float("nan"), 3], "not a positive number"),
        ([1, 2, float("inf")], "not a positive number"),
        ([-1, 1, 2], "not a positive number"),
        ([0, 1], "not a positive number"),
        ([], "at least two bands"),
        ([1350], "at least two bands"),
        ([[1, 2], [3, 4]], "at least two bands in one dimension"),
    ],
)
def test_values_that_are_no_axis_are_refused_with_their_place(values, why):
    with pytest.raises(AxisError, match=why):
        Axis("nm", values)


@pytest.mark.parametrize(
    ("values", "band"), [([4, 3, 2, 2, 1], "band 4"), ([1, 1, 2, 3], "band 2")]
)
def test_the_band_that_repeats_its_neighbour_is_the_one_named(values, band):
    with pytest.raises(AxisError, match=f"monotone: {band} "):
        Axis("nm", values)


def test_an_unknown_unit_is_refused_with_those_that_are_known():
    with pytest.raises(AxisError, match="'um' is not known; use one of nm, cm-1"):
        Axis("um", [1.3, 2.5])
    assert issubclass(AxisError, LoamscanError)


def test_two_near_identical_axes_of_257_bands_are_not_equal():
    first = Axis("nm", np.linspace(2550, 1350, 257))
    values = first.values.copy()
    values[128] = np.nextafter(values[128], 0)
    second = Axis("nm", values)
    assert len(first) == len(second) == 257
    assert first != second
    assert len({first, second, Axis("nm", np.linspace(2550, 1350, 257))}) == 2


def test_axes_of_another_unit_or_direction_are_not_equal():
    axis = Axis("nm", [2000, 3000])
    assert axis != Axis("cm-1", [2000, 3000])
    assert axis != Axis("nm", [3000, 2000])
    assert axis != [2000, 3000]


def test_an_axis_says_what_it_spans(axis):
    assert str(axis) == "2550 to 1350 nm, 25 bands"
    assert axis.span_nm == (1350.0, 2550.0)
    assert Axis("cm-1", [4000, 7000]).span_nm == (1e7 / 7000, 2500.0)


@given(ascending, st.data())
def test_values_move_by_position_as_numpy_interpolates_them_in_every_direction(grid, data):
    shares = np.array(data.draw(st.lists(st.floats(0, 1), max_size=12)))
    inner = np.clip(grid[0] + shares * (grid[-1] - grid[0]), grid[0], grid[-1])
    targets = np.unique([*inner, grid[0], grid[-1]])
    values = np.array(
        data.draw(st.lists(st.floats(-10, 10), min_size=len(grid), max_size=len(grid)))
    )
    expected = np.interp(targets, grid, values)
    for turn in (1, -1):
        source = Axis("nm", grid[::turn])
        for onto_turn in (1, -1):
            got = source.resample(values[::turn], Axis("nm", targets[::onto_turn]))
            np.testing.assert_allclose(got, expected[::onto_turn], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("unit", ["nm", "cm-1"])
@pytest.mark.parametrize("onto_unit", ["nm", "cm-1"])
def test_values_move_across_units_linearly_in_the_unit_of_their_own_axis(unit, onto_unit):
    random = np.random.default_rng(4)
    in_nm = np.linspace(1340, 2560, 50)
    source = Axis(unit, in_nm if unit == "nm" else 1e7 / in_nm)
    target_nm = np.sort(random.uniform(1350, 2550, 30))
    onto = Axis(onto_unit, target_nm if onto_unit == "nm" else 1e7 / target_nm)
    values = random.uniform(size=50)
    order = np.argsort(source.values)
    own = target_nm if unit == "nm" else 1e7 / target_nm
    expected = np.interp(own, source.values[order], values[order])
    np.testing.assert_allclose(source.resample(values, onto), expected, rtol=1e-9)


@given(
    units, st.integers(2, 60), st.integers(2, 60), st.floats(-5, 5), st.floats(-5, 5), st.booleans()
)
def test_a_line_in_the_axis_s_own_unit_is_reproduced(unit, bands, onto_bands, slope, level, turned):
    ends = (1350, 2550) if unit == "nm" else (3900, 7400)
    source = Axis(unit, np.linspace(*ends, bands)[:: -1 if turned else 1])
    onto = Axis(unit, np.linspace(ends[0] + 5, ends[1] - 5, onto_bands))

    def line(axis):
        return level + slope * (axis.values - ends[0]) / (ends[1] - ends[0])

    np.testing.assert_allclose(source.resample(line(source), onto), line(onto), atol=1e-12)


def test_on_its_own_axis_a_spectrum_stays_to_the_bit(axis):
    values = np.random.default_rng(5).uniform(size=len(axis))
    again = Axis("nm", axis.values.copy())
    assert axis.resample(values, again).tobytes() == values.tobytes()


def test_on_bands_of_its_own_in_another_order_the_measured_values_stay(axis):
    values = np.random.default_rng(6).uniform(size=len(axis))
    np.testing.assert_allclose(
        axis.resample(values, Axis("nm", axis.values[::-3])), values[::-3], rtol=1e-14
    )


def test_many_spectra_move_at_once_as_they_do_one_by_one(axis):
    values = np.random.default_rng(7).uniform(size=(2, 3, len(axis)))
    onto = Axis("cm-1", np.linspace(4000, 7300, 9))
    together = axis.resample(values, onto)
    assert together.shape == (2, 3, 9)
    for index in np.ndindex(2, 3):
        assert together[index].tolist() == axis.resample(values[index], onto).tolist()


@pytest.mark.parametrize(
    ("wanted", "missing"),
    [
        (Axis("nm", [1300, 2000]), "1300.0 to 1350.0 nm is missing"),
        (Axis("nm", [2000, 2600]), "2550.0 to 2600.0 nm is missing"),
        (Axis("nm", [2600, 1300]), "1300.0 to 1350.0 nm and 2550.0 to 2600.0 nm is missing"),
        (Axis("cm-1", [3800, 5000]), "2550.0 to 2631.6 nm is missing"),
        (Axis("nm", [400, 1000]), "400.0 to 1000.0 nm is missing"),
        (Axis("nm", [3000, 4000]), "3000.0 to 4000.0 nm is missing"),
        (Axis("nm", [1349.99, 2000]), "1350.0 to 1350.0 nm is missing"),
    ],
)
def test_what_is_not_covered_is_refused_and_the_missing_range_named(axis, wanted, missing):
    with pytest.raises(AxisError, match=missing):
        axis.resample(np.zeros(len(axis)), wanted)
    assert axis.missing_nm(wanted)


def test_an_axis_covers_itself_in_the_other_unit():
    for low in range(1000, 1700):
        in_nm = Axis("nm", [low, 2550])
        in_cm1 = Axis("cm-1", 1e7 / in_nm.values)
        assert not in_nm.missing_nm(in_cm1), low
        assert not in_cm1.missing_nm(in_nm), low


@given(ascending, ascending)
def test_nothing_is_extrapolated(grid, wanted):
    source, onto = Axis("nm", grid), Axis("nm", wanted)
    beyond = max(grid[0] - wanted[0], wanted[-1] - grid[-1])
    assume(beyond <= 0 or beyond > 1e-6)  # a rounding aside may be taken for covered
    covered = beyond <= 0
    assert (source.missing_nm(onto) == []) == covered
    if not covered:
        with pytest.raises(AxisError, match="does not cover"):
            source.resample(np.zeros(len(grid)), onto)


def test_a_count_of_values_that_is_not_the_axis_s_is_refused(axis):
    with pytest.raises(AxisError, match="24 values do not fit an axis of 25 bands"):
        axis.resample(np.zeros(24), axis)
