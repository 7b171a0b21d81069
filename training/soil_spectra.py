"""Soils with their laboratory values and their scans, as the stages learn from them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SoilSpectra:
    """A set of soils, each scanned as often as any other.

    A row is a soil in one preparation: one that was scanned air-dry and moist has two, of one number
    ``soil`` ``[n]``.
    ``properties`` ``[n, 9]`` in reporting units with NaN where not analysed; ``site`` ``[n]``;
    ``nir`` ``[n, scans, bands]`` reflectance fraction and ``mir`` ``[n, scans, 1701]`` absorbance,
    float32, each with no scan where the set was not measured so. ``nir_device`` ``[n, scans]``
    numbers the device of each NIR scan.
    """

    soil: NDArray[np.int64]
    properties: NDArray[np.float64]
    site: NDArray[np.int64]
    nir: NDArray[np.float32]
    nir_device: NDArray[np.int64]
    mir: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.site)

    @property
    def soils(self) -> int:
        """How many there are, whatever their preparations."""
        return len(np.unique(self.soil))

    def __getitem__(self, rows: NDArray[np.int64]) -> SoilSpectra:
        return SoilSpectra(*(getattr(self, field.name)[rows] for field in fields(self)))
