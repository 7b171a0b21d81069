"""Eleven targets of real soils, the folds they are judged in, and what standard methods reached.

Read in place from the folders that LOAMSCAN_REAL_SPECTRA and LOAMSCAN_REAL_RIVALS name
(``../shared/data`` and ``../shared/baselines`` if they do not).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.csv
from numpy.typing import NDArray

from benchmarks.real_spectra import folder
from training.libraries.tables import position, read_table

RIVALS: Final = "LOAMSCAN_REAL_RIVALS"
LOG_SCALE: Final = "_log1p"
_NIR_NM: Final = (1350.0, 2498.0)
_STEP_NM: Final = 2.0

Floats = NDArray[np.float64]

TARGETS: Final = {
    "kssl_mir_500": (
        "cec_usda.a723_cmolc.kg",
        "clay.tot_usda.a334_w.pct",
        "oc_usda.c729_w.pct",
        "oc_usda.c729_w.pct_log1p",
    ),
    "geeves_visnir_391": ("TotalCarbon", "clay", "sand", "silt"),
    "nirsoil_825": ("CEC", "Ciso", "Nt"),
}
"""By file; `LOG_SCALE` marks a target that is predicted and judged as log1p."""


@dataclass(frozen=True, eq=False)
class RealSet:
    """``absorbance`` ``[n, bands]`` at ``positions``, ``group`` and ``fold`` ``[n]``, values by target."""

    name: str
    positions: Floats
    absorbance: NDArray[np.float32]
    group: NDArray[np.int64]
    fold: NDArray[np.int64]
    values: dict[str, Floats]

    @property
    def infrared(self) -> str:
        """``MIR`` or ``NIR``."""
        return "MIR" if self.name.startswith("kssl") else "NIR"


def rivals_folder() -> Path:
    """Where the folds and the rivals' predictions lie."""
    return Path(os.environ.get(RIVALS, "../shared/baselines"))


def present() -> bool:
    """Whether both folders are there."""
    files = [folder() / f"{name}.csv.gz" for name in TARGETS]
    return all(file.exists() for file in [*files, rivals_folder() / "folds.csv.gz"])


def real_set(name: str) -> RealSet:
    """One of the files of `TARGETS`, NIR from 1,350 to 2,498 nm in steps of 2 nm."""
    plain = {target.removesuffix(LOG_SCALE) for target in TARGETS[name]}
    table = read_table(folder() / f"{name}.csv.gz", (), plain, position)
    at, bands = table.positions, table.bands
    if name == "geeves_visnir_391":
        bands = -np.log10(bands)
    if not name.startswith("kssl"):
        within = (at >= _NIR_NM[0]) & (at <= _NIR_NM[1]) & (at % _STEP_NM == 0)
        at, bands = at[within], bands[:, within]
    dealt = pyarrow.csv.read_csv(rivals_folder() / "folds.csv.gz").to_pydict()
    own = [i for i, dataset in enumerate(dealt["dataset"]) if dataset == name]
    own.sort(key=lambda i: dealt["row"][i])
    values = {
        target: np.log1p(table.number[target.removesuffix(LOG_SCALE)])
        if target.endswith(LOG_SCALE)
        else table.number[target]
        for target in TARGETS[name]
    }
    group, fold = (np.array([dealt[what][i] for i in own]) for what in ("group", "fold"))
    return RealSet(name, at, bands.astype(np.float32), group, fold, values)


def rivals(dataset: str, target: str, rows: int) -> dict[str, Floats]:
    """What each standard method said ``[rows]`` of the samples it had not learnt from."""
    table = pyarrow.csv.read_csv(rivals_folder() / "predictions.csv.gz").to_pydict()
    found: dict[str, Floats] = {}
    for name, about, method, row, predicted in zip(
        *(table[column] for column in ("dataset", "target", "method", "row", "predicted")),
        strict=True,
    ):
        if (name, about) == (dataset, target):
            found.setdefault(method, np.full(rows, np.nan))[row] = predicted
    return found
