"""Make nine separate estimates agree with each other, as the soil they describe must."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from soil.properties import HIGHEST, INDEX, LOWEST

_TC, _IC, _OC = INDEX["total_carbon"], INDEX["inorganic_carbon"], INDEX["organic_carbon"]
_TN = INDEX["total_nitrogen"]
_TEXTURE = (INDEX["clay"], INDEX["silt"], INDEX["sand"])
_LOWEST, _HIGHEST = LOWEST.tolist(), HIGHEST.tolist()

NITROGEN_PER_CARBON_MAX: Final = 0.5
"""Cap on TN/TC that keeps TN < TC. Ours: far above any soil (C:N is rarely below 5), so that it
binds only on estimates that contradict each other."""


def coherent(raw: ArrayLike) -> NDArray[np.float64]:
    """Estimates ``[n, 9]`` in reporting units, made coherent: idempotent, each in its valid range.

    Carbon: the least-squares step onto TC = OC + IC with neither part below zero. Texture: negative
    fractions become zero and the three are scaled to 100 %. Nitrogen: below total carbon. What is
    no number stays none, and takes with it what is computed from it.
    """
    values = np.array(raw, dtype=np.float64, ndmin=2)
    # One row at a time in plain floats: a device has one, and nine numbers are no array's work.
    return np.array([_coherent_row(row) for row in values.tolist()]).reshape(values.shape)


def _coherent_row(raw: list[float]) -> list[float]:
    row = [_clip(*bounded) for bounded in zip(raw, _LOWEST, _HIGHEST, strict=True)]
    row[_OC], row[_IC] = _carbon(row[_TC], row[_OC], row[_IC])
    row[_TC] = row[_OC] + row[_IC]
    most = NITROGEN_PER_CARBON_MAX * row[_TC]
    if not row[_TN] <= most:
        row[_TN] = most if row[_TN] > most else row[_TN] + most
    total = sum(row[i] for i in _TEXTURE)
    for i in _TEXTURE:
        row[i] = 100.0 * (row[i] / total if total != 0 else 1 / 3)
    return row


def _carbon(total: float, organic: float, inorganic: float) -> tuple[float, float]:
    """Organic and inorganic carbon nearest to the three estimates, neither below zero."""
    third = (total - organic - inorganic) / 3
    if inorganic + third < 0:
        organic, inorganic = (total + organic) / 2, 0.0
    elif organic + third < 0:
        organic, inorganic = 0.0, (total + inorganic) / 2
    else:
        organic, inorganic = organic + third, inorganic + third
    return _clip(organic, 0.0, _HIGHEST[_OC]), _clip(inorganic, 0.0, _HIGHEST[_IC])


def _clip(value: float, lowest: float, highest: float) -> float:
    """``value`` within its bounds; what is no number stays none, which min and max do not promise."""
    if value < lowest:
        return lowest
    return min(value, highest)
