"""A driver and an emulated device without a line between them, on a clock that nobody waits for.

For what takes thousands of scans: the same bytes as on a pseudo-terminal, the same faults, and every
wait is over at once. Deterministic for a seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from firmware_bridge.emulated.line_faults import LineFaults, NoisyLine
from firmware_bridge.emulated.pty_line import WireDevice
from firmware_bridge.errors import ScannerGoneError
from firmware_bridge.files.spectra_files import SpectraFile
from firmware_bridge.nirone import scanner as nirone_scanner
from firmware_bridge.nirone.device import NironeDevice
from firmware_bridge.nirone.scanner import NironeScanner
from firmware_bridge.nirscan import scanner as nirscan_scanner
from firmware_bridge.nirscan.device import NirscanDevice
from firmware_bridge.nirscan.scanner import NirscanScanner
from firmware_bridge.ports.port import Port
from firmware_bridge.scanner import Scanner
from firmware_bridge.wire import frame_link, loamscan_scanner
from firmware_bridge.wire.loamscan_scanner import LoamscanScanner
from firmware_bridge.wire.virtual_device import VirtualDevice
from firmware_bridge.wire.virtual_scanner import FramedDevice
from soil.axis import Axis


class Clock:
    """Stands where a driver has `time`; goes on when a port is waited for."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        # A loop that only looks at the clock must end too.
        self.now_s += 1e-6
        return self.now_s


class DirectLine:
    """A `Port` with a device behind it."""

    name = "direct line"
    bytes_per_s = 11520.0

    def __init__(self, device: WireDevice, clock: Clock) -> None:
        self._device = device
        self._clock = clock
        self._coming: list[tuple[float, bytes]] = []
        self.suffer(LineFaults())

    def suffer(self, faults: LineFaults) -> None:
        """From now on."""
        self._noise = NoisyLine(faults)
        self._left: float = faults.unplug_after or math.inf
        self._coming.append((self._clock.now_s, self._noise.start_up()))

    def write(self, data: bytes) -> None:
        self._check()
        self._take(self._device.hear(self._noise.heard(data), self._clock.now_s))

    def read(self, timeout_s: float) -> bytes:
        until_s = self._clock.now_s + timeout_s
        while True:
            self._check()
            self._take(self._device.due(self._clock.now_s))
            data = self._arrived()
            if data:
                data = data[: int(min(self._left, 1 << 20))]
                self._left -= len(data)
                return data
            if self._clock.now_s >= until_s:
                return b""
            coming_s = self._coming[0][0] if self._coming else math.inf
            next_s = min(self._device.next_due_s, coming_s)
            self._clock.now_s = min(until_s, max(self._clock.now_s, next_s))

    def drain(self) -> None:
        self._check()
        self._take(self._device.due(self._clock.now_s))
        self._arrived()

    def close(self) -> None:
        pass

    def _take(self, parts: list[bytes]) -> None:
        for part in parts:
            self._coming += self._noise.arrivals(part, self._clock.now_s)

    def _arrived(self) -> bytes:
        """What has come in turn: what follows a part that stalls waits behind it."""
        data = b""
        while self._coming and self._coming[0][0] <= self._clock.now_s:
            data += self._coming.pop(0)[1]
        return data

    def _check(self) -> None:
        if self._left <= 0:
            raise ScannerGoneError("unplugged", "")


@dataclass(frozen=True)
class Kind:
    """A driver, the device that it is for, and how many parts a scan of it takes, about."""

    driver: Callable[[Port], Scanner]
    device: Callable[..., Any]
    modules: tuple[ModuleType, ...]
    parts: int
    nm: tuple[float, float, int]


def _framed(spectra: SpectraFile, **options: Any) -> FramedDevice:
    return FramedDevice(VirtualDevice(spectra, trigger=False, scan_time_ms=5, seed=1, **options))


KINDS: dict[str, Kind] = {
    "loamscan": Kind(
        LoamscanScanner, _framed, (frame_link, loamscan_scanner), 2, (1350.0, 2550.0, 33)
    ),
    "nirone": Kind(NironeScanner, NironeDevice, (nirone_scanner,), 8, (2000.0, 2450.0, 46)),
    "nirscan-nano": Kind(
        NirscanScanner, NirscanDevice, (nirscan_scanner,), 50, (900.0, 1700.0, 33)
    ),
}


def soils(kind: Kind) -> SpectraFile:
    nm = np.linspace(*kind.nm)
    values = np.stack([0.4 + 0.2 * np.sin(nm / (60 + 20 * i)) for i in range(4)])
    return SpectraFile(Axis("nm", nm), values.astype(np.float32), "reflectance", list("ABCD"))
