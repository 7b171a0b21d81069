"""Splits of a library into what is learnt from and what is tested on; none crosses a sample.

Scans of one soil resemble each other far more than they resemble other soils, and so, less, do
soils of one site: a split by scans flatters, a split by samples can still flatter. Blocking says
what is held together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from training.blocks import dealt
from training.errors import LibraryError
from training.libraries.library import Library, Range, Text

Block = Literal["sample", "site", "country"]

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Split:
    """Rows of the scans of each range. No sample, and no block, is on both sides of any of them."""

    learn: dict[Range, Rows]
    test: dict[Range, Rows]


def folds(library: Library, block: Block, k: int, seed: int) -> list[Split]:
    """``k`` splits of ``library`` whose test sides together hold every sample once.

    Samples are dealt once for all ranges: what is tested in NIR is not learnt from in MIR. Raises
    `LibraryError` where there are fewer blocks than folds, or a sample's block is not known.
    """
    samples = library.samples
    group = np.arange(len(samples))
    if block != "sample":
        place = samples.site if block == "site" else samples.country
        _check_known(place, "samples", block)
        group = np.unique(place, return_inverse=True)[1]
    part = _dealt_samples(library, group, k, seed, _PLURAL[block])
    return [
        Split(
            {which: np.flatnonzero(own != fold) for which, own in part.items()},
            {which: np.flatnonzero(own == fold) for which, own in part.items()},
        )
        for fold in range(k)
    ]


def scanner_folds(library: Library, k: int, seed: int) -> list[Split]:
    """Splits that hold out each NIR scanner in turn, on soils that were not learnt from.

    The samples are dealt into ``k`` parts; a split tests one scanner's scans of one part and learns
    from the other parts as other scanners saw them, so that a soil is tested once by each scanner
    that has seen it. Scans of the tested scanner on learnt samples are on neither side. Raises
    `LibraryError` where a scan's scanner is not known, or nothing is left to learn from.
    """
    scans = library.scans.get("nir")
    if scans is None:
        raise LibraryError("the library has no NIR scans", "split it by sample or site")
    _check_known(scans.device, "scans", "scanner")
    part = _dealt_samples(library, np.arange(len(library.samples)), k, seed, "samples")
    found: list[Split] = []
    for device in np.unique(scans.device):
        own = scans.device == device
        for fold in range(k):
            test = np.flatnonzero(own & (part["nir"] == fold))
            if not len(test):
                continue
            learn = {which: np.flatnonzero(dealt != fold) for which, dealt in part.items()}
            learn["nir"] = np.flatnonzero(~own & (part["nir"] != fold))
            if not len(learn["nir"]):
                raise LibraryError(
                    f"without scanner {device} nothing is left to learn from",
                    "split by sample or site",
                )
            found.append(Split(learn, {"nir": test}))
    return found


_PLURAL: Final = {"sample": "samples", "site": "sites", "country": "countries"}


def _dealt_samples(
    library: Library, group: NDArray[np.intp], k: int, seed: int, what: str
) -> dict[Range, NDArray[np.int64]]:
    """The part of each scan of each range; a sample's scans, and a group's samples, share one."""
    row = {name: i for i, name in enumerate(library.samples.name.tolist())}
    of_scan = {
        which: np.array([row[name] for name in scans.sample.tolist()])
        for which, scans in library.scans.items()
    }
    weight = sum(np.bincount(rows, minlength=len(row)) for rows in of_scan.values())
    part = _dealt(group, np.asarray(weight), k, seed, what)
    return {which: part[group[rows]] for which, rows in of_scan.items()}


def _dealt(
    group: NDArray[np.intp], weight: NDArray[np.int64], k: int, seed: int, what: str
) -> NDArray[np.int64]:
    """The part of each group of samples, ``weight`` being the scans of each sample."""
    if k < 2:
        raise LibraryError(f"{k} folds are no split", "use two or more")
    sizes = np.bincount(group, weights=weight).astype(np.int64)
    if len(sizes) < k:
        raise LibraryError(
            f"{len(sizes)} {what} can't be split into {k} folds", "use fewer folds, or more soils"
        )
    return dealt(sizes, k, seed)


def _check_known(names: Text, what: str, block: str) -> None:
    unknown = int((names == "").sum())
    if unknown:
        raise LibraryError(
            f"of {unknown} {what} the {block} is not known", "split by sample, or leave them out"
        )
