"""What heads learn: the nine properties on model scale, and beside them texture as two log-ratios.

The isometric log-ratios of clay, silt and sand (Egozcue et al. 2003, doi:10.1023/A:1023818214614)
have no bounds and always make a whole; whether a property is better read from them is a choice to
be tested, not a rule.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from soil.properties import INDEX, NAMES, to_model_scale

TEXTURE: Final = ("clay", "silt", "sand")
TARGETS: Final = (*NAMES, "clay to silt", "clay and silt to sand")
"""The columns of every ``[n, t]`` that heads learn and say."""

LEAST_PCT: Final = 0.5
"""Stands for less than itself, of which there is no logarithm. Ours: what a hydrometer can't see."""

_COLUMNS: Final = [INDEX[name] for name in TEXTURE]
_BASIS: Final = np.array([[1, -1, 0], [1, 1, -2]]) / np.sqrt([[2], [6]])


def to_targets(properties: NDArray[np.float64]) -> NDArray[np.float64]:
    """`TARGETS` ``[n, 11]`` of properties ``[n, 9]`` in reporting units; NaN where unknown."""
    texture = np.log(np.maximum(properties[:, _COLUMNS], LEAST_PCT))
    return np.concatenate([to_model_scale(properties), texture @ _BASIS.T], axis=1)


def through_ratios(targets: Any) -> Any:
    """The nine properties on model scale, ``[n, 9]``, texture being that of the log-ratios."""
    basis = torch.from_numpy(_BASIS).to(targets.dtype)
    texture = 100.0 * torch.softmax(targets[:, len(NAMES) :] @ basis, dim=1)
    columns = [
        texture[:, TEXTURE.index(name)] if name in TEXTURE else targets[:, i]
        for i, name in enumerate(NAMES)
    ]
    return torch.stack(columns, dim=1)


def as_they_are(targets: Any) -> Any:
    """The nine properties on model scale, ``[n, 9]``, each from its own column."""
    return targets[:, : len(NAMES)]
