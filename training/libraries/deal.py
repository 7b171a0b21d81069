"""Which soils of a library a training run learns from, and which it holds out for what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from soil.properties import NAMES
from training.blocks import dealt
from training.errors import LibraryError
from training.libraries.library import Library, Samples, Text
from training.libraries.splits import Block

PARTS: Final = 10
TEST_PARTS: Final = (0, 1)
DOMAIN_PART: Final = 2
INTERVAL_PART: Final = 3
"""Of ten parts two are for the test, one each for the domain's limits and the intervals. Ours."""

LARGE: Final = 1.5
"""Fair shares of the soils that a part may have and still be held out. Ours: a site that is larger is
learnt from, since a test of one site, or limits from one, say little of others."""

DEALS: Final = 20
"""How often soils are dealt before a library is called too small. Ours."""

SOILS_MIN: Final = 60
ANALYSED_MIN: Final = 30
"""Pairs, and pairs with a value of each property, that training begins with. Ours: below, what is
learnt is chance."""

SITES_MIN: Final = 10
"""Sites that inner choices begin to hold together: fewer can't be dealt into parts. Ours."""

BLOCKS_MIN: Final = 6
"""Blocks, of those that inner choices hold together, that every property was analysed in. Ours: of
each fold's other blocks a part stops the fits, and the rest is dealt again."""

DOMAIN_SCANS_MIN: Final = 99
"""What a percentile of 99 takes."""

INTERVALS_MIN: Final = 9
"""What an interval of 90 % takes (`calibration.fit.fit_intervals`)."""

TESTED_MIN: Final = 3
"""A line and something to be off it."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Deal:
    """Flags ``[n]`` of a library's samples: what each set of a run is made of. ``mir`` holds ``pairs``."""

    mir: Flags
    pairs: Flags
    domain: Flags
    intervals: Flags
    test: Flags


def sound_deal(library: Library, block: Block, seed: int) -> Deal:
    """The first of `DEALS` deals, blocks whole, that leaves every set enough for what it is for.

    Raises `LibraryError` where there are fewer blocks than parts, or none of the deals does.
    """
    faults = []
    for attempt in range(DEALS):
        deal = _deal(library, block, seed, attempt)
        fault = _fault(library, block, deal)
        if fault is None:
            return deal
        faults.append(fault)
    raise faults[0]


def inner_blocks(samples: Samples, block: Block, pairs: Flags) -> NDArray[np.int64]:
    """What choices within the learnt soils hold together: sites, where ``pairs`` are of enough.

    A sample of no known site is a block by itself.
    """
    if block != "sample":
        return _groups(samples, block)
    site = samples.site
    if len(np.unique(site[pairs & (site != "")])) < SITES_MIN:
        return _groups(samples, "sample")
    alone = np.array([name or f"\n{row}" for row, name in enumerate(site.tolist())])
    return _numbered(alone)


def _deal(library: Library, block: Block, seed: int, attempt: int) -> Deal:
    nir, mir = (
        np.isin(library.samples.name, library.scans[which].sample) for which in ("nir", "mir")
    )
    part = _parts(library, block, np.random.default_rng([seed, attempt]))
    learnt = ~np.isin(part, (*TEST_PARTS, DOMAIN_PART, INTERVAL_PART))
    return Deal(
        mir=learnt & mir,
        pairs=learnt & nir & mir,
        domain=(part == DOMAIN_PART) & nir,
        intervals=(part == INTERVAL_PART) & nir,
        test=np.isin(part, TEST_PARTS) & nir & mir,
    )


def _parts(library: Library, block: Block, rng: np.random.Generator) -> NDArray[np.int64]:
    """The part of each sample: which of the parts is for what is drawn, but large ones are learnt from."""
    group = _groups(library.samples, block)
    sizes = np.bincount(group)
    if len(sizes) < PARTS:
        raise LibraryError(
            f"{library.name} has {len(sizes)} blocks (by {block}), too few for {PARTS} parts",
            "use a library of more of them"
            + ("" if block == "sample" else ", or --block sample, which flatters"),
        )
    part = dealt(sizes, PARTS, int(rng.integers(2**32)))[group]
    large = np.bincount(part, minlength=PARTS) > LARGE * len(group) / PARTS
    drawn = rng.permutation(PARTS)
    called = np.empty(PARTS, dtype=np.int64)
    called[drawn[np.argsort(large[drawn], kind="stable")]] = np.arange(PARTS)
    named: NDArray[np.int64] = called[part]
    return named


def _groups(samples: Samples, block: Block) -> NDArray[np.int64]:
    if block == "sample":
        return np.arange(len(samples))
    place = samples.site if block == "site" else samples.country
    unknown = int((place == "").sum())
    if unknown:
        raise LibraryError(
            f"of {unknown} samples the {block} is not known",
            "use --block sample, or leave them out",
        )
    return _numbered(place)


def _numbered(names: Text) -> NDArray[np.int64]:
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _fault(library: Library, block: Block, deal: Deal) -> LibraryError | None:
    """Why no training can begin with ``deal``, or None."""
    samples, nir = library.samples, library.scans["nir"]
    pairs = int(deal.pairs.sum())
    if pairs < SOILS_MIN:
        return LibraryError(
            f"{library.name} leaves {pairs} soils with NIR and MIR to learn from",
            f"use a library that leaves at least {SOILS_MIN}: some {_whole(SOILS_MIN, 6)} in all",
        )
    scans = int(np.isin(nir.sample, samples.name[deal.domain]).sum())
    if scans < DOMAIN_SCANS_MIN:
        return LibraryError(
            f"{library.name} leaves {scans} NIR scans for the limits of the domain",
            f"use a library that leaves at least {DOMAIN_SCANS_MIN}: it has {len(nir)} in all, and "
            f"some {_whole(DOMAIN_SCANS_MIN, 1)} are wanted; repeats of a soil count",
        )
    inner = inner_blocks(samples, block, deal.pairs)
    for rows, what, least, blocks in (
        (deal.pairs, "to learn from", ANALYSED_MIN, BLOCKS_MIN),
        (deal.intervals, "for the intervals", INTERVALS_MIN, 0),
        (deal.test, "of the test", TESTED_MIN, 0),
    ):
        for name, column in zip(NAMES, samples.properties.T, strict=True):
            known = rows & np.isfinite(column)
            count = int(known.sum())
            if count < least:
                return LibraryError(
                    f"{name} was analysed of {count} of the {int(rows.sum())} soils {what}",
                    f"a bundle says all nine properties: add soils with it, at least {least} there",
                )
            if np.ptp(column[known]) == 0:
                return LibraryError(
                    f"{name} is {column[known][0]:g} of all {count} soils {what}",
                    "a model learns from differences: add soils with other values",
                )
            if len(np.unique(inner[known])) < blocks:
                return LibraryError(
                    f"{name} was analysed at {len(np.unique(inner[known]))} of the sites {what}",
                    f"choices hold sites together: add soils with it, of at least {blocks} sites",
                )
    return None


def _whole(least: int, parts: int) -> int:
    """About how large a library is of which ``parts`` hold ``least``."""
    return round(least * PARTS / parts)
