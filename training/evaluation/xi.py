"""Chatterjee's xi: how far one quantity is a function of another, straight or not.

Chatterjee 2021, doi:10.1080/01621459.2020.1758115. Near 0 where the two are independent, near 1 where
the second follows from the first; not symmetric, and without a sign.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import chatterjeexi

from training.evaluation.readings import Floats

SOILS_MIN = 10
"""Analysed soils below which there is no xi. Ours: its noise is .33 there."""


def xi_table(features: Floats, observed: Floats, seed: int) -> Floats:
    """How far each property ``[n, 9]`` follows from each feature ``[n, k]``: xi ``[k, 9]``.

    Soils that share a feature's value come in an order drawn from ``seed``, as the article wants. NaN
    for a property that is known of fewer than `SOILS_MIN` soils, or of one value.
    """
    order = np.random.default_rng(seed).permutation(len(observed))
    found = np.full((features.shape[1], observed.shape[1]), np.nan)
    for i, values in enumerate(observed[order].T):
        known = np.isfinite(values)
        if known.sum() >= SOILS_MIN and np.ptp(values[known]) > 0:
            found[:, i] = chatterjeexi(features[order][known], values[known, None]).statistic
    return found


def noise(soils: int) -> float:
    """What 19 of 20 xi of independent quantities stay below (theorem 2.1: variance 2/5 over n)."""
    return 1.645 * math.sqrt(0.4 / soils)
