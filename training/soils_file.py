"""Synthetic soils as a CSV of reflectance, for demonstrations and for the virtual scanner."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from contract.whole_file import write_whole
from training.axes import NIR_AXES, ScannerName
from training.errors import SettingsError
from training.synthetic.soils import Scans, SoilSet, draw_soils


def soils_csv(n: int, seed: int, scanner: ScannerName = "neospectra") -> str:
    """``n`` soils scanned by one simulated ``scanner``: sample_id and reflectance fraction per band in nm.

    They share no site, soil or device with any set of a training run.
    """
    if n < 1 or seed < 0:
        raise SettingsError(
            f"{n} soils from seed {seed} can't be drawn", "use -n 1 and --seed 0 or more"
        )
    axis = NIR_AXES[scanner].delivered
    soils = draw_soils(
        seed, SoilSet.DEMONSTRATION, n, nir=Scans(1, 1), scanner=scanner, nir_axis=axis
    )
    lines = [",".join(["sample_id", *(repr(nm) for nm in axis.values.tolist())])]
    for i, spectrum in enumerate(soils.nir[:, 0].astype(np.float64), 1):
        lines.append(",".join([f"synthetic-{i:02d}", *(f"{value:.6g}" for value in spectrum)]))
    return "\n".join(lines) + "\n"


def write_soils(path: Path, n: int, seed: int, scanner: ScannerName = "neospectra") -> None:
    """Write `soils_csv` to ``path``, whole or not at all; raises `SettingsError` if it can't be."""
    text = soils_csv(n, seed, scanner)
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise SettingsError(
            f"{path} can't be written: {error.strerror}", "name another file"
        ) from error
