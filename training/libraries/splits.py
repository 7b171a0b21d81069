"""Splits of a library into what is learnt from and what is tested on; none crosses a sample.

Scans of one soil resemble each other far more than they resemble other soils, and so, less, do
soils of one site: a split by scans flatters, a split by samples can still flatter. Blocking says
what is held together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from training.errors import LibraryError
from training.libraries.library import Library, Range, Text

Block = Literal["sample", "site", "country", "scanner"]
BLOCKS: Final[tuple[Block, ...]] = get_args(Block)

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Split:
    """Rows of one range's scans. No sample, and no block, is on both sides."""

    learn: Rows
    test: Rows


def folds(library: Library, which: Range, block: Block, k: int, seed: int) -> Iterator[Split]:
    """``k`` splits of the scans of ``which``, whose test sides together hold every sample once.

    Blocked by ``scanner``, each scanner is held out in turn and ``k`` is how many parts the samples
    are dealt into: a split tests scans of the scanner on one part and learns from the other parts,
    seen by other scanners. Scans of the tested scanner on learnt samples are on neither side.

    Raises `LibraryError` where there are fewer blocks than folds, or a block is not known.
    """
    if k < 2:
        raise LibraryError(f"{k} folds are no split", "use two or more")
    scans = library.scans[which]
    sample = _numbers(scans.sample)
    if block == "scanner":
        _check_known(scans.device, "scans", "scanner")
        if len(np.unique(scans.device)) < 2:
            raise LibraryError("all scans are of one scanner", "split by sample or site")
        dealt = _dealt(sample, k, seed, "samples")[sample]
        for device in np.unique(scans.device):
            own = scans.device == device
            for part in range(k):
                test, learn = own & (dealt == part), ~own & (dealt != part)
                if test.any() and learn.any():
                    yield Split(np.flatnonzero(learn), np.flatnonzero(test))
        return
    group = sample
    if block != "sample":
        place = library.samples.site if block == "site" else library.samples.country
        of_sample = dict(zip(library.samples.name.tolist(), place.tolist(), strict=True))
        named = np.array([of_sample[name] for name in scans.sample.tolist()], dtype=np.str_)
        _check_known(named, "scans", block)
        group = _numbers(named)
    dealt = _dealt(group, k, seed, _PLURAL[block])[group]
    for part in range(k):
        yield Split(np.flatnonzero(dealt != part), np.flatnonzero(dealt == part))


_PLURAL: Final = {"sample": "samples", "site": "sites", "country": "countries"}


def _numbers(names: Text) -> NDArray[np.intp]:
    return np.unique(names, return_inverse=True)[1]


def _dealt(group: NDArray[np.intp], k: int, seed: int, what: str) -> NDArray[np.int64]:
    """The part of each group: the largest groups first, each to the part with the fewest scans.

    Which of equally large groups goes where is drawn from ``seed``.
    """
    sizes = np.bincount(group)
    if len(sizes) < k:
        raise LibraryError(
            f"{len(sizes)} {what} can't be split into {k} folds", "use fewer folds, or more soils"
        )
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    part, filled = np.empty(len(sizes), dtype=np.int64), np.zeros(k, dtype=np.int64)
    for i in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        part[i] = int(np.argmin(filled))
        filled[part[i]] += sizes[i]
    return part


def _check_known(names: Text, what: str, block: str) -> None:
    unknown = int((names == "").sum())
    if unknown:
        raise LibraryError(
            f"of {unknown} {what} the {block} is not known", "split by sample, or leave them out"
        )
