"""Mean CCC over the nine properties of every strategy of the article, on SYNTHETIC soils.

Each seed draws libraries of its own: a MIR library of 6,000 soils, pairs of NIR and MIR, and 4,000
test soils of sites and devices that no other set has. `article` is the mean CCC that
arXiv:2511.15965 gives for real soils: what stands beside it here is of another world, and can only
show whether the order is the same. `lowest` and `highest` are of the seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from benchmarks.rows import Row
from training.evaluation.card_figures import mean_of
from training.fitting import reproducible
from training.settings import Settings
from training.stages import later_stages, mir_stage
from training.strategies import STRATEGIES, compare
from training.synthetic.libraries import synthetic_libraries

SEEDS: Final = 5
PAIRS: Final = (100, 500, 2106)


def measure(quick: bool, tell: Callable[[str], None]) -> list[Row]:
    """A row for each number of pairs and each strategy."""
    seeds, sizes = (1, (100,)) if quick else (SEEDS, PAIRS)
    found: dict[tuple[int, str], list[float]] = {}
    for seed in range(seeds):
        with reproducible(seed):
            settings = Settings(seed=seed)
            settings = settings.quick() if quick else settings
            autoencoder = None
            for pairs in sizes:
                tell(f"seed {seed}, {pairs} pairs")
                ours = replace(settings, pairs=pairs)
                libraries = synthetic_libraries(ours)
                # Stage 1 sees the MIR library alone, which is the same however many pairs there are.
                autoencoder = autoencoder or mir_stage(ours, libraries.mir, tell)
                trained = later_stages(ours, libraries, autoencoder, tell)
                for name, table in compare(ours, libraries, trained, tell).items():
                    found.setdefault((pairs, name), []).append(mean_of(table, "ccc"))
    rows = []
    for (pairs, name), ccc in found.items():
        article = STRATEGIES[name].article
        peers = {"lowest": min(ccc), "highest": max(ccc)}
        peers |= {} if article is None else {"article": article}
        rows.append(Row(f"{name}, {pairs} pairs", float(np.mean(ccc)), "CCC", peers=peers))
    return rows
