"""How much each rival counts in a prediction, by what it said of soils that it had not learnt from."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Floats = NDArray[np.float64]

RIVALS_MAX: Final = 4
"""Rivals that the soils may weigh: each costs the device time and memory. Ours, settled on synthetic soils
of seeds 5 to 9: three depend more on the deal of the folds, five are no better."""

PRIOR: Final = 0.1
"""Weight of equal shares against the data, per row and variance of what is observed. Ours, settled on
the sets of the benchmark ``real_accuracy``: without it a few rare, great values decide."""

BELIEF_BLOCKS: Final = 40
"""Blocks whose word weighs as much as what is believed without any. Ours, settled on the same soils, which
no benchmark draws: soils of eight sites err together, and picked at random."""

SHARPNESS: Final = 4.0
"""Of weights among candidates that differ in a setting alone. Ours, settled on the same soils: 3 and 6
are as good, and 8 worse with a hundred pairs."""

PICK: Final = math.inf
"""The sharpness with which the best candidate is all that counts."""

DISBELIEVED: Final = 2.0
"""Times the least squared error of all: a rival that errs more is not believed in. Ours."""


def blend_weights(
    found: Floats, observed: Floats, block: NDArray[np.int64], belief: Floats
) -> Floats:
    """Weights ``[rivals]`` for what rivals ``found`` ``[n, rivals]`` of ``observed`` ``[n]``.

    Those that the soils tell, and ``belief`` ``[rivals]``, in proportion, which stood before any soil
    spoke: the less of it the more blocks ``block`` ``[n]`` names. About the mean; they need not sum to
    one.
    """
    errors = np.mean((found - observed[:, None]) ** 2, axis=0)
    belief = np.where(errors <= DISBELIEVED * errors.min(), belief, 0.0)
    told = _told(found, observed)
    if not belief.any():
        return told
    believed = BELIEF_BLOCKS / (BELIEF_BLOCKS + len(np.unique(block)))
    weights: Floats = (1.0 - believed) * told + believed * belief / belief.sum()
    return weights


def error_weights(errors: Floats, sharpness: float = SHARPNESS) -> Floats:
    """Weights ``[candidates]``, one in all, of candidates by their squared ``errors`` on held-out rows.

    Reciprocals of the errors, raised to ``sharpness``; with one, Bates and Granger (1969,
    doi:10.1057/jors.1969.103).
    """
    errors = errors.clip(min=np.finfo(np.float64).tiny)
    weights = (errors.min() / errors) ** sharpness
    shares: Floats = weights / weights.sum()
    return shares


def _told(found: Floats, observed: Floats) -> Floats:
    """Of `RIVALS_MAX` rivals, each the one that helps those before it most, the weights that err least.

    Forward selection (Caruana et al. 2004, *Ensemble selection from libraries of models*): those that
    err least one by one may all say the same.
    """
    taken: list[int] = []
    while len(taken) < min(RIVALS_MAX, found.shape[1]):
        others = [rival for rival in range(found.shape[1]) if rival not in taken]
        errors = [_stacked(found[:, [*taken, rival]], observed)[1] for rival in others]
        taken.append(others[int(np.argmin(errors))])
    weights = np.zeros(found.shape[1])
    weights[taken] = _stacked(found[:, taken], observed)[0]
    return weights


def _stacked(found: Floats, observed: Floats) -> tuple[Floats, float]:
    """Weights of the rivals ``found`` ``[n, rivals]``, and the mean squared error that they leave.

    Non-negative, about the mean, drawn towards equal shares. Breiman (1996), *Stacked regressions*,
    with a prior of ours.
    """
    rivals = found.shape[1]
    off, wanted = found - observed.mean(), observed - observed.mean()
    prior = np.sqrt(PRIOR * len(observed)) * observed.std()
    left = np.concatenate([off, prior * np.eye(rivals)])
    right = np.concatenate([wanted, np.full(rivals, prior / rivals)])
    weights: Floats = nnls(left, right)[0]
    return weights, float(np.mean((off @ weights - wanted) ** 2))
