"""A virtual scanner on a pseudo-terminal: the whole wire protocol on a real port, no hardware."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from typing_extensions import Unpack

from firmware_bridge.emulated.line_faults import LineFaults
from firmware_bridge.emulated.pty_line import PtyLine
from firmware_bridge.errors import ProtocolError
from firmware_bridge.files.spectra_files import SpectraFile
from firmware_bridge.wire.framing import TERMINATOR, Frame, FrameDecoder, encode
from firmware_bridge.wire.scan_push import MAX_LABEL
from firmware_bridge.wire.virtual_device import DeviceOptions, VirtualDevice

_BITS_PER_BYTE: Final = 10


class FramedDevice:
    """A `VirtualDevice` as bytes."""

    def __init__(self, device: VirtualDevice) -> None:
        self.device = device
        self._decoder = FrameDecoder()

    @property
    def next_due_s(self) -> float:
        """When `due` has something to do if nothing is heard first."""
        return self.device.next_due_s

    @property
    def finished(self) -> bool:
        """Whether every sample scan there is was acknowledged."""
        return self.device.finished

    def due(self, now_s: float) -> list[bytes]:
        """What the device says of its own accord now."""
        return _encoded(self.device.due(now_s))

    def hear(self, data: bytes, now_s: float) -> list[bytes]:
        """What it answers."""
        frames = self._decoder.feed(data)
        return _encoded([reply for frame in frames for reply in self.device.handle(frame, now_s)])


class VirtualScanner(PtyLine):
    """Plays a `VirtualDevice` on a `PtyLine`; its session and its unacknowledged scan outlive the host's.

    Further options are those of `VirtualDevice`.
    """

    scheme = "loamscan"

    def __init__(
        self,
        spectra: SpectraFile,
        *,
        baud: int | None = 115200,
        faults: LineFaults | None = None,
        link: str | Path | None = None,
        **options: Unpack[DeviceOptions],
    ) -> None:
        """Make the port.

        Raises `PortError` if ``link`` can't be made, `ProtocolError` on a label too long to send.
        """
        for label in spectra.labels:
            if len(label.encode()) > MAX_LABEL:
                raise ProtocolError(f"label {label!r} exceeds {MAX_LABEL} bytes", "shorten it")
        # The wait for an acknowledgement starts when the scan has left, not when it starts to.
        on_line_s = (4 * len(spectra.axis) + 128) * _BITS_PER_BYTE / baud if baud else 0.0
        options["resend_s"] = options.get("resend_s", 1.0) + on_line_s
        self._framed = FramedDevice(VirtualDevice(spectra, **options))
        super().__init__(self._framed, baud, faults, link)

    @property
    def device(self) -> VirtualDevice:
        """What is played; another one is a device that was switched off and on."""
        return self._framed.device

    @device.setter
    def device(self, device: VirtualDevice) -> None:
        self._framed.device = device


def _encoded(frames: list[Frame]) -> list[bytes]:
    return [TERMINATOR + encode(frame) for frame in frames]
