"""The eleven real targets again, in blocked folds beside the random ones.

Five stretches of each file, in its order: neighbours there are neighbours in the field, or horizons
of one profile. The rest is as in `real_accuracy`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.nested import CHOSEN
from benchmarks.real_accuracy import FOLDS, out_of_fold, sets_present
from benchmarks.rows import Row
from soil.metrics import metrics


def measure(quick: bool, tell: Callable[[str], None]) -> list[Row]:
    """CCC of what is chosen, the mean and each target, beside the same in random folds."""
    sets = sets_present(quick, tell)
    blocked, random = (
        out_of_fold(sets, fold, {}, tell)
        for fold in (
            {name: stretches(of.group) for name, of in sets.items()},
            {name: of.fold for name, of in sets.items()},
        )
    )
    rows, totals = [], []
    for name, said in blocked.items():
        for target, methods in said.items():
            values = sets[name].values[target]
            known = np.isfinite(values)
            ccc = [
                metrics(values[known], of[CHOSEN][known]).ccc
                for of in (methods, random[name][target])
            ]
            totals.append(ccc)
            peers = {"random folds": ccc[1]}
            rows.append(Row(f"{name.split('_')[0]} {target}", ccc[0], "CCC", peers=peers))
    if not rows:
        return []
    mean = np.mean(totals, axis=0)
    peers = {"random folds": float(mean[1])}
    return [Row("mean CCC, chosen", float(mean[0]), "CCC", peers=peers), *rows]


def stretches(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """The fold of each row: stretches of the file, a group going where its first row lies."""
    _, first, own = np.unique(group, return_index=True, return_inverse=True)
    stretch: NDArray[np.int64] = (first * FOLDS // len(group))[own]
    return stretch
