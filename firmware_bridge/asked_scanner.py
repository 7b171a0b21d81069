"""What scanners have in common that have neither trigger nor memory: they measure when they are asked."""

from __future__ import annotations

import abc
import secrets
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.errors import ScannerFaultError
from firmware_bridge.ports.port import Port
from firmware_bridge.scan import Instrument, Scan, ScanRole
from firmware_bridge.scanner import Scanner
from soil.axis import Axis


@dataclass(frozen=True, eq=False)
class Measured:
    """Counts ``[bands]`` of one measurement."""

    axis: Axis
    counts: NDArray[np.float32]
    scan_time_ms: int
    temperature_c: float | None


class AskedScanner(Scanner):
    """A scan is measured in `receive`, and kept by nobody but who received it.

    One that was not safe yet when this side crashed is gone; `acknowledge` has nothing to do. Every
    opening is a session of its own.
    """

    def __init__(self, port: Port) -> None:
        self._port = port
        self._asked: ScanRole | None = None
        self._number = 0
        self._session = secrets.randbelow(2**32 - 1) + 1

    @abc.abstractmethod
    def _measured(self, role: ScanRole) -> Measured:
        """Measure, in bounded time; raises from `ScannerError`."""

    @property
    def instrument(self) -> Instrument:
        """What the scanner said of itself; its session is that of this opening."""
        return self._instrument

    def measure(self, role: ScanRole = "sample") -> None:
        """Ask for one scan; raises `ScannerFaultError` where one was asked for already."""
        if self._asked is not None:
            raise ScannerFaultError(
                f"{self.instrument.model} has a scan to give first", "receive it, and ask again"
            )
        self._asked = role

    def receive(self, timeout_s: float) -> Scan | None:
        """The scan that was asked for, however long it takes; without one None after ``timeout_s``.

        Raises `ScannerGoneError` when unplugged, `ScannerSilentError` where the scanner stops
        answering, `ScannerFaultError` where it refuses and `ProtocolError` where what it says can't be.
        """
        role, self._asked = self._asked, None
        if role is None:
            self._port.read(timeout_s)
            return None
        found = self._measured(role)
        self._number += 1
        return Scan(
            session=self._session,
            number=self._number,
            role=role,
            kind="counts",
            axis=found.axis,
            values=found.counts,
            scan_time_ms=found.scan_time_ms,
            temperature_c=found.temperature_c,
        )

    def acknowledge(self, scan: Scan) -> None:
        """Nothing: the scanner keeps no scan."""

    def close(self) -> None:
        """Release the port; harmless when already closed."""
        self._port.close()

    _instrument: Instrument
