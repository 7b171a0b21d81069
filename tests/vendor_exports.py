"""Exports as a NeoSpectra's app writes them, after the columns and grids of the vendor's files."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import openpyxl
from numpy.typing import NDArray

from firmware_bridge.files.spectra_layouts import NEOSPECTRA_FIRST_CM1, NEOSPECTRA_STEPS_CM1

COLUMNS = ("Sample_Name", "Device Id", "Created At", "Created By")
E_MAIL = "someone@example.org"
GRIDS_CM1 = [NEOSPECTRA_FIRST_CM1 + step * np.arange(257) for step in NEOSPECTRA_STEPS_CM1]


def percent(rows: int, seed: int = 2) -> NDArray[np.float64]:
    """Reflectance in per cent, of nothing in particular."""
    return np.random.default_rng(seed).uniform(20, 70, size=(rows, 257)).round(4)


def export(
    path: Path,
    values: NDArray[np.float64],
    labels: Sequence[str] | None = None,
    headers: Sequence[float] = tuple(GRIDS_CM1[0].round(3)),
    created: str = "2026-05-04T09:12:31Z",
) -> Path:
    """Write ``values`` to ``path``, as its suffix says."""
    labels = labels or [f"soil-{i}" for i in range(len(values))]
    rows: list[list[object]] = [[*COLUMNS, *map(float, headers)]]
    rows += [
        [label, "21020058", created, E_MAIL, *map(float, row)]
        for label, row in zip(labels, values, strict=True)
    ]
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        book.save(path)
    else:
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(rows)
    return path
