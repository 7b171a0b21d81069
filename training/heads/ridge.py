"""The cheap rival: ridge regression (Hoerl and Kennard 1970)."""

from __future__ import annotations

import numpy as np

from training.heads.linear import Floats

PENALTIES = tuple(10.0**e for e in np.arange(-1.0, 5.5, 0.5))
"""Candidates, chosen per property on validation soils. Ours."""


def ridge_path(x: Floats, y: Floats) -> list[tuple[Floats, float]]:
    """Slopes and intercept for each of `PENALTIES`, from ``x`` ``[n, m]`` and ``y`` ``[n]``."""
    x_mean, y_mean = x.mean(axis=0), float(y.mean())
    values, vectors = np.linalg.eigh((x - x_mean).T @ (x - x_mean))
    projected = vectors.T @ ((x - x_mean).T @ (y - y_mean))
    slopes = [vectors @ (projected / (values.clip(0) + penalty)) for penalty in PENALTIES]
    return [(slope, y_mean - float(x_mean @ slope)) for slope in slopes]
