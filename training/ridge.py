"""The cheap rival: ridge regression (Hoerl and Kennard 1970) on the same pre-processed NIR."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soil.properties import HIGHEST, LOWEST, NAMES, from_model_scale, to_model_scale

PENALTIES = tuple(10.0**e for e in np.arange(-1.0, 5.5, 0.5))
"""Candidates, chosen per property on validation soils. Ours."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ridge:
    """Weights ``[m, 9]`` and intercepts ``[9]`` on model scale."""

    weights: Floats
    intercepts: Floats

    def predict(self, spectra: NDArray[np.float32]) -> Floats:
        """Properties ``[n, 9]`` in reporting units, before coherence."""
        model_scale = spectra.astype(np.float64) @ self.weights + self.intercepts
        return from_model_scale(np.clip(model_scale, *to_model_scale(np.stack([LOWEST, HIGHEST]))))


def fit_ridge(
    spectra: NDArray[np.float32],
    properties: Floats,
    validation_spectra: NDArray[np.float32],
    validation_properties: Floats,
) -> Ridge:
    """Ridge from spectra ``[n, m]`` to properties ``[n, 9]``, NaN left out, penalty by validation."""
    targets, wanted = to_model_scale(properties), to_model_scale(validation_properties)
    weights, intercepts = np.zeros((spectra.shape[1], len(NAMES))), np.zeros(len(NAMES))
    for i in range(len(NAMES)):
        known, asked = np.isfinite(targets[:, i]), np.isfinite(wanted[:, i])
        candidates = _path(spectra[known].astype(np.float64), targets[known, i])
        other = validation_spectra[asked].astype(np.float64)
        errors = [
            float(np.mean((other @ slope + intercept - wanted[asked, i]) ** 2))
            for slope, intercept in candidates
        ]
        weights[:, i], intercepts[i] = candidates[int(np.argmin(errors))]
    return Ridge(weights, intercepts)


def _path(x: Floats, y: Floats) -> list[tuple[Floats, float]]:
    x_mean, y_mean = x.mean(axis=0), float(y.mean())
    values, vectors = np.linalg.eigh((x - x_mean).T @ (x - x_mean))
    projected = vectors.T @ ((x - x_mean).T @ (y - y_mean))
    slopes = [vectors @ (projected / (values.clip(0) + penalty)) for penalty in PENALTIES]
    return [(slope, y_mean - float(x_mean @ slope)) for slope in slopes]
