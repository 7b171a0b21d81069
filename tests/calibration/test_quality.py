"""Whether a scan is a measurement at all: one reason, the most basic one, or none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from calibration.quality import (
    DARK_REFLECTANCE,
    SATURATION_LEVEL,
    count_faults,
    reflectance_faults,
    signal_to_noise,
)
from contract.reasons import Reason
from soil.spectrum import REFLECTANCE_MAX

GOOD = np.linspace(0.2, 0.6, 257)
FULL = 4095.0


def _with(value, bands=1):
    spectrum = GOOD.copy()
    spectrum[100 : 100 + bands] = value
    return spectrum


def test_a_good_scan_has_no_fault():
    assert reflectance_faults(GOOD) == []
    assert count_faults(GOOD * FULL, FULL) == []


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_found_before_anything_else(bad):
    everything_else = np.full(257, -1.0)
    everything_else[[3, 7]] = bad, 2 * FULL
    assert reflectance_faults(_with(bad)) == [Reason.SCAN_NOT_FINITE]
    assert reflectance_faults(everything_else) == [Reason.SCAN_NOT_FINITE]
    assert count_faults(_with(bad), FULL) == [Reason.SCAN_NOT_FINITE]
    assert count_faults(everything_else, FULL) == [Reason.SCAN_NOT_FINITE]
    assert count_faults(everything_else, 0) == [Reason.SCAN_NOT_FINITE]


@given(st.integers(0, 256), st.floats(SATURATION_LEVEL, 2))
def test_one_clipped_band_is_saturation(band, share):
    counts = 0.5 * FULL * np.ones(257)
    counts[band] = max(share, SATURATION_LEVEL) * FULL
    assert count_faults(counts, FULL) == [Reason.SCAN_SATURATED]


@given(arrays(np.float64, 20, elements=st.floats(0, 0.9949)))
def test_counts_below_full_scale_are_no_saturation(shares):
    assert count_faults(shares * FULL, FULL) == []


def test_without_a_known_full_scale_there_is_no_saturation():
    assert count_faults(np.full(5, 1e9), 0) == []


def test_a_scan_that_is_dark_on_the_whole_is_dark_even_where_it_is_below_zero():
    assert reflectance_faults(np.full(257, DARK_REFLECTANCE * 0.99)) == [Reason.SCAN_DARK]
    assert reflectance_faults(np.full(257, -0.5)) == [Reason.SCAN_DARK]
    assert reflectance_faults(np.full(257, DARK_REFLECTANCE * 1.01)) == []


def test_wet_peat_is_not_dark():
    assert reflectance_faults(np.full(257, 0.03)) == []


@pytest.mark.parametrize("value", [-1e-6, -0.5, REFLECTANCE_MAX + 1e-6, 40.0])
def test_a_reflectance_outside_0_to_1_2_is_found_in_a_single_band(value):
    assert reflectance_faults(_with(value)) == [Reason.SCAN_OUT_OF_RANGE]


@pytest.mark.parametrize("value", [0.0, 1.0, REFLECTANCE_MAX])
def test_the_limits_themselves_are_in_range(value):
    assert reflectance_faults(_with(value)) == []


def test_per_cent_taken_for_a_fraction_is_out_of_range():
    assert reflectance_faults(GOOD * 100) == [Reason.SCAN_OUT_OF_RANGE]


@pytest.mark.parametrize("noise", [1e-4, 1e-3, 1e-2])
def test_signal_to_noise_is_that_of_the_noise_laid_over_a_smooth_spectrum(noise):
    random = np.random.default_rng(11)
    smooth = 0.4 + 0.1 * np.sin(np.linspace(0, 6, 5000)) + np.linspace(0, 0.2, 5000)
    measured = signal_to_noise(smooth + random.normal(0, noise, smooth.size))
    assert measured == pytest.approx(np.median(smooth) / noise, rel=0.1)


def test_absorption_bands_are_not_taken_for_noise():
    nm = np.linspace(1350, 2550, 257)
    bands = sum(0.15 * np.exp(-(((nm - at) / 40) ** 2)) for at in (1414, 1910, 2207))
    assert signal_to_noise(0.5 - bands) > 1000


def test_a_few_spikes_hardly_change_the_figure():
    noisy = 0.5 + np.random.default_rng(12).normal(0, 1e-3, 2000)
    spiky = noisy.copy()
    spiky[::200] += 0.3
    assert signal_to_noise(spiky) == pytest.approx(signal_to_noise(noisy), rel=0.1)


def test_a_line_has_no_noise():
    assert signal_to_noise(np.arange(1.0, 258.0)) == float("inf")
