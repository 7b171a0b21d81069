"""How much better a model would be with more soils to learn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from training.evaluation.local_calibration import Fit, folds
from training.evaluation.readings import Floats, Readings

REPEATS: Final = 5
SMALLEST: Final = 20
"""Soils. Ours: below, a laboratory would not calibrate."""


@dataclass(frozen=True)
class Point:
    """Mean, lowest and highest score of `REPEATS` draws of ``soils`` to learn from."""

    soils: int
    mean: float
    lowest: float
    highest: float


def learning_curve(
    fit: Fit,
    readings: Readings,
    features: Floats,
    observed: Floats,
    score: Callable[[Floats], float],
    seed: int,
) -> list[Point]:
    """Scores of ``fit`` on soils of other blocks than the 20, 40, 80 ... soils that it learnt from.

    It learns from the mean of a soil's scans and is asked each scan: ``features`` ``[m, k]``.
    ``observed`` ``[n, 9]`` is what it may learn. Every soil is asked once in each repeat, so that the
    sizes are scored on the same scans. ``score`` takes predictions ``[m, 9]``; a size that has none
    (NaN) is left out. Empty where the set is too small.
    """
    learnt, block = readings.soil_mean(features), readings.block()
    splits = [folds(block, seed + repeat) for repeat in range(REPEATS)]
    most = min((len(learn) for split in splits for learn, _ in split), default=0)
    points = []
    for soils in _sizes(most):
        scores = []
        for repeat, split in enumerate(splits):
            rng = np.random.default_rng([seed, repeat])
            found = np.full((len(features), observed.shape[1]), np.nan)
            for learn, test in split:
                # The same order for every size: each set of soils holds the smaller ones.
                rows, scans = rng.permutation(learn)[:soils], np.isin(readings.soil, test)
                found[scans] = fit(learnt[rows], observed[rows])(features[scans])
            scores.append(score(found))
        if np.isfinite(scores).all():
            points.append(Point(soils, float(np.mean(scores)), min(scores), max(scores)))
    return points


def _sizes(most: int) -> list[int]:
    """Doubling from `SMALLEST`; ``most`` itself too, where it is well above the last."""
    sizes: list[int] = []
    while SMALLEST * 2 ** len(sizes) <= most:
        sizes.append(SMALLEST * 2 ** len(sizes))
    if sizes and most > 1.25 * sizes[-1]:
        sizes.append(most)
    return sizes
