"""Replicates: their mean, and a spread that brightness alone does not make."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from calibration.replicates import SPREAD_RMS_MAX, replicate_mean, replicate_rms

scans = arrays(
    np.float64, st.tuples(st.integers(2, 6), st.integers(2, 20)), elements=st.floats(0.01, 1.2)
)


def _rms(fractions):
    """Root of the mean over bands of the sample variance of level-free absorbance."""
    absorbance = -np.log10(fractions)
    level_free = absorbance - absorbance.mean(axis=1)[:, np.newaxis]
    return np.sqrt(np.var(level_free, axis=0, ddof=1).mean())


@given(scans)
def test_the_mean_is_taken_band_by_band(fractions):
    expected = [np.mean(fractions[:, band]) for band in range(fractions.shape[1])]
    np.testing.assert_allclose(replicate_mean(fractions), expected, rtol=1e-12)


@given(scans)
def test_the_spread_is_the_root_mean_variance_of_level_free_absorbance(fractions):
    assert replicate_rms(fractions) == pytest.approx(_rms(fractions), abs=1e-12)


@given(scans, st.data())
def test_neither_brightness_nor_order_of_the_replicates_changes_their_spread(fractions, data):
    gain = arrays(np.float64, (len(fractions), 1), elements=st.floats(0.5, 2))
    brighter = fractions * data.draw(gain)
    spread = replicate_rms(fractions)
    assert replicate_rms(brighter) == pytest.approx(spread, abs=1e-9)
    assert replicate_rms(fractions[::-1]) == pytest.approx(spread, abs=1e-9)


def test_equal_replicates_have_no_spread():
    spectrum = np.linspace(0.2, 0.6, 50)
    assert replicate_rms([spectrum, spectrum, spectrum]) == pytest.approx(0, abs=1e-12)


def test_two_replicates_of_opposite_shape_spread_as_reckoned_by_hand():
    shape = 0.01 * np.array([1, -1, 1, -1])
    apart = 10.0 ** -(0.5 + np.array([shape, -shape]))
    assert replicate_rms(apart) == pytest.approx(0.01 * np.sqrt(2))


def test_a_single_scan_has_no_spread_to_speak_of():
    assert replicate_rms([[0.4, 0.5]]) is None
    assert replicate_mean([[0.4, 0.5]]).tolist() == [0.4, 0.5]


def test_a_band_at_zero_does_not_make_the_spread_infinite():
    assert np.isfinite(replicate_rms([[0.0, 0.5, 0.4], [0.1, 0.5, 0.4]]))


def test_two_different_soils_spread_beyond_the_limit_and_noise_does_not():
    random = np.random.default_rng(13)
    soil = np.linspace(0.25, 0.45, 257)
    other = soil - 0.15 * np.exp(-(((np.arange(257) - 128) / 30) ** 2))
    noisy = soil + random.normal(0, 1e-3, (3, 257))
    assert replicate_rms(noisy) < SPREAD_RMS_MAX < replicate_rms([soil, other, soil])
