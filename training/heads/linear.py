"""Linear heads: candidates judged by cross-validation, the best taken or all of them weighed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.heads.blend import PICK, error_weights
from training.heads.examples import Examples, folds, standardising

Floats = NDArray[np.float64]

FOLDS = 5
"""Ours."""

FOLDED_ROWS_MAX = 3000
"""With more rows than this the part nearest to one in `FOLDS` is judged on, once: what is chosen hardly
varies. Ours."""

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

    ``parts`` are rival columns of the features: treatments of one spectrum. Weights are those of
    `error_weights`, with `PICK` the best candidate's alone. Errors are those on held out blocks, of
    targets as ``judged_as`` makes them; what counts is then fitted on all rows. Raises `SettingsError`
    where a target is hardly known.
    """
    standardising(examples.targets)
    targets = examples.targets
    head = LinearHead(examples.features.shape[1], targets.shape[1])
    for i in range(targets.shape[1]):
        known = examples[np.isfinite(targets[:, i])]
        errors = [_errors(path, known, i, part, seed, judged_as) for part in parts]
        weights = error_weights(np.concatenate(errors), sharpness)
        ends = np.cumsum([len(own) for own in errors])[:-1]
        for part, own in zip(parts, np.split(weights, ends), strict=True):
            if not own.any():
                continue
            features = known.features[:, part].astype(np.float64)
            slopes, intercepts = zip(*path(features, known.targets[:, i])[: len(own)], strict=True)
            head.weights[part, i] = torch.from_numpy(own @ np.stack(slopes)).float()
            head.intercepts[i] += float(own @ intercepts)
    return head


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
