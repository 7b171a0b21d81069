"""What bytes come and go through, whatever carries them: a serial port, a socket, a recording."""

from __future__ import annotations

from typing import Protocol


class Port(Protocol):
    """An open port; one reader, any number of writers."""

    @property
    def name(self) -> str:
        """What a person calls it: a path, or host and port."""

    @property
    def bytes_per_s(self) -> float:
        """The line's own speed; infinity where nothing paces it."""

    def read(self, timeout_s: float) -> bytes:
        """What has arrived, as soon as there is any, or nothing after ``timeout_s``.

        Raises `ScannerGoneError` when unplugged.
        """

    def write(self, data: bytes) -> None:
        """Send ``data`` whole; raises `ScannerGoneError`."""

    def drain(self) -> None:
        """Forget what arrived before anybody listened; raises `ScannerGoneError`."""

    def close(self) -> None:
        """Release it; harmless when already closed."""
