"""Nine linear models in one: what ridge and partial least squares leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from soil.properties import HIGHEST, LOWEST, NAMES, from_model_scale, to_model_scale
from training.errors import SettingsError

Floats = NDArray[np.float64]

SOILS_MIN = 3
"""A line and something to be off it."""

Path = Callable[[Floats, Floats], list[tuple[Floats, float]]]
"""From features ``[n, m]`` and one target ``[n]`` to candidates: slopes ``[m]`` and intercept."""


@dataclass(frozen=True)
class LinearHeads:
    """Weights ``[m, 9]`` and intercepts ``[9]`` on model scale."""

    weights: Floats
    intercepts: Floats

    def predict(self, features: ArrayLike) -> Floats:
        """Properties ``[n, 9]`` in reporting units for features ``[n, m]``, before coherence."""
        model_scale = np.asarray(features, dtype=np.float64) @ self.weights + self.intercepts
        return from_model_scale(np.clip(model_scale, *to_model_scale(np.stack([LOWEST, HIGHEST]))))


def fit_linear(
    path: Path,
    features: NDArray[np.float32],
    properties: Floats,
    validation_features: NDArray[np.float32],
    validation_properties: Floats,
) -> LinearHeads:
    """Of each property the candidate of ``path`` with the least squared error on validation soils.

    Features are ``[n, m]``, properties ``[n, 9]``; NaN is left out.
    """
    targets, wanted = to_model_scale(properties), to_model_scale(validation_properties)
    weights, intercepts = np.zeros((features.shape[1], len(NAMES))), np.zeros(len(NAMES))
    for i in range(len(NAMES)):
        known, asked = np.isfinite(targets[:, i]), np.isfinite(wanted[:, i])
        if known.sum() < SOILS_MIN or not asked.any():
            raise SettingsError(
                f"{NAMES[i]} is known of {known.sum()} soils to learn from and {asked.sum()} to "
                "validate on",
                "use a larger library",
            )
        candidates = path(features[known].astype(np.float64), targets[known, i])
        other = validation_features[asked].astype(np.float64)
        errors = [
            float(np.mean((other @ slope + intercept - wanted[asked, i]) ** 2))
            for slope, intercept in candidates
        ]
        weights[:, i], intercepts[i] = candidates[int(np.argmin(errors))]
    return LinearHeads(weights, intercepts)
