"""A spectrum is finite, of a declared kind, and its reflectance a fraction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soil.axis import Axis
from soil.errors import AxisError, SpectrumError
from soil.spectrum import Spectrum, fraction_from_percent, verified_fraction

fractions = st.lists(st.floats(0.02, 1.2), min_size=1, max_size=50)


@pytest.mark.parametrize("kind", ["counts", "reflectance", "absorbance"])
def test_a_spectrum_keeps_float32_values_and_its_kind(axis, kind):
    values = np.linspace(0.1, 0.9, len(axis))
    spectrum = Spectrum(axis, values, kind)
    assert (spectrum.kind, spectrum.values.dtype) == (kind, np.float32)
    assert spectrum.values.tolist() == values.astype(np.float32).tolist()
    with pytest.raises(ValueError, match="read-only"):
        spectrum.values[0] = 1.0


@pytest.mark.parametrize("kind", ["percent", "Reflectance", ""])
def test_an_unknown_kind_is_refused_with_those_that_are_known(axis, kind):
    with pytest.raises(SpectrumError, match="use one of counts, reflectance, absorbance"):
        Spectrum(axis, np.ones(len(axis)), kind)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_no_number_is_refused_with_its_band(axis, bad):
    values = np.full(len(axis), 0.5)
    values[[3, 7]] = bad
    with pytest.raises(SpectrumError, match=r"2 of 25 values are not numbers, first at 2400 nm"):
        Spectrum(axis, values, "reflectance")


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_value_too_large_for_float32_is_refused(axis):
    with pytest.raises(SpectrumError, match="1 of 25 values are not numbers"):
        Spectrum(axis, [1e39, *[0.5] * 24], "counts")


@pytest.mark.parametrize("shape", [(24,), (26,), (1, 25), ()])
def test_a_shape_that_is_not_the_axis_s_is_refused(axis, shape):
    with pytest.raises(SpectrumError, match="do not fit an axis of 25 bands"):
        Spectrum(axis, np.ones(shape), "reflectance")


@given(fractions.filter(lambda values: np.median(values) >= 0.0151))
def test_per_cent_becomes_a_fraction(values):
    percent = np.array(values) * 100
    got = fraction_from_percent(percent)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, values, rtol=1e-6)


@given(fractions)
def test_a_fraction_said_to_be_per_cent_is_refused(values):
    with pytest.raises(SpectrumError, match="looks like a fraction; declare it as a fraction"):
        fraction_from_percent(values)


@given(fractions)
def test_a_fraction_stays_as_it_is(values):
    assert verified_fraction(values).tolist() == np.float32(values).tolist()


@given(fractions)
def test_per_cent_said_to_be_a_fraction_is_refused(values):
    with pytest.raises(SpectrumError, match="looks like per cent; declare it as per cent"):
        verified_fraction(100 * np.array(values))


def test_one_bright_band_does_not_make_a_fraction_per_cent():
    assert verified_fraction([0.3, 0.4, 0.5, 60.0])[3] == 60.0


def test_values_that_are_no_numbers_stay_so_for_the_spectrum_to_refuse():
    assert np.isnan(verified_fraction([np.nan, 0.5])[0])
    assert np.isnan(fraction_from_percent([np.nan, 50.0])[0])


@given(st.lists(st.floats(0, 4), min_size=2, max_size=30))
def test_absorbance_becomes_reflectance(values):
    axis = Axis("cm-1", np.arange(600, 600 + len(values)))
    spectrum = Spectrum(axis, values, "absorbance").as_reflectance()
    assert (spectrum.kind, spectrum.axis) == ("reflectance", axis)
    np.testing.assert_allclose(-np.log10(spectrum.values.astype(float)), values, atol=1e-6)


def test_reflectance_stays_as_it_is_and_counts_need_references(axis):
    spectrum = Spectrum(axis, np.full(25, 0.4), "reflectance")
    assert spectrum.as_reflectance() is spectrum
    with pytest.raises(SpectrumError, match="measure a white and a dark reference"):
        Spectrum(axis, np.full(25, 4e4), "counts").as_reflectance()


def test_a_resampled_spectrum_keeps_its_kind_and_takes_the_other_axis(axis):
    onto = Axis("cm-1", [4000, 5000, 7000])
    spectrum = Spectrum(axis, axis.values / 1e4, "absorbance").resampled(onto)
    assert (spectrum.axis, spectrum.kind) == (onto, "absorbance")
    np.testing.assert_allclose(spectrum.values, 1e3 / onto.values, rtol=1e-6)
    with pytest.raises(AxisError, match="does not cover"):
        spectrum.resampled(axis)
