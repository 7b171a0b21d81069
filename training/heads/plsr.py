"""Partial least squares regression (Wold et al. 2001, doi:10.1016/S0169-7439(01)00155-1)."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.cross_decomposition import PLSRegression

from training.heads.linear import Floats

COMPONENTS_MAX = 30
"""Ours: library practice rarely goes beyond 20."""


def plsr_path(x: Floats, y: Floats, components: int = COMPONENTS_MAX) -> list[tuple[Floats, float]]:
    """Slopes and intercept with one component, with two, and so on to ``components``.

    ``x`` is ``[n, m]``, ``y`` ``[n]``.
    One target at a time, since a soil may lack some of the properties.
    """
    most = min(components, x.shape[1], len(x) - 1)
    with warnings.catch_warnings():
        # A target that is used up gives components that add nothing, which is what they should.
        warnings.filterwarnings("ignore", "y residual is constant")
        fitted = PLSRegression(n_components=most, scale=False).fit(x, y)
    x_mean, y_mean = x.mean(axis=0), float(y.mean())
    slopes = np.cumsum(fitted.x_rotations_ * fitted.y_loadings_[0], axis=1).T
    return [(slope, y_mean - float(x_mean @ slope)) for slope in slopes]
