"""No soil, and nothing that is blocked, is both learnt from and tested on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from small_libraries import gathered
from training.errors import LibraryError
from training.libraries.checking import checked
from training.libraries.library import Library
from training.libraries.splits import folds


def library(
    scanned: list[str], site: list[str] | None = None, device: list[str] | None = None
) -> Library:
    soils = list(dict.fromkeys(scanned))
    return checked(gathered(scanned, soils=soils, site=site, device=device))[0]


@given(
    scanned=st.lists(st.sampled_from([f"soil {n}" for n in range(12)]), min_size=12, max_size=60),
    k=st.integers(2, 5),
    seed=st.integers(0, 9),
)
def test_no_split_crosses_a_sample_and_each_is_tested_once(
    scanned: list[str], k: int, seed: int
) -> None:
    if len(set(scanned)) < k:
        return
    scans = library(scanned).scans["nir"]
    tested: list[int] = []
    for split in folds(library(scanned), "nir", "sample", k, seed):
        assert not set(scans.sample[split.learn]) & set(scans.sample[split.test])
        assert sorted([*split.learn, *split.test]) == list(range(len(scans)))
        assert len(split.test)
        tested += split.test.tolist()
    assert sorted(tested) == list(range(len(scans)))


def test_sites_are_held_together() -> None:
    scanned = [f"soil {n}" for n in range(20)]
    site = [f"site {n // 4}" for n in range(20)]
    found = library(scanned, site)
    of_sample = dict(zip(scanned, site, strict=True))
    sample = found.scans["nir"].sample
    for split in folds(found, "nir", "site", 3, 0):
        sides = [{of_sample[name] for name in sample[rows]} for rows in (split.learn, split.test)]
        assert not sides[0] & sides[1]


def test_a_scanner_is_tested_on_soils_and_by_an_instrument_that_were_not_learnt_from() -> None:
    scanned = [f"soil {n}" for n in range(6) for _ in range(3)]
    device = ["A", "B", "C"] * 6
    found = library(scanned, device=device)
    scans = found.scans["nir"]
    tested: list[int] = []
    for split in folds(found, "nir", "scanner", 3, 0):
        (held_out,) = set(scans.device[split.test])
        assert held_out not in scans.device[split.learn]
        assert not set(scans.sample[split.learn]) & set(scans.sample[split.test])
        tested += split.test.tolist()
    assert sorted(tested) == list(range(18))


def test_the_same_seed_deals_the_same_and_another_does_not() -> None:
    found = library([f"soil {n}" for n in range(30)])

    def first(seed: int) -> list[int]:
        return next(iter(folds(found, "nir", "sample", 5, seed))).test.tolist()

    assert first(1) == first(1) != first(2)


def test_folds_are_of_about_one_size_though_samples_are_not() -> None:
    scanned = [f"soil {n}" for n in range(10) for _ in range(n + 1)]
    sizes = [len(s.test) for s in folds(library(scanned), "nir", "sample", 5, 0)]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(
    ("block", "k", "message"),
    [
        ("sample", 4, "3 samples can't be split into 4 folds"),
        ("sample", 1, "1 folds"),
        ("site", 2, "the site is not known"),
        ("scanner", 2, "the scanner is not known"),
    ],
)
def test_a_library_too_small_or_too_silent_for_a_split_is_refused(
    block: str, k: int, message: str
) -> None:
    with pytest.raises(LibraryError, match=message):
        list(folds(library(["a", "b", "c"]), "nir", block, k, 0))  # type: ignore[arg-type]


def test_one_scanner_alone_can_not_be_held_out() -> None:
    with pytest.raises(LibraryError, match="of one scanner"):
        list(folds(library(["a", "b"], device=["A", "A"]), "nir", "scanner", 2, 0))


def test_what_is_tested_is_drawn_evenly() -> None:
    found = library([f"soil {n}" for n in range(20)])
    together = np.zeros((20, 20))
    for seed in range(200):
        for split in folds(found, "nir", "sample", 4, seed):
            together[np.ix_(split.test, split.test)] += 1
    apart = together[~np.eye(20, dtype=bool)] / 200
    assert apart.min() > 0.05
    assert apart.max() < 0.4
