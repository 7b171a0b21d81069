"""Dealing what belongs together, a soil's scans or a site's soils, whole into parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def dealt(sizes: NDArray[np.int64], k: int, seed: int) -> NDArray[np.int64]:
    """The part, of ``k``, of each block of ``sizes`` ``[blocks]``.

    The largest blocks go first, each to the part that holds least. Which of equally large blocks
    goes where is drawn from ``seed``.
    """
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    part, filled = np.empty(len(sizes), dtype=np.int64), np.zeros(k, dtype=np.int64)
    for i in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        part[i] = int(np.argmin(filled))
        filled[part[i]] += sizes[i]
    return part
