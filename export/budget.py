"""As many parts of a model in fewer bits as a budget allows: all, or those that cost least together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from export.losses import Loss

BUDGET: Final = 0.005
"""Of the CCC of each property. Ours: half of the .01 or so by which mean CCC on the sets of the benchmark
``real_accuracy`` differs from run to run."""


@dataclass(frozen=True)
class Narrowed:
    """The ``parts`` that are in fewer bits and their common ``loss``; what each costs ``alone``."""

    parts: tuple[str, ...]
    loss: Loss | None
    alone: dict[str, Loss]


def within(
    parts: Sequence[str], loss_of: Callable[[Sequence[str]], Loss], budget: float
) -> Narrowed:
    """Which of ``parts`` stay within ``budget`` together, by ``loss_of`` those in fewer bits.

    Parts are added one by one, the one that costs least by itself first; one that exceeds the budget,
    by itself or beside those before it, is left in float32. What is taken comes in the order of ``parts``:
    the order of costs that are nearly the same is another processor's rounding.
    """
    alone = {part: loss_of((part,)) for part in parts}
    fit = [part for part in parts if alone[part].beyond(budget) is None]
    fit.sort(key=lambda part: _cost(alone[part]))
    taken: tuple[str, ...] = ()
    loss = None
    for part in fit:
        together = alone[part] if not taken else loss_of((*taken, part))
        if together.beyond(budget) is None:
            taken, loss = (*taken, part), together
    return Narrowed(tuple(part for part in parts if part in taken), loss, alone)


def _cost(loss: Loss) -> tuple[float, float]:
    return max(loss.ccc.values()), max(loss.change.values())
