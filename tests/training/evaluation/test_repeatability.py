from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from training.evaluation.repeatability import (
    NO_REPLICATES,
    NO_SCANNERS,
    ONE_SCANNER,
    repeatability,
)


def readings(soils: int, scanners: int, replicates: int, keep: float = 1.0, seed: int = 0) -> tuple:
    """Readings with a standard deviation of 1 between replicates and 2 between scanners."""
    rng = np.random.default_rng(seed)
    soil, device, _ = np.indices((soils, scanners, replicates)).reshape(3, -1)
    of_soil = 10 * rng.normal(size=(soils, 9))
    of_scanner = 2 * rng.normal(size=(soils, scanners, 9))
    values = of_soil[soil] + of_scanner[soil, device] + rng.normal(size=(len(soil), 9))
    kept = rng.random(len(soil)) < keep
    return values[kept], soil[kept], np.char.add("s", device.astype(str))[kept]


def test_both_spreads_are_found_again() -> None:
    found = repeatability(*readings(800, 3, 2))
    assert_allclose(found.repeatability, 1, rtol=0.08)
    assert_allclose(found.reproducibility, np.sqrt(5), rtol=0.08)
    assert (found.replicated_soils, found.shared_soils) == (800, 800)


def test_also_where_scans_are_missing_here_and_there() -> None:
    found = repeatability(*readings(1500, 3, 3, keep=0.5))
    assert_allclose(found.repeatability, 1, rtol=0.08)
    assert_allclose(found.reproducibility, np.sqrt(5), rtol=0.08)


def test_a_balanced_set_gives_the_formulas_of_the_standard() -> None:
    values, soil, scanner = readings(20, 4, 3)
    found = repeatability(values, soil, scanner)
    cells = values.reshape(20, 4, 3, 9)
    within = cells.var(axis=2, ddof=1).mean(axis=(0, 1))
    between = np.maximum(cells.mean(axis=2).var(axis=1, ddof=1).mean(axis=0) - within / 3, 0)
    assert_allclose(found.repeatability, np.sqrt(within))
    assert_allclose(found.reproducibility, np.sqrt(between + within))


def test_differences_between_soils_are_no_spread() -> None:
    values, soil, scanner = readings(30, 2, 2)
    found = repeatability(values, soil, scanner)
    moved = repeatability(values + 1000.0 * soil[:, None], soil, scanner)
    assert_allclose(moved.repeatability, found.repeatability)
    assert_allclose(moved.reproducibility, found.reproducibility)


def test_with_one_scanner_there_is_no_reproducibility() -> None:
    found = repeatability(*readings(400, 1, 3))
    assert_allclose(found.repeatability, 1, rtol=0.1)
    assert (found.reproducibility, found.no_reproducibility) == (None, ONE_SCANNER)


def test_without_replicates_reproducibility_is_that_of_single_scans() -> None:
    values, soil, scanner = readings(50, 3, 1)
    found = repeatability(values, soil, scanner)
    assert (found.repeatability, found.no_repeatability) == (None, NO_REPLICATES)
    expected = np.sqrt(values.reshape(50, 3, 9).var(axis=1, ddof=1).mean(axis=0))
    assert_allclose(found.reproducibility, expected)


def test_scans_whose_scanner_is_not_known_do_not_count() -> None:
    values, soil, scanner = readings(30, 2, 2)
    more = repeatability(
        np.concatenate([values, values + 50]),
        np.concatenate([soil, soil]),
        np.concatenate([scanner, np.full(len(soil), "")]),
    )
    assert_allclose(more.repeatability, repeatability(values, soil, scanner).repeatability)


@pytest.mark.parametrize("what", ["no_repeatability", "no_reproducibility"])
def test_without_any_scanner_named_nothing_is_guessed(what: str) -> None:
    values, soil, _ = readings(30, 2, 2)
    assert getattr(repeatability(values, soil, np.full(len(soil), "")), what) == NO_SCANNERS
