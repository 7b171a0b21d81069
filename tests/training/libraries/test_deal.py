"""Who is learnt from and who judges: blocks whole, the same for the same seed, and enough of each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from soil.axis import Axis
from soil.properties import INDEX
from training.errors import LibraryError
from training.libraries.deal import Deal, inner_blocks, sound_deal
from training.libraries.library import Library, Samples, Scans

HELD_OUT = ("domain", "intervals", "test")


def library(sites: list[int], repeats: int = 6) -> Library:
    """Soils of sites of these sizes; nothing here looks at a spectrum."""
    site = np.repeat([f"site {i}" for i in range(len(sites))], sites)
    n = len(site)
    name = np.array([f"soil {i}" for i in range(n)])
    properties = np.random.default_rng(0).uniform(1, 9, (n, 9))
    samples = Samples(name, properties, site, np.full(n, "Utopia"))

    def scans(unit: str, times: int) -> Scans:
        values = np.zeros((times * n, 2), np.float32)
        unsaid = np.full(times * n, "")
        return Scans(Axis(unit, [1000.0, 2000.0]), values, np.repeat(name, times), unsaid, unsaid)

    return Library("a test", "CC0", samples, {"nir": scans("nm", repeats), "mir": scans("cm-1", 1)})


def sites_of(library: Library, deal: Deal, name: str) -> set[str]:
    return set(library.samples.site[getattr(deal, name)].tolist())


def test_a_large_site_is_learnt_from_and_which_others_are_is_drawn() -> None:
    found = library([150, 5, 5, 5, 5] + [5] * 24)
    deals = [sound_deal(found, "site", seed) for seed in range(6)]
    assert all("site 0" in sites_of(found, deal, "pairs") for deal in deals)
    tested = [frozenset(sites_of(found, deal, "test")) for deal in deals]
    assert len(set(tested)) > 3


def test_of_sites_that_differ_little_none_is_always_the_test() -> None:
    found = library([14, 13, 12, 11] + [10] * 26)
    tested = [sites_of(found, sound_deal(found, "site", seed), "test") for seed in range(12)]
    assert set.intersection(*tested) == set()
    assert {"site 0", "site 1"} <= set.union(*tested)


def test_the_same_seed_deals_the_same_and_no_site_is_on_two_sides() -> None:
    found = library([10] * 30)
    one, other = sound_deal(found, "site", 3), sound_deal(found, "site", 3)
    for name in ("mir", "pairs", *HELD_OUT):
        assert (getattr(one, name) == getattr(other, name)).all()
    sides = [sites_of(found, one, name) for name in ("pairs", *HELD_OUT)]
    assert sum(map(len, sides)) == len(set().union(*sides)) == 30


def test_a_deal_that_leaves_a_set_too_little_is_dealt_again() -> None:
    """Carbonate-free sites are common: of many deals some have none of it among the intervals."""
    found = library([10] * 30)
    properties = found.samples.properties.copy()
    carbonate = np.isin(found.samples.site, [f"site {i}" for i in range(12)])
    properties[~carbonate, INDEX["inorganic_carbon"]] = 0.0
    found = replace(found, samples=replace(found.samples, properties=properties))
    for seed in range(20):
        deal = sound_deal(found, "site", seed)
        for name in ("pairs", "intervals", "test"):
            assert np.ptp(properties[getattr(deal, name), INDEX["inorganic_carbon"]]) > 0


def test_a_sample_without_a_site_undoes_no_other_s_block() -> None:
    found = library([10] * 30)
    site = found.samples.site.copy()
    site[:7] = ""
    samples = replace(found.samples, site=site)
    everything = np.ones(len(samples), dtype=bool)
    blocks = inner_blocks(samples, "sample", everything)
    assert len(np.unique(blocks)) == 7 + 30
    assert len(np.unique(blocks[:7])) == 7
    few = np.isin(site, ["", "site 3", "site 4"])
    assert len(np.unique(inner_blocks(samples, "sample", few))) == len(samples)


@pytest.mark.parametrize(("repeats", "why"), [(1, r"it has 300 in all, and some 990 are wanted")])
def test_a_library_that_is_too_small_says_how_large_one_is_wanted(repeats, why) -> None:
    with pytest.raises(LibraryError) as refused:
        sound_deal(library([10] * 30, repeats), "site", 0)
    assert why in refused.value.remedy


def test_a_property_that_few_sites_have_is_named_before_anything_is_learnt() -> None:
    found = library([10] * 30)
    properties = found.samples.properties.copy()
    properties[np.isin(found.samples.site, [f"site {i}" for i in range(4)], invert=True), 5] = (
        np.nan
    )
    found = replace(found, samples=replace(found.samples, properties=properties))
    with pytest.raises(LibraryError, match="cec was analysed"):
        sound_deal(found, "site", 0)
