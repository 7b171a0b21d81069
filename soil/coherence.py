"""Make nine separate estimates agree with each other, as the soil they describe must."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from soil.properties import HIGHEST, INDEX, LOWEST

_TC, _IC, _OC = INDEX["total_carbon"], INDEX["inorganic_carbon"], INDEX["organic_carbon"]
_TN = INDEX["total_nitrogen"]
_TEXTURE = [INDEX["clay"], INDEX["silt"], INDEX["sand"]]

NITROGEN_PER_CARBON_MAX = 0.5
"""Cap on TN/TC that keeps TN < TC. Ours: far above any soil (C:N is rarely below 5), so that it
binds only on estimates that contradict each other."""


def coherent(raw: ArrayLike) -> NDArray[np.float64]:
    """Estimates ``[n, 9]`` in reporting units, made coherent: idempotent, each in its valid range.

    Carbon: the least-squares step onto TC = OC + IC with neither part below zero. Texture: negative
    fractions become zero and the three are scaled to 100 %. Nitrogen: below total carbon. What is
    no number stays none, and takes with it what is computed from it.
    """
    values = np.clip(np.array(raw, dtype=np.float64, ndmin=2), LOWEST, HIGHEST)
    values[:, [_OC, _IC]], values[:, _TC] = _carbon(values[:, _TC], values[:, _OC], values[:, _IC])
    values[:, _TN] = np.minimum(values[:, _TN], NITROGEN_PER_CARBON_MAX * values[:, _TC])
    texture = values[:, _TEXTURE]
    total = texture.sum(axis=1, keepdims=True)
    even = np.full_like(texture, 1 / 3)
    values[:, _TEXTURE] = 100.0 * np.divide(texture, total, out=even, where=total != 0)
    return values


def _carbon(
    total: NDArray[np.float64], organic: NDArray[np.float64], inorganic: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    excess = total - organic - inorganic
    organic, inorganic = organic + excess / 3, inorganic + excess / 3
    total = total - excess / 3
    # A part pushed below zero is set to zero and the remaining two share what is left evenly.
    no_inorganic, no_organic = inorganic < 0, organic < 0
    only_organic = (total - inorganic / 2).clip(0)
    only_inorganic = (total - organic / 2).clip(0)
    parts = np.stack(
        [
            np.where(no_organic, 0.0, np.where(no_inorganic, only_organic, organic)),
            np.where(no_inorganic, 0.0, np.where(no_organic, only_inorganic, inorganic)),
        ],
        axis=1,
    )
    parts = np.clip(parts, 0.0, [HIGHEST[_OC], HIGHEST[_IC]])
    return parts, parts.sum(axis=1)
