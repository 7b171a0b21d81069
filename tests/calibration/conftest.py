"""Soils by the thousand, and predictions of them that err as predictions do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from soil.properties import HIGHEST, LOWEST, from_model_scale, to_model_scale

Soils = tuple[NDArray[np.float64], NDArray[np.float64]]


@pytest.fixture(scope="session")
def soils() -> Callable[[int, int], Soils]:
    """Predicted and observed ``[n, 9]`` from a seed, exchangeable, well inside their ranges."""

    def draw(n: int, seed: int) -> Soils:
        random = np.random.default_rng(seed)
        low, high = (to_model_scale(row[np.newaxis])[0] for row in (LOWEST, HIGHEST))
        width = high - low
        observed = random.uniform(low + 0.3 * width, high - 0.3 * width, (n, len(low)))
        errors = np.clip(random.standard_t(4, (n, len(low))), -10, 10) * 0.02 * width
        return from_model_scale(observed + errors), from_model_scale(observed)

    return draw
