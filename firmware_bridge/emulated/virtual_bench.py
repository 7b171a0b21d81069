"""What lies under a virtual scanner: samples from a file, and its dark and white references."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.files.spectra_files import SpectraFile
from firmware_bridge.scan import ScanKind
from soil.axis import Axis

EmulatedState = Literal["ready", "busy", "warming up", "error"]
"""What an emulated device may refuse to measure for."""

FULL_SCALE_COUNTS: Final = 65535.0


class Bench:
    """Gives the values ``[bands]`` float32 of one measurement after the other.

    ``samples`` spectra are measured ``replicates`` times each, over and over the file where it is
    shorter; None is without end. ``kind`` reflectance gives the file's values to the bit.
    """

    def __init__(
        self, spectra: SpectraFile, kind: ScanKind, replicates: int, samples: int | None
    ) -> None:
        self.kind = kind
        self._axis = spectra.axis
        self._labels = spectra.labels
        self._reflectance = _reflectance(spectra)
        self.scans = None if samples is None else samples * replicates
        """Sample scans in all, None without end."""
        self._rows = self._order(replicates, samples)

    def next_sample(self) -> tuple[str, NDArray[np.float32]] | None:
        """Label and values of the next sample scan, or None when all are measured."""
        row = next(self._rows, None)
        if row is None:
            return None
        reflectance = self._reflectance[row]
        if self.kind == "reflectance":
            return self._labels[row], reflectance
        dark, white = dark_counts(self._axis), white_counts(self._axis)
        counts = dark + reflectance.astype(np.float64) * (white - dark)
        return self._labels[row], counts.astype(np.float32)

    def reference(self, role: Literal["white", "dark"]) -> NDArray[np.float32]:
        """Counts of a reference scan."""
        counts = white_counts(self._axis) if role == "white" else dark_counts(self._axis)
        return counts.astype(np.float32)

    def _order(self, replicates: int, samples: int | None) -> Iterator[int]:
        sample = 0
        while samples is None or sample < samples:
            for _ in range(replicates):
                yield sample % len(self._labels)
            sample += 1


def white_counts(axis: Axis) -> NDArray[np.float64]:
    """A lamp and detector that are strongest in mid-range, at most 0.8 of full scale."""
    return FULL_SCALE_COUNTS * (0.25 + 0.55 * np.exp(-0.5 * (_position(axis) / 0.6) ** 2))


def dark_counts(axis: Axis) -> NDArray[np.float64]:
    """A dark current that grows a little towards long wavelengths, near 0.02 of full scale."""
    return FULL_SCALE_COUNTS * (0.02 + 0.003 * _position(axis))


def _position(axis: Axis) -> NDArray[np.float64]:
    low, high = axis.span_nm
    return 2.0 * (axis.values_in("nm") - low) / (high - low) - 1.0


def _reflectance(spectra: SpectraFile) -> NDArray[np.float32]:
    if spectra.kind == "reflectance":
        return spectra.values
    fraction: NDArray[np.float32] = (10.0 ** -spectra.values.astype(np.float64)).astype(np.float32)
    return fraction
