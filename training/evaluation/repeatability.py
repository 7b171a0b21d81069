"""How far readings of one soil lie apart: from scan to scan, and from scanner to scanner.

The terms and the analysis of variance are those of ISO 5725-2: a scanner is a laboratory, a soil a
level. Repeatability is the standard deviation between scans of one soil by one scanner;
reproducibility that between single scans of one soil by different scanners, and holds both
variances. Soils are pooled, and scans of a soil may be many or few.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.readings import Floats
from training.libraries.library import Text

NO_SCANNERS = "the library does not say which scanner took which scan"
NO_REPLICATES = "no soil was scanned twice by one scanner"
ONE_SCANNER = "no soil was scanned by two scanners"


@dataclass(frozen=True)
class Repeatability:
    """Standard deviations ``[9]`` in reporting units, or why there are none.

    ``replicated_soils`` were scanned twice by a scanner, ``shared_soils`` by two scanners.
    """

    repeatability: Floats | None
    no_repeatability: str | None
    replicated_soils: int
    reproducibility: Floats | None
    no_reproducibility: str | None
    shared_soils: int


def repeatability(predicted: Floats, soil: NDArray[np.int64], scanner: Text) -> Repeatability:
    """Of predictions ``[m, 9]`` of scans of ``soil`` ``[m]`` by ``scanner`` ``[m]`` (empty: not known)."""
    named = scanner != ""
    if not named.any():
        return Repeatability(None, NO_SCANNERS, 0, None, NO_SCANNERS, 0)
    predicted, soil = predicted[named], soil[named]
    _, device = np.unique(scanner[named], return_inverse=True)
    pair, cell = np.unique(np.stack([soil, device]), axis=1, return_inverse=True)
    _, soil_of_cell = np.unique(pair[0], return_inverse=True)
    n_cell, cell_mean = _means(predicted, cell)
    within = float(np.sum(n_cell - 1))
    repeat = None
    if within:
        repeat = np.sum((predicted - cell_mean[cell]) ** 2, axis=0) / within

    _, rows = np.unique(soil, return_inverse=True)
    n_soil, soil_mean = _means(predicted, rows)
    scanners = np.bincount(soil_of_cell)
    between = float(np.sum(scanners - 1))
    reproduce = None
    if between:
        apart = n_cell[:, None] * (cell_mean - soil_mean[soil_of_cell]) ** 2
        mean_square = apart.sum(axis=0) / between
        # What stands for the number of replicates where the cells are not of one size.
        held = np.bincount(soil_of_cell, n_cell**2) / n_soil
        size = float(np.sum(n_soil - held)) / between
        inner = repeat if repeat is not None else np.zeros_like(mean_square)
        # Without replicates every cell is one scan, and its mean square holds both variances.
        reproduce = np.maximum(mean_square - inner, 0.0) / size + inner
    return Repeatability(
        None if repeat is None else np.sqrt(repeat),
        NO_REPLICATES if repeat is None else None,
        len(np.unique(soil_of_cell[n_cell > 1])),
        None if reproduce is None else np.sqrt(reproduce),
        ONE_SCANNER if reproduce is None else None,
        int(np.sum(scanners > 1)),
    )


def _means(values: Floats, group: NDArray[np.intp]) -> tuple[NDArray[np.int64], Floats]:
    """Sizes ``[g]`` and means ``[g, 9]`` of groups."""
    size = np.bincount(group)
    total = np.zeros((len(size), values.shape[1]))
    np.add.at(total, group, values)
    return size, total / size[:, None]
