"""Accuracy on eleven targets of three real sets, beside standard methods on the same folds.

KSSL MIR (500 soils), Geeves and NIRsoil restricted to 1350-2500 nm: five outer folds by sample,
every choice, scale included, by five inner folds of the other four (`benchmarks.nested`). The
rivals' predictions were made on the same outer folds. `chosen` blends the best of PLSR, committee,
Gaussian process and ensemble on the spectrum. A seed of ours deals the inner folds and begins the
networks: figures are means over three, `lowest` and `highest` theirs. Figures of RMSE are ratios to
`mean_of_6`, the mean of the rivals, their geometric mean over the targets. A loss is a target on
which the best of all rivals, picked afterwards, errs significantly less (bootstrap over samples of
the difference in squared error, two-sided .05 after Holm); that seed counts which has the most of
them, and of a target that which has the least p.

Our kernels, treatments and the prior of the blend were settled while looking at these sets, so the
figures are somewhat flattered; by how much is not known.

Read in place, from the folders that LOAMSCAN_REAL_SPECTRA and LOAMSCAN_REAL_RIVALS name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from os import cpu_count
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.nested import CHOSEN, predicted
from benchmarks.real_targets import TARGETS, RealSet, present, real_set, rivals
from benchmarks.rows import Goal, Row
from soil.metrics import metrics
from training.evaluation.bootstrap import draws
from training.evaluation.comparison import holm, mean_difference

FOLDS: Final = 5
SEEDS: Final = (0, 1, 2)
PICKS: Final = ("auto_inner_pick", "mean_of_6")
"""What the inner folds of the rivals pick, and the mean of the rivals."""

RESAMPLES: Final = 4000
SIGNIFICANT: Final = 0.05
_LONGEST_NM: Final = 2495.0

Floats = NDArray[np.float64]
Said = dict[str, dict[str, Floats]]
"""By target and method, predictions ``[n]``."""


def measure(quick: bool, tell: Callable[[str], None]) -> list[Row]:
    """Rows for all targets, or none where the sets are not there."""
    sets = sets_present(quick, tell)
    if not sets:
        return []
    fold = {name: of.fold for name, of in sets.items()}
    seeds = SEEDS[:1] if quick else SEEDS
    return _rows(sets, [out_of_fold(sets, fold, {}, seed, tell) for seed in seeds])


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
    seed: int,
    tell: Callable[[str], None],
) -> dict[str, Said]:
    """By set, what each method says of soils that it has not learnt from.

    ``fold`` are the outer folds; ``seed`` deals the inner ones and begins the networks.
    """
    tasks = [
        (name, np.flatnonzero(fold[name] != k), np.flatnonzero(fold[name] == k))
        for name in sets
        for k in range(FOLDS)
    ]
    found: dict[str, Said] = {name: {} for name in sets}
    with ProcessPoolExecutor(cpu_count(), get_context("spawn")) as pool:
        runs = [
            pool.submit(predicted, sets[name], (learn, judged), latents.get(name), seed)
            for name, learn, judged in tasks
        ]
        for number, ((name, _, judged), run) in enumerate(zip(tasks, runs, strict=True), 1):
            for target, methods in run.result().items():
                for method, said in methods.items():
                    whole = found[name].setdefault(target, {})
                    whole.setdefault(method, np.full(len(sets[name].fold), np.nan))[judged] = said
            tell(f"seed {seed}: {number} of {len(tasks)} folds")
    return found


class Judged(NamedTuple):
    """Of one target and seed: figures by method, rivals too, and whether the best rival is better.

    ``rmse`` are ratios to `mean_of_6`; ``p`` is that of the difference, before Holm.
    """

    ccc: dict[str, float]
    rmse: dict[str, float]
    best: str
    p: float
    behind: bool


def _judged(
    values: Floats,
    group: NDArray[np.int64],
    ours: Mapping[str, Floats],
    theirs: Mapping[str, Floats],
) -> Judged:
    known = np.isfinite(values)
    figures = {
        method: metrics(values[known], said[known]) for method, said in {**ours, **theirs}.items()
    }
    best = min(theirs, key=lambda method: figures[method].rmse)
    groups, sample = np.unique(group[known], return_inverse=True)
    off = [(said[known] - values[known]) ** 2 for said in (ours[CHOSEN], theirs[best])]
    difference = mean_difference(off[0] - off[1], sample, draws(len(groups), RESAMPLES, 0))
    return Judged(
        {method: figure.ccc for method, figure in figures.items()},
        {method: figure.rmse / figures["mean_of_6"].rmse for method, figure in figures.items()},
        best,
        difference.p,
        (difference.squared_error.value or 0.0) > 0,
    )


def _rows(sets: Mapping[str, RealSet], seeds: Sequence[Mapping[str, Said]]) -> list[Row]:
    """Means over ``seeds``, each what `out_of_fold` gave."""
    judged: dict[str, list[Judged]] = {}
    for name, spectra in sets.items():
        for target, values in spectra.values.items():
            theirs = rivals(name, target, len(values))
            judged[f"{name.split('_')[0]} {target}"] = [
                _judged(values, spectra.group, found[name][target], theirs) for found in seeds
            ]
    # By seed, then target: Holm is over the targets of one.
    adjusted = np.array([holm([of[i].p for of in judged.values()]) for i in range(len(seeds))])
    behind = np.array([[each.behind for each in of] for of in judged.values()]).T
    lost = ((adjusted <= SIGNIFICANT) & behind).sum(axis=1)
    ours = list(next(iter(seeds[0][next(iter(sets))].values())))
    rows = [_mean_ccc(judged, method) for method in ours]
    rows += [_ratio(judged, method) for method in ours]
    losses = Row("losses, chosen", float(lost.max()), "targets", goal=Goal("<=", 0.0, "value"))
    per_target = [
        _of_target(name, of, ours, float(least))
        for (name, of), least in zip(judged.items(), adjusted.min(axis=0), strict=True)
    ]
    return [*sorted(rows, key=lambda row: row.name), losses, *per_target]


def _mean_ccc(judged: Mapping[str, list[Judged]], method: str) -> Row:
    of_seed = _over_targets(judged, method)
    peers = {"lowest": float(of_seed.min()), "highest": float(of_seed.max())}
    row = Row(f"mean CCC, {method}", float(of_seed.mean()), "CCC", peers=peers)
    if method != CHOSEN:
        return row
    theirs = {name: float(_over_targets(judged, name)[0]) for name in PICKS}
    return replace(row, peers={**peers, **theirs}, goal=Goal(">=", 0.89, "value"))


def _over_targets(judged: Mapping[str, list[Judged]], method: str) -> Floats:
    """Mean CCC of ``method`` on each seed."""
    found: Floats = np.mean([[each.ccc[method] for each in of] for of in judged.values()], axis=0)
    return found


def _ratio(judged: Mapping[str, list[Judged]], method: str) -> Row:
    every = [[each.rmse[method] for each in of] for of in judged.values()]
    goal = Goal("<=", 1.0, "value") if method == CHOSEN else None
    ratio = float(np.exp(np.mean(np.log(every))))
    return Row(f"RMSE, {method}", ratio, "of mean_of_6", goal=goal)


def _of_target(name: str, of: Sequence[Judged], ours: Sequence[str], p: float) -> Row:
    def mean(method: str) -> float:
        return float(np.mean([each.ccc[method] for each in of]))

    others = (PICKS[0], of[0].best, *(method for method in ours if method != CHOSEN))
    peers = {**{method: mean(method) for method in others}, "p of a difference to the best": p}
    return Row(name, mean(CHOSEN), "CCC", peers=peers)
