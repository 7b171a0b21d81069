"""Of each property the heads that were chosen for it, assembled into one module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from soil.properties import HIGHEST, LOWEST, NAMES, PROPERTIES, to_model_scale
from training.heads.gaussian_process import KernelHead
from training.targets import TARGETS, TEXTURE, as_they_are, through_ratios

RATIOS: Final = " ILR"
"""Ends the name of a rival whose texture is that of the log-ratios."""

MEAN: Final = "the mean of the library"
"""What a property is read from where no rival was better than that."""

_BEYOND: Final = 1.0
"""How far beyond the valid range, on model scale, a rival may go: far enough to be seen as out of
range, not so far that it drags a blend along or that float32 overflows. Ours."""


class Part(NamedTuple):
    """A head and the name of what it sees."""

    view: str
    head: Any


class AssembledHeads(nn.Module):  # type: ignore[misc]
    """What is seen, by view, -> the nine properties ``[n, 9]`` in reporting units.

    Each of ``parts`` is two rivals: as it is, and with texture through log-ratios. A property is
    ``intercepts`` ``[9]`` plus rivals times ``weights`` ``[rivals, 9]``, on model scale.
    """

    def __init__(self, parts: Mapping[str, Part]) -> None:
        super().__init__()
        self.names = tuple(parts)
        self.views = tuple(part.view for part in parts.values())
        self.heads = nn.ModuleList([part.head for part in parts.values()])
        self.register_buffer("weights", torch.zeros(2 * len(parts), len(NAMES)))
        self.register_buffer("intercepts", torch.zeros(len(NAMES)))
        skewed = torch.tensor([p.skewed for p in PROPERTIES])
        self.register_buffer("skewed", skewed, persistent=False)

    def forward(self, views: Mapping[str, Any]) -> Any:
        """``[n, 9]`` in reporting units, before coherence."""
        said = [
            rival
            for view, head in zip(self.views, self.heads, strict=True)
            for rival in two_ways(head(views[view]))
        ]
        model_scale = self.intercepts + sum(
            rival * weights for rival, weights in zip(said, self.weights, strict=True)
        )
        # The inner choice keeps exp of a clay percentage from overflowing where it is not wanted.
        logarithmic = torch.where(self.skewed, model_scale, 0.0)
        return torch.where(self.skewed, torch.expm1(logarithmic), model_scale)

    def strategy(self) -> dict[str, str]:
        """What each property is read from: a rival's name, several with their weights, or `MEAN`."""
        rivals = rival_names(self.names)
        found = {}
        for i, name in enumerate(NAMES):
            weights = dict(zip(rivals, self.weights[:, i].tolist(), strict=True))
            used = {rival: weight for rival, weight in weights.items() if weight}
            if list(used.values()) == [1.0]:
                found[name] = next(iter(used))
            else:
                found[name] = " + ".join(f"{weight:.2f} {rival}" for rival, weight in used.items())
            found[name] = found[name] or MEAN
        return found


def two_ways(targets: Any) -> tuple[Any, Any]:
    """The rivals of one part, ``[n, 9]`` each: as they are, and with texture through log-ratios."""
    lowest, highest = (
        torch.from_numpy(to_model_scale(np.array([limit]))[0] + beyond).to(targets.dtype)
        for limit, beyond in ((LOWEST, -_BEYOND), (HIGHEST, _BEYOND))
    )
    plain, ratios = as_they_are(targets), through_ratios(targets)
    return (
        torch.minimum(torch.maximum(plain, lowest), highest),
        torch.minimum(torch.maximum(ratios, lowest), highest),
    )


def rival_names(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Of each part two, in the order of the rows of ``weights``."""
    return tuple(name + ending for name in parts for ending in ("", RATIOS))


def rivals_of(name: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    """The rivals that differ in the property ``name``."""
    return rival_names(parts) if name in TEXTURE else parts


def assembled(
    parts: Mapping[str, Part],
    weights: Mapping[str, Mapping[str, float]],
    centre: NDArray[np.float64],
) -> AssembledHeads:
    """Those of ``parts`` that have any of the ``weights``, which are by property and rival.

    Weights are about ``centre`` ``[9]`` on model scale, where they are not one rival's alone.
    """
    used = {
        name: part
        for name, part in parts.items()
        if any(own.get(name) or own.get(name + RATIOS) for own in weights.values())
    }
    heads = AssembledHeads(used)
    rivals = rival_names(tuple(used))
    for i, name in enumerate(NAMES):
        own = torch.tensor([weights[name].get(rival, 0.0) for rival in rivals])
        heads.weights[:, i] = own
        heads.intercepts[i] = float(centre[i]) * (1.0 - float(own.sum()))
    for row, head in enumerate(heads.heads):
        if isinstance(head, KernelHead):
            asked = _targets_asked(heads.weights[2 * row], heads.weights[2 * row + 1])
            # A twin: the head by itself is still judged on all that it says.
            heads.heads[row] = head.keeping(asked)
    return heads


def _targets_asked(plain: Any, through: Any) -> list[int]:
    asked = {i for i in range(len(NAMES)) if plain[i]}
    for i, name in enumerate(NAMES):
        if through[i]:
            asked |= set(range(len(NAMES), len(TARGETS))) if name in TEXTURE else {i}
    return sorted(asked)
