"""The real spectra that synthetic ones are held against, read in place."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from soil.axis import Axis
from training.axes import MIR_AXIS, NIR_AXIS
from training.libraries.tables import position, read_table

FOLDER: Final = "LOAMSCAN_REAL_SPECTRA"
_LONGEST_NM: Final = 2495.0

Spectra = NDArray[np.float32]


class RealSet(NamedTuple):
    """A file of real spectra. ``convert`` makes what the model takes of its values.

    That is reflectance in ``nir`` and absorbance in ``mir``; ``axis`` is the model's, as far as the
    file has it.
    """

    name: str
    file: str
    kind: Literal["nir", "mir"]
    axis: Axis
    convert: Callable[[Spectra], Spectra]

    def read(self) -> Spectra:
        """Spectra ``[n, bands]`` on ``axis``."""
        table = read_table(folder() / self.file, (), (), position)
        order = np.argsort(table.positions)
        unit = self.axis.unit
        measured = Axis(unit, table.positions[order])
        on_axis = measured.resample(self.convert(table.bands[:, order]), self.axis)
        return on_axis.astype(np.float32)


def _to_2495(axis: Axis) -> Axis:
    return Axis("nm", axis.values[axis.values <= _LONGEST_NM])


def geeves(axis: Axis) -> RealSet:
    """Soils of Geeves (1994), whose spectra begin at 350 nm, on a model's NIR ``axis``."""
    return RealSet("Geeves", "geeves_visnir_391.csv.gz", "nir", _to_2495(axis), lambda v: v)


_SETS: Final = (
    RealSet("NeoSpectra", "neospectra_ossl_sample_10.csv", "nir", NIR_AXIS, lambda v: v / 100),
    geeves(NIR_AXIS),
    RealSet("Chimiometrie", "nirsoil_825.csv.gz", "nir", _to_2495(NIR_AXIS), lambda v: 10**-v),
    RealSet("KSSL", "kssl_mir_500.csv.gz", "mir", MIR_AXIS, lambda v: v),
)


def folder() -> Path:
    """Where the files lie."""
    return Path(os.environ.get(FOLDER, "../shared/data"))


def present() -> list[RealSet]:
    """The sets that are there."""
    return [found for found in _SETS if (folder() / found.file).exists()]
