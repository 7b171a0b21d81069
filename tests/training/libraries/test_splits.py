"""No soil, and nothing that is blocked, is both learnt from and tested on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from small_libraries import gathered
from soil.axis import Axis
from training.errors import LibraryError
from training.libraries.checking import checked
from training.libraries.library import Library, Scans
from training.libraries.splits import Split, folds, scanner_folds

SOILS = [f"soil {n}" for n in range(12)]


def library(
    nir: list[str],
    mir: list[str] = [],  # noqa: B006 - never changed
    site: list[str] | None = None,
    device: list[str] | None = None,
) -> Library:
    found = gathered(nir, soils=list(dict.fromkeys(nir)), site=site, device=device)
    if mir:
        values = 1 + 0.001 * np.arange(len(mir))[:, None] + 0.01 * np.arange(5)
        axis = Axis("cm-1", np.linspace(600, 4000, 5))
        none = np.full(len(mir), "")
        found.scans.append(
            ("mir", Scans(axis, values.astype(np.float32), np.array(mir), none, none))
        )
    return checked(found)[0]


def soils_of(found: Library, rows: dict) -> set[str]:
    return {str(name) for which, own in rows.items() for name in found.scans[which].sample[own]}


def check_apart(found: Library, splits: list[Split]) -> None:
    for split in splits:
        assert not soils_of(found, split.learn) & soils_of(found, split.test)


@given(
    nir=st.lists(st.sampled_from(SOILS), min_size=12, max_size=40),
    mir=st.lists(st.sampled_from(SOILS), max_size=30),
    k=st.integers(2, 5),
    seed=st.integers(0, 9),
)
def test_no_split_crosses_a_sample_in_any_range_and_each_is_tested_once(
    nir: list[str], mir: list[str], k: int, seed: int
) -> None:
    found = library(nir, mir)
    if len(found.samples) < k:
        return
    splits = folds(found, "sample", k, seed)
    check_apart(found, splits)
    for which, scans in found.scans.items():
        tested = [row for split in splits for row in split.test[which].tolist()]
        assert sorted(tested) == list(range(len(scans)))
        for split in splits:
            assert len(split.learn[which]) + len(split.test[which]) == len(scans)


def test_sites_are_held_together() -> None:
    scanned = [f"soil {n}" for n in range(20)]
    site = [f"site {n // 4}" for n in range(20)]
    of_sample = dict(zip(scanned, site, strict=True))
    found = library(scanned, site=site)
    for split in folds(found, "site", 3, 0):
        learn, test = (
            {of_sample[name] for name in soils_of(found, rows)}
            for rows in (split.learn, split.test)
        )
        assert not learn & test


def test_a_scanner_is_tested_on_soils_and_by_an_instrument_that_were_not_learnt_from() -> None:
    scanned = [f"soil {n}" for n in range(6) for _ in range(3)]
    found = library(scanned, scanned[::3], device=["A", "B", "C"] * 6)
    scans = found.scans["nir"]
    splits = scanner_folds(found, 3, 0)
    check_apart(found, splits)
    for split in splits:
        (held_out,) = set(scans.device[split.test["nir"]])
        assert held_out not in scans.device[split.learn["nir"]]
    tested = [row for split in splits for row in split.test["nir"].tolist()]
    assert sorted(tested) == list(range(18))


def test_the_same_seed_deals_the_same_and_another_does_not() -> None:
    found = library([f"soil {n}" for n in range(30)])

    def first(seed: int) -> list[int]:
        return folds(found, "sample", 5, seed)[0].test["nir"].tolist()

    assert first(1) == first(1) != first(2)


def test_folds_are_of_about_one_size_though_samples_are_not() -> None:
    found = library([f"soil {n}" for n in range(10) for _ in range(n + 1)])
    sizes = [len(split.test["nir"]) for split in folds(found, "sample", 5, 0)]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(
    ("block", "k", "message"),
    [
        ("sample", 4, "3 samples can't be split into 4 folds"),
        ("sample", 1, "1 folds"),
        ("site", 2, "of 3 samples the site is not known"),
    ],
)
def test_a_library_too_small_or_too_silent_for_a_split_is_refused(
    block: str, k: int, message: str
) -> None:
    with pytest.raises(LibraryError, match=message):
        folds(library(["a", "b", "c"]), block, k, 0)  # type: ignore[arg-type]


def test_scanners_that_are_unknown_or_alone_can_not_be_held_out() -> None:
    with pytest.raises(LibraryError, match="the scanner is not known"):
        scanner_folds(library(["a", "b"]), 2, 0)
    with pytest.raises(LibraryError, match="nothing is left to learn from"):
        scanner_folds(library(["a", "b"], device=["A", "A"]), 2, 0)


def test_what_is_tested_is_drawn_evenly() -> None:
    found = library([f"soil {n}" for n in range(20)])
    together = np.zeros((20, 20))
    for seed in range(200):
        for split in folds(found, "sample", 4, seed):
            together[np.ix_(split.test["nir"], split.test["nir"])] += 1
    apart = together[~np.eye(20, dtype=bool)] / 200
    assert apart.min() > 0.05
    assert apart.max() < 0.4
