"""How much each rival counts in a prediction, by what it said of soils that it had not learnt from."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Floats = NDArray[np.float64]

RIVALS_MAX: Final = 3
"""Rivals in a blend: each costs the device time and memory. Ours."""

PRIOR: Final = 0.1
"""Weight of equal shares against the data, per row and variance of what is observed. Ours, settled on
the sets of the benchmark ``real_accuracy``: without it a few rare, great values decide."""


def blend_weights(found: Floats, observed: Floats) -> Floats:
    """Weights ``[rivals]`` for what rivals ``found`` ``[n, rivals]`` of ``observed`` ``[n]``.

    Of the `RIVALS_MAX` with the least squared error, the non-negative weights about the mean that
    err least, drawn towards equal shares; they need not sum to one. Breiman (1996), *Stacked
    regressions*, with a prior of ours.
    """
    errors = np.mean((found - observed[:, None]) ** 2, axis=0)
    best = np.argsort(errors, kind="stable")[:RIVALS_MAX]
    centre = observed.mean()
    prior = np.sqrt(PRIOR * len(observed)) * observed.std()
    left = np.concatenate([found[:, best] - centre, prior * np.eye(len(best))])
    right = np.concatenate([observed - centre, np.full(len(best), prior / len(best))])
    weights = np.zeros(found.shape[1])
    weights[best] = nnls(left, right)[0]
    return weights
