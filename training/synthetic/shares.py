"""Draws of shares about a centre: of one part, and of parts that make a whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def share(rng: np.random.Generator, centre: Floats, spread: float) -> Floats:
    """Shares about ``centre``, normal on the logit scale."""
    logit = np.log(centre / (1 - centre)) + spread * rng.standard_normal(centre.shape)
    drawn: Floats = 1 / (1 + np.exp(-logit))
    return drawn


def simplex(rng: np.random.Generator, centre: Floats, spread: float) -> Floats:
    """Compositions about ``centre`` ``[n, parts]``, normal on the log-ratio scale; rows sum to 1."""
    parts = centre * np.exp(spread * rng.standard_normal(centre.shape))
    closed: Floats = parts / parts.sum(axis=1, keepdims=True)
    return closed
