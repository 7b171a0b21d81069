from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from training.evaluation.bootstrap import Estimate
from training.evaluation.coverage import coverage


@pytest.mark.parametrize("inside", [0, 1, 17, 45, 50])
def test_one_scan_a_soil_gives_the_exact_binomial_interval(inside: int) -> None:
    observed = np.where(np.arange(50) < inside, 0.0, 5.0)
    found, soils = coverage(observed, np.full(50, -1.0), np.full(50, 1.0), np.arange(50))
    expected = binomtest(inside, 50).proportion_ci(0.95, method="exact")
    assert soils == 50
    assert found.value == inside / 50
    assert [found.lower, found.upper] == pytest.approx([expected.low, expected.high])


def test_more_scans_of_a_soil_do_not_narrow_it() -> None:
    observed = np.where(np.arange(50) < 40, 0.0, 5.0)
    soil = np.repeat(np.arange(50), 6)
    once, _ = coverage(observed, np.full(50, -1.0), np.full(50, 1.0), np.arange(50))
    often, soils = coverage(observed, np.full(300, -1.0), np.full(300, 1.0), soil)
    assert (often, soils) == (once, 50)


def test_a_value_on_the_edge_is_inside() -> None:
    found, _ = coverage(
        np.array([1.0, 2.0]), np.array([1.0, 1.0]), np.array([2.0, 2.0]), np.arange(2)
    )
    assert found.value == 1


def test_what_was_not_analysed_does_not_count() -> None:
    observed = np.array([0.0, np.nan, 5.0])
    found, soils = coverage(observed, np.full(3, -1.0), np.full(3, 1.0), np.arange(3))
    assert (found.value, soils) == (0.5, 2)


def test_nothing_analysed_has_no_coverage() -> None:
    nothing = np.full(3, np.nan)
    assert coverage(nothing, nothing, nothing, np.arange(3)) == (Estimate(None, None, None), 0)
