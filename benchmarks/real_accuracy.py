"""Accuracy on eleven targets of three real sets, beside standard methods on the same folds.

KSSL MIR (500 soils), Geeves and NIRsoil restricted to 1350-2500 nm: five outer folds by sample,
every choice, scale included, by five inner folds of the other four (`benchmarks.nested`). The
rivals' predictions were made on the same outer folds. `chosen` blends the best PLSR, Gaussian
process and ensemble on the spectrum. Figures of RMSE are ratios to `mean_of_6`, the mean of the
rivals, their geometric mean over the targets. A loss is a target on which the best of all rivals,
picked afterwards, errs significantly less (bootstrap over samples of the difference in squared
error, two-sided .05 after Holm).

Our kernels, treatments and the prior of the blend were settled while looking at these sets, so the
figures are somewhat flattered; by how much is not known.

Read in place, from the folders that LOAMSCAN_REAL_SPECTRA and LOAMSCAN_REAL_RIVALS name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from os import cpu_count
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.nested import CHOSEN, predicted
from benchmarks.real_targets import TARGETS, RealSet, present, real_set, rivals
from benchmarks.rows import Goal, Row
from soil.metrics import metrics
from training.evaluation.bootstrap import draws
from training.evaluation.comparison import holm, mean_difference

FOLDS: Final = 5
RESAMPLES: Final = 4000
SIGNIFICANT: Final = 0.05
_LONGEST_NM: Final = 2495.0

Floats = NDArray[np.float64]
Said = dict[str, dict[str, Floats]]
"""By target and method, predictions ``[n]``."""


def measure(quick: bool, tell: Callable[[str], None]) -> list[Row]:
    """Rows for all targets, or none where the sets are not there."""
    sets = sets_present(quick, tell)
    return _rows(sets, out_of_fold(sets, {n: s.fold for n, s in sets.items()}, {}, tell))


def sets_present(quick: bool, tell: Callable[[str], None]) -> dict[str, RealSet]:
    """The sets by name, a quick run's one alone; none, and a word, where they are not there."""
    if not present():
        tell("the real sets are not there: name their folders in LOAMSCAN_REAL_SPECTRA and _RIVALS")
        return {}
    return {name: real_set(name) for name in (["geeves_visnir_391"] if quick else TARGETS)}


def out_of_fold(
    sets: Mapping[str, RealSet],
    fold: Mapping[str, NDArray[np.int64]],
    latents: Mapping[str, NDArray[np.float32]],
    tell: Callable[[str], None],
) -> dict[str, Said]:
    """By set, what each method says of soils that it has not learnt from."""
    tasks = [
        (name, np.flatnonzero(fold[name] != k), np.flatnonzero(fold[name] == k))
        for name in sets
        for k in range(FOLDS)
    ]
    found: dict[str, Said] = {name: {} for name in sets}
    with ProcessPoolExecutor(cpu_count(), get_context("spawn")) as pool:
        runs = [
            pool.submit(predicted, sets[name], (learn, judged), latents.get(name), 0)
            for name, learn, judged in tasks
        ]
        for number, ((name, _, judged), run) in enumerate(zip(tasks, runs, strict=True), 1):
            for target, methods in run.result().items():
                for method, said in methods.items():
                    whole = found[name].setdefault(target, {})
                    whole.setdefault(method, np.full(len(sets[name].fold), np.nan))[judged] = said
            tell(f"{number} of {len(tasks)} folds")
    return found


def _rows(sets: Mapping[str, RealSet], found: Mapping[str, Said]) -> list[Row]:
    if not found:
        return []
    per_target: list[Row] = []
    ccc: dict[str, list[float]] = {}
    rmse: dict[str, list[float]] = {}
    p, behind = [], []
    for name, said in found.items():
        for target, ours in said.items():
            values = sets[name].values[target]
            known = np.isfinite(values)
            theirs = rivals(name, target, len(values))
            figures = {
                method: metrics(values[known], said[known])
                for method, said in {**ours, **theirs}.items()
            }
            for method, figure in figures.items():
                ccc.setdefault(method, []).append(figure.ccc)
                rmse.setdefault(method, []).append(figure.rmse / figures["mean_of_6"].rmse)
            best = min(theirs, key=lambda method: figures[method].rmse)
            groups, sample = np.unique(sets[name].group[known], return_inverse=True)
            off = [(said[known] - values[known]) ** 2 for said in (ours[CHOSEN], theirs[best])]
            counts = draws(len(groups), RESAMPLES, 0)
            difference = mean_difference(off[0] - off[1], sample, counts)
            p.append(difference.p)
            behind.append((difference.squared_error.value or 0.0) > 0)
            peers = {method: figures[method].ccc for method in ("auto_inner_pick", best)}
            peers |= {method: figures[method].ccc for method in ours if method != CHOSEN}
            row = Row(f"{name.split('_')[0]} {target}", figures[CHOSEN].ccc, "CCC", peers=peers)
            per_target.append(row)
    lost = [after <= SIGNIFICANT and worse for after, worse in zip(holm(p), behind, strict=True)]
    for i, after in enumerate(holm(p)):
        verdict = {"p of a difference to the best": after}
        per_target[i] = replace(per_target[i], peers={**per_target[i].peers, **verdict})
    rivals_ccc = {
        method: float(np.mean(ccc[method])) for method in ("auto_inner_pick", "mean_of_6")
    }
    rows = []
    for method in [name for name in ccc if name in next(iter(next(iter(found.values())).values()))]:
        row = Row(f"mean CCC, {method}", float(np.mean(ccc[method])), "CCC")
        if method == CHOSEN:
            row = replace(row, peers=rivals_ccc, goal=Goal(">=", 0.89, "value"))
        ratio = float(np.exp(np.mean(np.log(rmse[method]))))
        goal = Goal("<=", 1.0, "value") if method == CHOSEN else None
        rows += [row, Row(f"RMSE, {method}", ratio, "of mean_of_6", goal=goal)]
    losses = Row("losses, chosen", float(sum(lost)), "targets", goal=Goal("<=", 0.0, "value"))
    return [*sorted(rows, key=lambda row: row.name), losses, *per_target]
