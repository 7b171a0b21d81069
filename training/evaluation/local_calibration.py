"""The rival that a user could make alone: a ridge regression on soils of the test set's own kind.

It learns from soils of the very library that is evaluated, and is tested on others of it. A shipped
model that it beats is the wrong one for these soils, or wants a few of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold

from soil.properties import HIGHEST, LOWEST, from_model_scale, to_model_scale
from training.evaluation.readings import Floats, Predicted, Readings

Predict = Callable[[Floats], Floats]
Fit = Callable[[Floats, Floats], Predict]
"""From features ``[n, k]`` and properties ``[n, 9]`` with NaN to predictions ``[m, 9]`` of features
``[m, k]``; NaN for a property that could not be learnt."""

FOLDS: Final = 5
SOILS_MIN: Final = 10
"""Analysed soils below which nothing is learnt. Ours."""

PENALTIES: Final = tuple(10.0**e for e in np.arange(-3.0, 5.5, 0.5))
"""Candidates; leave-one-out error chooses (Golub, Heath and Wahba 1979). Ours."""


def ridge(features: Floats, observed: Floats) -> Predict:
    """A ridge regression a property on model scale; features are standardised."""
    centre, scale = features.mean(axis=0), features.std(axis=0) + 1e-12
    targets, models = to_model_scale(observed), {}
    for i, target in enumerate(targets.T):
        known = np.isfinite(target)
        if known.sum() >= SOILS_MIN:
            x = (features[known] - centre) / scale
            models[i] = RidgeCV(PENALTIES).fit(x, target[known])

    def predict(asked: Floats) -> Floats:
        found = np.full((len(asked), targets.shape[1]), np.nan)
        for i, model in models.items():
            found[:, i] = model.predict((asked - centre) / scale)
        bounds: Floats = from_model_scale(
            np.clip(found, *to_model_scale(np.stack([LOWEST, HIGHEST])))
        )
        return bounds

    return predict


def folds(block: NDArray[np.int64], seed: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Up to `FOLDS` pairs of soils to learn from and soils to ask; no block is on both sides."""
    blocks = len(np.unique(block))
    if blocks < 2:
        return []
    split = GroupKFold(min(FOLDS, blocks), shuffle=True, random_state=seed)
    return list(split.split(block, groups=block))


def local_rivals(readings: Readings, seed: int) -> dict[str, Predicted]:
    """Ridge regressions on the pre-processed spectrum and on the latent, each asked of soils it never saw."""
    seen = {
        "local NIR-ridge": ("the pre-processed spectrum", readings.preprocessed),
        "local NIR-SSL-ridge": ("the model's latent", readings.latent),
    }
    return {
        name: Predicted(
            f"ridge regression on {what}, learnt from other soils of this test set",
            _cross_predicted(ridge, readings, features, seed),
        )
        for name, (what, features) in seen.items()
    }


def _cross_predicted(fit: Fit, readings: Readings, features: Floats, seed: int) -> Floats:
    """Predictions ``[m, 9]`` from ``features`` ``[m, k]`` by models that saw no soil of the scan's block.

    They learn from the mean of a soil's scans and are asked each scan.
    """
    learnt = readings.soil_mean(features)
    found = np.full((len(features), readings.observed.shape[1]), np.nan)
    for learn, test in folds(readings.block(), seed):
        scans = np.isin(readings.soil, test)
        found[scans] = fit(learnt[learn], readings.observed[learn])(features[scans])
    return found
