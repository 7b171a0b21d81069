"""Counts become reflectance by a white and a dark reference, or not at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from calibration.errors import CalibrationError
from calibration.reference import REFERENCE_SPAN_MIN, ReferencePair
from soil.errors import LoamscanError


def reflectance(sample, white, dark):
    return ReferencePair(white, dark).reflectance(sample)


def too_close(white, dark, full_scale):
    return ReferencePair(white, dark, full_scale).too_close


counts = arrays(np.float64, 8, elements=st.floats(0, 65535))
spans = arrays(np.float64, 8, elements=st.floats(1, 65535))


@given(arrays(np.float64, 8, elements=st.floats(0, 1.2)), counts, spans)
def test_counts_made_of_a_reflectance_give_it_back(fraction, dark, span):
    white = dark + span
    sample = dark + fraction * (white - dark)
    np.testing.assert_allclose(reflectance(sample, white, dark), fraction, atol=1e-9)


@given(counts, spans)
def test_the_white_reference_is_one_and_the_dark_one_zero(dark, span):
    white = dark + span
    assert reflectance(white, white, dark).tolist() == [1.0] * 8
    assert reflectance(dark, white, dark).tolist() == [0.0] * 8


@given(counts, counts, spans, st.floats(0.1, 10), st.floats(0, 1000))
def test_neither_gain_nor_offset_of_the_detector_changes_reflectance(
    sample, dark, span, gain, offset
):
    measured = (sample, dark + span, dark)
    turned_up = [gain * part + offset for part in measured]
    expected = reflectance(*measured)
    np.testing.assert_allclose(reflectance(*turned_up), expected, rtol=1e-6, atol=1e-6)


def test_counts_of_an_unsigned_detector_do_not_wrap_around():
    sample, white, dark = (np.uint16([value]) for value in (90, 1100, 100))
    assert reflectance(sample, white, dark).tolist() == [-0.01]


@pytest.mark.parametrize("bad", [[100, 100, 900], [100, 50, 900], [100, float("nan"), 900]])
def test_a_white_reference_that_is_not_brighter_is_refused_with_how_many_bands(bad):
    dark = [100.0, 100, 100]
    faulty = int(sum(not white > 100 for white in bad))
    with pytest.raises(
        CalibrationError, match=f"not brighter .* in {faulty} of 3 bands; measure the dark"
    ):
        reflectance([200, 200, 200], bad, dark)
    assert issubclass(CalibrationError, LoamscanError)


def test_a_sample_value_that_is_no_number_stays_one_for_the_quality_check_to_see():
    assert np.isnan(reflectance([np.nan, 5], [10, 10], [0, 0])).tolist() == [True, False]


def test_references_a_fiftieth_of_full_scale_apart_in_every_band_carry_a_signal():
    dark, limit = np.zeros(4), REFERENCE_SPAN_MIN * 1000
    assert not too_close(dark + limit + 1, dark, 1000)
    assert too_close(dark + limit, dark, 1000)
    assert too_close([900, 900, limit, 900], dark, 1000)
    assert too_close([900, 900, np.nan, 900], dark, 1000)


def test_without_a_known_full_scale_white_need_only_be_brighter():
    assert not too_close([2.0, 1e-6], [1.0, 0.0], 0)
    assert too_close([2.0, 0.0], [1.0, 0.0], 0)
    assert too_close([0.5, 2.0], [1.0, 0.0], 0)
