"""Axes and soils by the handful."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from soil.axis import Axis
from soil.properties import HIGHEST, LOWEST


@pytest.fixture(scope="session")
def axis() -> Axis:
    """A short near-infrared axis, descending as many instruments declare it."""
    return Axis("nm", np.linspace(2550, 1350, 25))


@pytest.fixture(scope="session")
def wild_estimates() -> NDArray[np.float64]:
    """2,000 estimates of nine properties that contradict each other and leave their ranges."""
    random = np.random.default_rng(3)
    width = HIGHEST - LOWEST
    return random.uniform(LOWEST - width, HIGHEST + width, size=(2000, len(LOWEST)))
