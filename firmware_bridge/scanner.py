"""The one interface to every scanner: open it, iterate over its scans, acknowledge each."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

from typing_extensions import Self

from firmware_bridge.errors import ScannerFaultError, ScannerSilentError
from firmware_bridge.scan import Condition, Instrument, Scan, ScanRole


@dataclass(frozen=True)
class LinkCounters:
    """What the wire did to us since the port was opened."""

    frames: int = 0
    damaged: int = 0
    repeated: int = 0


class Scanner(abc.ABC):
    """A scanner that is open.

    A driver writes the four abstract methods; users write::

        with open_scanner("loamscan:///dev/ttyACM0") as scanner:
            for scan in scanner:
                keep(scan)
                scanner.acknowledge(scan)

    A scan is the scanner's until it is acknowledged: one that is not is sent again, after a crash
    of this side too. Every method that waits is bounded and raises from `ScannerError`.
    """

    @property
    @abc.abstractmethod
    def instrument(self) -> Instrument:
        """What the scanner said of itself when it was opened."""

    @property
    def counters(self) -> LinkCounters:
        """Frames received, damaged and repeated so far."""
        return LinkCounters()

    @abc.abstractmethod
    def receive(self, timeout_s: float) -> Scan | None:
        """The next scan, or None after ``timeout_s``; raises `ScannerGoneError` when unplugged."""

    @abc.abstractmethod
    def acknowledge(self, scan: Scan) -> None:
        """Tell the scanner that ``scan`` is safe here and need not be sent again."""

    @abc.abstractmethod
    def close(self) -> None:
        """Release the port; harmless when already closed."""

    def measure(self, role: ScanRole = "sample") -> None:
        """Ask for one scan, which then arrives through `receive`.

        Raises `ScannerFaultError` where the scanner can't, or says it can't now.
        """
        raise ScannerFaultError(
            f"{self.instrument.model} can't be asked for a {role} scan", "press its trigger"
        )

    def condition(self) -> Condition:
        """How it is now, as far as it can tell; raises from `ScannerError` where it does not answer."""
        return Condition()

    def forget_faults(self) -> None:
        """Have it forget the faults that it told of; raises `ScannerFaultError` where it can't."""
        raise ScannerFaultError(f"{self.instrument.model} keeps no faults", "switch it off and on")

    @property
    def _silence_remedy(self) -> str:
        if "trigger" in self.instrument.capabilities:
            return "press the trigger, or check the battery"
        return "it has no trigger: ask for each scan with --role"

    def scans(self, patience_s: float) -> Iterator[Scan]:
        """Scans as they come; raises `ScannerSilentError` after ``patience_s`` without one."""
        while True:
            scan = self.receive(patience_s)
            if scan is None:
                raise ScannerSilentError(
                    f"no scan from {self.instrument.model} {self.instrument.serial} "
                    f"within {patience_s:g} s",
                    self._silence_remedy,
                )
            yield scan

    def __iter__(self) -> Iterator[Scan]:
        """Scans for as long as the scanner is there, however long it is quiet."""
        while True:
            scan = self.receive(timeout_s=1.0)
            if scan is not None:
                yield scan

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
