"""What emulated instruments have in common that answer requests: replies in turn, soils before them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from typing_extensions import TypedDict, Unpack

from firmware_bridge.emulated.virtual_bench import Bench, EmulatedState
from firmware_bridge.files.spectra_files import SpectraFile


class AskedOptions(TypedDict, total=False):
    """``limit`` soils in all."""

    limit: int | None


class AskedDevice:
    """Before it lies a white panel, then the file's soils, each until its spectrum was read.

    Whoever plays the operator goes by that order. ``state`` makes it refuse to measure.
    """

    def __init__(self, spectra: SpectraFile, **options: Unpack[AskedOptions]) -> None:
        self.state: EmulatedState = "ready"
        self.samples = 0
        """Soils measured."""
        self._axis = spectra.axis
        self._bench = Bench(spectra, "counts", 1, options.get("limit"))
        self._queue: list[tuple[float, bytes]] = []
        self._panel = True
        self._before: NDArray[np.float32] | None = None
        self._read = False

    @property
    def finished(self) -> bool:
        """Whether every soil there is was measured."""
        return self._bench.scans is not None and self.samples >= self._bench.scans

    @property
    def next_due_s(self) -> float:
        """When the next reply is due."""
        return self._queue[0][0] if self._queue else math.inf

    def due(self, now_s: float) -> list[bytes]:
        """Replies whose time has come."""
        said = []
        while self._queue and self._queue[0][0] <= now_s:
            said.append(self._queue.pop(0)[1])
        return said

    def _say(self, reply: bytes, at_s: float) -> None:
        self._queue.append((at_s, reply))

    def _lit(self) -> NDArray[np.float32] | None:
        """Counts of what lies before it in the light, None where the soils are at an end."""
        if self._before is not None and not self._read:
            return self._before
        self._read = False
        if self._panel:
            self._before, self._panel = self._bench.reference("white"), False
        else:
            sample = self._bench.next_sample()
            self._before = None if sample is None else sample[1]
            self.samples += sample is not None
        return self._before
