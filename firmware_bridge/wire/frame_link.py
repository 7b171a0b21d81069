"""Frames of the loamscan wire protocol over a port."""

from __future__ import annotations

import time

from firmware_bridge.ports.port import Port
from firmware_bridge.wire.framing import MAX_FRAME, TERMINATOR, Frame, FrameDecoder, encode


class FrameLink:
    """Sends and receives frames; one reader, any number of senders."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self.name = port.name
        self.longest_frame_s = MAX_FRAME / port.bytes_per_s
        self.decoder = FrameDecoder()

    def drain(self) -> None:
        """Forget what arrived before anybody listened."""
        self._port.drain()

    def send(self, frame: Frame) -> None:
        """Write one frame; raises `ScannerGoneError`."""
        # The leading terminator ends whatever noise the line picked up while it was quiet.
        self._port.write(TERMINATOR + encode(frame))

    def receive(self, timeout_s: float) -> list[Frame]:
        """Frames as soon as there are any, or none after ``timeout_s``; raises `ScannerGoneError`."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            frames = self.decoder.feed(self._port.read(max(0.0, timeout_s)))
            if frames:
                return frames
            timeout_s = deadline_s - time.monotonic()
            if timeout_s <= 0:
                return frames

    def close(self) -> None:
        """Release the port; harmless when already closed."""
        self._port.close()
