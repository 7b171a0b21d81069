"""The sets of one training run: each is used for one thing and nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from training.soil_spectra import SoilSpectra


@dataclass(frozen=True)
class TrainingSets:
    """No two share a soil, but that those of ``pairs`` may be in ``mir`` too.

    ``mir`` is for stage 1, ``pairs`` for 2 and 3; ``domain`` and ``intervals`` calibrate what they
    are called after, ``test`` has NIR and MIR. ``wet`` are field-moist soils that the model must not
    take for dry ones, None where there are none.
    """

    mir: SoilSpectra
    pairs: SoilSpectra
    domain: SoilSpectra
    intervals: SoilSpectra
    test: SoilSpectra
    wet: SoilSpectra | None = None


def digest(sets: TrainingSets) -> str:
    """SHA-256 of every spectrum, property and site: what tells one run's soils from another's."""
    found = hashlib.sha256()
    for soils in vars(sets).values():
        for array in vars(soils).values() if soils is not None else ():
            found.update(repr((array.dtype.str, array.shape)).encode())
            found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()
