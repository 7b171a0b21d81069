"""Mean CCC over the nine properties of every strategy of the article, and of ours, on SYNTHETIC soils.

Each seed draws libraries of its own: a MIR library of 6,000 soils, pairs of NIR and MIR, and 4,000
test soils of sites and devices that no other set has. `article` is the mean CCC that
arXiv:2511.15965 gives for real soils: what stands beside it here is of another world, and can only
show whether the order is the same. `lowest` and `highest` are of the seeds. `ILR` is the mean over
clay, silt and sand alone, read through log-ratios, `without` the same as they are. The MIR rows
learn from the MIR library, whatever the number of pairs. `chosen` is what a bundle would ship,
weighed by cross-validation on the pairs; its floor is the better of NIR-PLSR and NIR-ridge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from benchmarks.rows import Goal, Row
from training.evaluation.card_figures import Table, mean_of, property_table, strategy_tables
from training.fitting import reproducible
from training.heads.assembled import RATIOS
from training.method import mir_side, nir_side
from training.settings import Settings
from training.strategies import MIR_STRATEGIES, STRATEGIES
from training.synthetic.libraries import synthetic_libraries
from training.targets import TEXTURE

SEEDS: Final = 5
PAIRS: Final = (100, 500, 2106)
CHOSEN: Final = "chosen"
SIMPLE: Final = ("NIR-PLSR", "NIR-ridge")

Found = dict[str, list[Table]]


def measure(quick: bool, tell: Callable[[str], None]) -> list[Row]:
    """Rows of the MIR strategies, then rows for each number of pairs and each NIR strategy."""
    seeds, sizes = (1, (100,)) if quick else (SEEDS, PAIRS)
    of_mir: Found = {}
    of_nir: dict[int, Found] = {pairs: {} for pairs in sizes}
    for seed in range(seeds):
        with reproducible(seed):
            settings = Settings(seed=seed)
            settings = settings.quick() if quick else settings
            mir = None
            for pairs in sizes:
                tell(f"seed {seed}, {pairs} pairs")
                ours = replace(settings, pairs=pairs)
                libraries = synthetic_libraries(ours)
                # Stage 1 sees the MIR library alone, which is the same however many pairs there are.
                mir = mir or mir_side(ours, libraries.mir, tell, MIR_STRATEGIES)
                trained = nir_side(ours, mir, libraries.mir, libraries.pairs, tell)
                tables = strategy_tables(trained, libraries.test)
                raw = trained.model.outputs(libraries.test.nir[:, 0])["properties"]
                tables[CHOSEN] = property_table(libraries.test.properties, raw)
                for name, table in tables.items():
                    found = of_mir if name.startswith("MIR") else of_nir[pairs]
                    if pairs == sizes[0] or found is not of_mir:
                        found.setdefault(name, []).append(table)
    rows = _rows(of_mir, "")
    for pairs, found in of_nir.items():
        rows += _rows(found, f", {pairs} pairs")
    return rows


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
    return rows


def _texture(tables: list[Table]) -> float:
    return float(np.mean([table[name]["ccc"] for table in tables for name in TEXTURE]))
