"""What heads learn from: features, targets with gaps, and which soils belong together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.blocks import dealt
from training.errors import SettingsError

SOILS_MIN = 3
"""A line and something to be off it."""

BLOCKS_MIN = 2
"""One to learn from and one to judge on."""


@dataclass(frozen=True, eq=False)
class Examples:
    """``features`` ``[n, k]`` float32, ``targets`` ``[n, t]`` with NaN where unknown, ``block`` ``[n]``.

    Targets are on whatever scale they are to be learnt on. No choice is made on a row while
    learning from another one of the same block: a soil's scans, a site's soils.
    """

    features: NDArray[np.float32]
    targets: NDArray[np.float64]
    block: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.block)

    def __getitem__(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Examples:
        return Examples(self.features[rows], self.targets[rows], self.block[rows])


def folds(
    block: NDArray[np.int64], k: int, seed: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """``k`` pairs of rows to learn from and rows to judge on, which together are judged on once.

    Blocks are dealt whole. With fewer than ``k``, each is a part; with fewer than two, raises
    `SettingsError`.
    """
    own = np.unique(block, return_inverse=True)[1]
    sizes = np.bincount(own)
    if len(sizes) < BLOCKS_MIN:
        raise SettingsError("all soils are of one block", "use a library of more sites or samples")
    part = dealt(sizes, k, seed)[own]
    for fold in range(min(k, len(sizes))):
        yield np.flatnonzero(part != fold), np.flatnonzero(part == fold)


def rarest_first(
    targets: NDArray[np.float64], most: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """``most`` rows of ``targets`` ``[n, t]`` at most, in order, drawn among those that know most.

    A value weighs as much as it is rare: a target that few rows know keeps those.
    """
    drawn = rng.permutation(len(targets))
    known = np.isfinite(targets[drawn])
    weight = (known / known.sum(axis=0).clip(min=1)).sum(axis=1)
    return np.sort(drawn[np.argsort(-weight, kind="stable")[:most]])


def standardising(targets: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre and scale ``[t]`` of what is known of ``targets`` ``[n, t]``.

    Raises `SettingsError` where a target is known of fewer than `SOILS_MIN` rows.
    """
    known = np.isfinite(targets).sum(axis=0)
    if known.min() < SOILS_MIN:
        raise SettingsError(
            f"target {int(known.argmin())} is known of {known.min()} soils to learn from",
            "use a larger library",
        )
    scale = np.nanstd(targets, axis=0)
    return np.nanmean(targets, axis=0), np.where(scale > 0, scale, 1.0)
