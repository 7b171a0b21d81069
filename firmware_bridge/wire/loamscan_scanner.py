"""The driver of scanners that speak the loamscan wire protocol (docs/wire-protocol.md)."""

from __future__ import annotations

import time
from collections import deque
from typing import Final, TypeVar

from firmware_bridge.errors import (
    ProtocolError,
    ScannerFaultError,
    ScannerSilentError,
)
from firmware_bridge.ports.port import Port
from firmware_bridge.scan import Condition, Instrument, Scan, ScanRole
from firmware_bridge.scanner import LinkCounters, Scanner
from firmware_bridge.wire.frame_link import FrameLink
from firmware_bridge.wire.framing import VERSION, Frame
from firmware_bridge.wire.messages import (
    Accepted,
    AxisReply,
    ErrorCode,
    ErrorReply,
    GetAxis,
    GetStatus,
    Hello,
    Info,
    Measure,
    Message,
    Status,
)
from firmware_bridge.wire.scan_push import Ack, ScanPush

RETRY_WAITS_S: Final = (0.2, 0.4, 0.8, 1.6, 3.2)
"""How long each try of a request waits for its reply, beyond the longest frame's time on the line."""

_PUSHES_KEPT = 4
"""Pushes kept while a reply is awaited; the device sends again what does not fit."""

_Reply = TypeVar("_Reply", bound=Message)


class LoamscanScanner(Scanner):
    """`acknowledge` may be called from another thread than `receive`."""

    def __init__(self, port: Port) -> None:
        """Greet the scanner at ``port``; raises `ScannerSilentError` or `ProtocolError`."""
        self._link = FrameLink(port)
        self._pushes: deque[Frame] = deque(maxlen=_PUSHES_KEPT)
        self._sequence = 0
        self._repeated = 0
        # The device has one scan in flight, so only the latest can come again.
        self._latest: tuple[int, int] | None = None
        self._latest_acknowledged = False
        self._link.drain()
        self._greet()

    @property
    def instrument(self) -> Instrument:
        """What the scanner said of itself, last."""
        return self._instrument

    @property
    def counters(self) -> LinkCounters:
        """Frames received, damaged and repeated so far."""
        decoder = self._link.decoder
        return LinkCounters(decoder.frames, decoder.damaged, self._repeated)

    def receive(self, timeout_s: float) -> Scan | None:
        """The next new scan, or None after ``timeout_s``.

        Raises `ScannerGoneError` when unplugged and `ProtocolError` on a scan that arrived whole
        and is malformed. Takes longer than ``timeout_s`` where the scanner was switched off and on
        in between and has to be asked again who it is.
        """
        deadline_s = time.monotonic() + timeout_s
        while True:
            while self._pushes:
                scan = self._new_scan(ScanPush.unpack(self._pushes.popleft().payload))
                if scan is not None:
                    return scan
            remaining_s = deadline_s - time.monotonic()
            if remaining_s < 0:
                return None
            self._keep_pushes(self._link.receive(remaining_s))

    def acknowledge(self, scan: Scan) -> None:
        """Tell the scanner that ``scan`` is safe here and need not be sent again."""
        if self._latest == (scan.session, scan.number):
            self._latest_acknowledged = True
        self._send_ack(scan.session, scan.number)

    def measure(self, role: ScanRole = "sample") -> None:
        """Ask for one scan, which then arrives through `receive`; raises `ScannerFaultError`."""
        if "measure" not in self._instrument.capabilities:
            super().measure(role)
        self._ask(Measure(role), Accepted)

    def condition(self) -> Condition:
        """Temperature, battery and state as they are now; raises `ScannerSilentError`."""
        status = self._ask(GetStatus(), Status)
        return Condition(status.state, status.temperature_c, battery_pct=status.battery_pct)

    def close(self) -> None:
        """Release the port; harmless when already closed."""
        self._link.close()

    def _greet(self) -> None:
        info = self._ask(Hello(), Info)
        if info.version != VERSION:
            raise ProtocolError(
                f"the scanner at {self._link.name} chose version {info.version} of the protocol, "
                f"offered was {VERSION}",
                "update its firmware",
            )
        self._axis = self._ask(GetAxis(), AxisReply)
        self._instrument = Instrument(
            info.model, info.serial, info.firmware, info.session, info.capabilities
        )

    def _new_scan(self, push: ScanPush) -> Scan | None:
        name = (push.session, push.number)
        if name == self._latest:
            self._repeated += 1
            if self._latest_acknowledged:
                self._send_ack(*name)
            return None
        if push.session != self._instrument.session or push.axis_id != self._axis.axis_id:
            self._greet()
        scan = push.on_axis(self._axis)
        self._latest, self._latest_acknowledged = name, False
        return scan

    def _ask(self, request: Message, reply: type[_Reply]) -> _Reply:
        # Tries share one sequence number, so that a device can tell a repeated MEASURE from a new.
        sequence = self._next_sequence()
        for wait_s in RETRY_WAITS_S:
            self._link.send(request.frame(sequence))
            deadline_s = time.monotonic() + wait_s + self._link.longest_frame_s
            while (remaining_s := deadline_s - time.monotonic()) > 0:
                frames = self._link.receive(remaining_s)
                self._keep_pushes(frames)
                for frame in frames:
                    if frame.sequence == sequence and frame.type == ErrorReply.TYPE:
                        raise self._fault(ErrorReply.unpack(frame.payload))
                    if frame.sequence == sequence and frame.type == reply.TYPE:
                        return reply.unpack(frame.payload)
        raise ScannerSilentError(
            f"nothing at {self._link.name} answers {type(request).__name__} as a loamscan scanner",
            "check that the scanner is switched on, and its driver and baud rate in the URL",
        )

    def _fault(self, error: ErrorReply) -> ProtocolError | ScannerFaultError:
        said = f"the scanner at {self._link.name} says: {error.text or f'error {error.code}'}"
        if error.code == ErrorCode.NO_COMMON_VERSION:
            return ProtocolError(said, f"it must speak version {VERSION}: update its firmware")
        if error.code in (ErrorCode.BUSY, ErrorCode.NOT_READY):
            return ScannerFaultError(said, "wait a little and ask again")
        return ScannerFaultError(said, "see the scanner's manual")

    def _keep_pushes(self, frames: list[Frame]) -> None:
        for frame in frames:
            if frame.type == ScanPush.TYPE:
                self._pushes.append(frame)

    def _send_ack(self, session: int, number: int) -> None:
        self._link.send(Ack(session, number).frame(self._next_sequence()))

    def _next_sequence(self) -> int:
        self._sequence = (self._sequence + 1) % 0x10000
        return self._sequence
