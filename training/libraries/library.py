"""What a spectral library is here: samples with laboratory values, and scans that belong to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from soil.axis import Axis

Range = Literal["nir", "mir"]
RANGES: Final[tuple[Range, ...]] = ("nir", "mir")

ScanKind = Literal["reflectance", "absorbance"]
KIND: Final[dict[Range, ScanKind]] = {"nir": "reflectance", "mir": "absorbance"}
"""What a library holds of each range: NIR as reflectance fraction, MIR as absorbance, as the
scanners and the Open Soil Spectral Library deliver them."""

Text = NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Samples:
    """``n`` soils: their names, where they are from, and what the laboratory found.

    ``properties`` ``[n, 9]`` in reporting units, NaN where not analysed. ``site`` and ``country``
    ``[n]`` are empty where not known. In a `Library` every name occurs once.
    """

    name: Text
    properties: NDArray[np.float64]
    site: Text
    country: Text

    def __len__(self) -> int:
        return len(self.name)

    def __getitem__(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Samples:
        return Samples(self.name[rows], self.properties[rows], self.site[rows], self.country[rows])


@dataclass(frozen=True, eq=False)
class Scans:
    """``m`` scans of one range on one axis: ``values`` ``[m, bands]`` float32.

    ``sample`` ``[m]`` names the soil, ``device`` ``[m]`` the instrument, and ``preparation`` ``[m]``
    what the soil was when it was scanned, air-dry, say, or moist (both empty: not known). Repeats are
    kept: several scans may name the same soil, the same instrument and the same preparation.
    """

    axis: Axis
    values: NDArray[np.float32]
    sample: Text
    device: Text
    preparation: Text

    def __len__(self) -> int:
        return len(self.sample)

    def __getitem__(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Scans:
        return Scans(
            self.axis,
            self.values[rows],
            self.sample[rows],
            self.device[rows],
            self.preparation[rows],
        )


@dataclass(frozen=True, eq=False)
class Library:
    """Samples and their scans, checked: every scan names a sample, every sample has a scan."""

    name: str
    licence: str
    samples: Samples
    scans: dict[Range, Scans]
