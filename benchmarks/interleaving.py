"""Contestants take turns in blocks, so that what else the machine does falls on all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

Contestant = Callable[[], float]
"""Does its thing once; how long that took, in seconds."""


def interleave(
    contestants: Mapping[str, Contestant],
    blocks: int,
    size: int,
    pause_s: float = 0.0,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, list[float]]:
    """Seconds that each contestant took, ``blocks * size`` times, ``pause_s`` of rest before each.

    The order turns from block to block: nobody always follows the same neighbour.
    """
    names = list(contestants)
    took: dict[str, list[float]] = {name: [] for name in names}
    for block in range(blocks):
        tell(f"block {block + 1} of {blocks}")
        turn = block % len(names)
        for name in names[turn:] + names[:turn]:
            once = contestants[name]
            for _ in range(size):
                if pause_s:
                    time.sleep(pause_s)
                took[name].append(once())
    return took
