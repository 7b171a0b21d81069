"""The eleven real targets again, in blocked folds; the random ones are those of `real_accuracy`.

Five stretches of each file, in its order: neighbours there are neighbours in the field, or horizons
of one profile. The rest is as in `real_accuracy`, whose rows of the same names stand beside these.
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
    """CCC of what is chosen, mean and each target, beside that of each head alone."""
    sets = sets_present(quick, tell)
    if not sets:
        return []
    fold = {name: stretches(of.group) for name, of in sets.items()}
    rows, ccc = [], []
    for name, said in out_of_fold(sets, fold, {}, 0, tell).items():
        for target, methods in said.items():
            values = sets[name].values[target]
            known = np.isfinite(values)
            own = {method: metrics(values[known], of[known]).ccc for method, of in methods.items()}
            ccc.append(own)
            rows.append(_row(f"{name.split('_')[0]} {target}", own))
    mean = {method: float(np.mean([own[method] for own in ccc])) for method in ccc[0]}
    return [_row("mean CCC, chosen", mean), *rows]


def _row(name: str, ccc: dict[str, float]) -> Row:
    peers = {method: value for method, value in ccc.items() if method != CHOSEN}
    return Row(name, ccc[CHOSEN], "CCC", peers=peers)


def stretches(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """The fold of each row: stretches of the file, a group going where its first row lies."""
    _, first, own = np.unique(group, return_index=True, return_inverse=True)
    stretch: NDArray[np.int64] = (first * FOLDS // len(group))[own]
    return stretch
