"""Linear heads: candidates judged by cross-validation, the best taken or all of them weighed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.heads.examples import Examples, folds, standardising

Floats = NDArray[np.float64]

FOLDS = 5
"""Ours."""

FOLDED_ROWS_MAX = 3000
"""With more rows than this the part nearest to one in `FOLDS` is judged on, once: what is chosen hardly
varies. Ours."""

PICK: Final = math.inf
"""The sharpness with which the best candidate is all that counts."""

Path = Callable[[Floats, Floats], list[tuple[Floats, float]]]
"""From features ``[n, m]`` and one target ``[n]`` to candidates: slopes ``[m]`` and intercept. A path
gives as many candidates, in the same order, for every target of the same features."""


class LinearHead(nn.Module):  # type: ignore[misc]
    """Features ``[n, k]`` -> targets ``[n, t]``."""

    def __init__(self, features: int, targets: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.zeros(features, targets))
        self.register_buffer("intercepts", torch.zeros(targets))

    def forward(self, features: Any) -> Any:
        """``[n, k]`` to ``[n, t]``."""
        return features @ self.weights + self.intercepts


def fit_linear(
    path: Path,
    examples: Examples,
    parts: Sequence[slice],
    seed: int,
    judged_as: Callable[[Floats], Floats] = np.positive,
    sharpness: float = PICK,
) -> LinearHead:
    """Of each target the mean of all candidates of ``path`` on all parts of the features, weighed.

    ``parts`` are rival columns of the features: treatments of one spectrum. A candidate weighs as the
    reciprocal of its squared error, raised to ``sharpness`` (Bates and Granger 1969,
    doi:10.1057/jors.1969.103, where that is one): none but the best, if it is `PICK`. Errors are those
    on held out blocks, of targets as ``judged_as`` makes them; what counts is then fitted on all rows.
    Raises `SettingsError` where a target is hardly known.
    """
    standardising(examples.targets)
    features, targets = examples.features, examples.targets
    head = LinearHead(features.shape[1], targets.shape[1])
    for i in range(targets.shape[1]):
        known = examples[np.isfinite(targets[:, i])]
        errors = [_errors(path, known, i, part, seed, judged_as) for part in parts]
        for part, own in zip(parts, _weights(errors, sharpness), strict=True):
            if not own.any():
                continue
            candidates = path(known.features[:, part].astype(np.float64), known.targets[:, i])
            for weight, (slope, intercept) in zip(own, candidates, strict=False):
                head.weights[part, i] += torch.from_numpy(weight * slope).float()
                head.intercepts[i] += weight * intercept
    return head


def _weights(errors: Sequence[Floats], sharpness: float) -> list[Floats]:
    """How much each candidate counts, one in all, by its summed squared error in each part."""
    every = np.concatenate(errors).clip(min=np.finfo(np.float64).tiny)
    weights = (every.min() / every) ** sharpness
    return np.split(weights / weights.sum(), np.cumsum([len(own) for own in errors])[:-1])


def _errors(
    path: Path,
    known: Examples,
    target: int,
    part: slice,
    seed: int,
    judged_as: Callable[[Floats], Floats],
) -> Floats:
    """Squared error of each candidate, summed over the rows that were held out."""
    x, y = known.features[:, part].astype(np.float64), known.targets[:, target]
    held_out = list(folds(known.block, FOLDS, seed))
    sums: list[Floats] = []
    if len(y) > FOLDED_ROWS_MAX:
        held_out = [min(held_out, key=lambda fold: abs(FOLDS * len(fold[1]) - len(y)))]
    for learn, judged in held_out:
        candidates = path(x[learn], y[learn])
        slopes = np.stack([slope for slope, _ in candidates])
        found = x[judged] @ slopes.T + [intercept for _, intercept in candidates]
        off = judged_as(found) - judged_as(y[judged, None])
        sums.append((off**2).sum(axis=0))
    fewest = min(len(each) for each in sums)
    total: Floats = np.sum([each[:fewest] for each in sums], axis=0)
    return total
