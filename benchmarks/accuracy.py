"""Mean CCC over the nine properties of every strategy of the article, and of ours, on SYNTHETIC soils.

Each seed draws libraries of its own: a MIR library of 6,000 soils, pairs of NIR and MIR, and 4,000
test soils of sites and devices that no other set has. `article` is the mean CCC that
arXiv:2511.15965 gives for real soils: what stands beside it here is of another world, and can only
show whether the order is the same. `lowest` and `highest` are of the seeds. `ILR` is the mean over
clay, silt and sand alone, read through log-ratios, `without` the same as they are. The MIR rows
learn from the MIR library, whatever the number of pairs. `chosen` is what a bundle would ship,
weighed by cross-validation on the pairs; its floor is the better of NIR-PLSR and NIR-ridge. `behind`
counts the seeds on which the better of the two on that very seed, picked afterwards, has the higher
mean CCC, and beside it the properties of all seeds on which it has the higher CCC.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context
from os import cpu_count
from typing import Final

import numpy as np
import torch

from benchmarks.rows import Goal, Row
from training.evaluation.card_figures import Table, mean_of, property_table, strategy_tables
from training.fitting import reproducible
from training.heads.assembled import RATIOS
from training.method import mir_side, nir_side
from training.settings import Settings
from training.strategies import STRATEGIES
from training.synthetic.libraries import synthetic_libraries
from training.targets import TEXTURE

SEEDS: Final = 5
PAIRS: Final = (100, 500, 2106)
CHOSEN: Final = "chosen"
SIMPLE: Final = ("NIR-PLSR", "NIR-ridge")

Found = dict[str, list[Table]]
"""Tables of each seed, by strategy."""


def measure(quick: bool, tell: Callable[[str], None]) -> list[Row]:
    """Rows of the MIR strategies, then rows for each number of pairs and each NIR strategy."""
    if quick:
        seeds = [_of_seed(0, (100,), True)]
    else:
        seeds = []
        with ProcessPoolExecutor(cpu_count(), get_context("spawn")) as pool:
            runs = [pool.submit(_of_seed, seed, PAIRS, False) for seed in range(SEEDS)]
            for number, run in enumerate(as_completed(runs), 1):
                run.result()
                tell(f"{number} of {SEEDS} seeds")
            seeds = [run.result() for run in runs]
    rows = []
    for after in seeds[0]:
        names = seeds[0][after]
        rows += _rows({name: [found[after][name] for found in seeds] for name in names}, after)
    return rows


def _of_seed(seed: int, sizes: tuple[int, ...], quick: bool) -> dict[str, dict[str, Table]]:
    """Tables by what follows a row's name, nothing for MIR and the number of pairs for NIR."""
    found: dict[str, dict[str, Table]] = {"": {}}
    with reproducible(seed):
        torch.set_num_threads(1)
        settings = Settings(seed=seed)
        settings = settings.quick() if quick else settings
        mir = None
        for pairs in sizes:
            ours = replace(settings, pairs=pairs)
            sets = synthetic_libraries(ours)
            # Stage 1 sees the MIR library alone, which is the same however many pairs there are.
            mir = mir or mir_side(ours, sets.mir, _silent)
            trained = nir_side(ours, mir, sets.mir, sets.pairs, _silent)
            tables = strategy_tables(trained, sets.test)
            raw = trained.model.outputs(sets.test.nir[:, 0])["properties"]
            tables[CHOSEN] = property_table(sets.test.properties, raw)
            of_nir = found.setdefault(f", {pairs} pairs", {})
            for name, table in tables.items():
                (found[""] if name.startswith("MIR") else of_nir)[name] = table
    return found


def _silent(line: str) -> None:
    """Lines of several seeds at once would tell nobody anything."""


def _rows(found: Found, after: str) -> list[Row]:
    rows = []
    for name, tables in found.items():
        if name.endswith(RATIOS):
            ratios, plain = (_texture(of) for of in (tables, found[name.removesuffix(RATIOS)]))
            peers = {"without": plain}
            rows.append(Row(f"{name}, texture alone{after}", ratios, "CCC", peers=peers))
            continue
        ccc = [mean_of(table, "ccc") for table in tables]
        article = STRATEGIES[name].article if name in STRATEGIES else None
        peers = {"lowest": min(ccc), "highest": max(ccc)}
        peers |= {} if article is None else {"article": article}
        row = Row(f"{name}{after}", float(np.mean(ccc)), "CCC", peers=peers)
        if name == CHOSEN:
            simple = [np.mean([mean_of(t, "ccc") for t in found[rival]]) for rival in SIMPLE]
            row = replace(row, floor=float(max(simple)), goal=Goal(">=", 1.0))
        rows.append(row)
        if name == CHOSEN:
            rows.append(_behind(tables, [found[rival] for rival in SIMPLE], after))
    return rows


def _behind(chosen: list[Table], simple: list[list[Table]], after: str) -> Row:
    """On how many seeds, and properties of seeds, the best of ``simple`` there is better."""
    ours = np.array([_ccc(table) for table in chosen])
    theirs = np.array([[_ccc(table) for table in tables] for tables in simple])
    seeds = ours.mean(axis=1) < theirs.mean(axis=2).max(axis=0)
    properties = ours < theirs.max(axis=0)
    peers = {"of seeds": len(seeds), "properties": properties.sum(), "of": properties.size}
    return Row(
        f"chosen behind the best simple rival{after}", float(seeds.sum()), "seeds",
        peers={name: float(count) for name, count in peers.items()},
        goal=Goal("<=", 0.0, "value"),
    )  # fmt: skip


def _ccc(table: Table) -> list[float]:
    return [row["ccc"] for row in table.values()]


def _texture(tables: list[Table]) -> float:
    return float(np.mean([table[name]["ccc"] for table in tables for name in TEXTURE]))
