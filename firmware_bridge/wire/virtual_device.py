"""The device's side of the wire protocol as a state machine: frames and time in, frames out."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import TypedDict, Unpack

from firmware_bridge.emulated.virtual_bench import FULL_SCALE_COUNTS, Bench, EmulatedState
from firmware_bridge.errors import ProtocolError
from firmware_bridge.files.spectra_files import SpectraFile
from firmware_bridge.scan import InstrumentState, ScanKind, ScanRole
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

TEMPERATURE_C: Final = 31.5
BATTERY_PCT: Final = 87
FIRMWARE: Final = "virtual-1"


class DeviceOptions(TypedDict, total=False):
    """How a virtual device behaves; what is left out is as `VirtualDevice` says."""

    mode: ScanKind
    scan_time_ms: int
    interval_s: float
    replicates: int
    limit: int | None
    cycle: bool
    trigger: bool
    model: str
    serial: str
    seed: int | None
    resend_s: float


_REFUSALS: Final = {
    "busy": (ErrorCode.BUSY, "busy"),
    "warming up": (ErrorCode.NOT_READY, "the lamp is not warm yet"),
    "error": (ErrorCode.HARDWARE, "a hardware error"),
}


@dataclass(frozen=True)
class _Measuring:
    push: ScanPush
    ready_s: float


class VirtualDevice:
    """A scanner without hardware. ``now_s`` is any clock that does not go back.

    With ``trigger`` it measures by itself, ``interval_s`` after a scan was acknowledged (in mode
    counts a dark and a white reference first); without, it waits for MEASURE. Every sample is
    measured ``replicates`` times. After ``limit`` samples, or at the file's end if not ``cycle``,
    there are no more. A scan is held and sent again every ``resend_s`` until it is acknowledged.
    ``seed`` fixes the session number.
    """

    def __init__(self, spectra: SpectraFile, **options: Unpack[DeviceOptions]) -> None:
        mode = options.get("mode", "reflectance")
        limit = options.get("limit")
        if limit is None and not options.get("cycle", True):
            limit = len(spectra.labels)
        self._bench = Bench(spectra, mode, options.get("replicates", 1), limit)
        self._axis = AxisReply(spectra.axis)
        self._scan_time_ms = options.get("scan_time_ms", 2000)
        self._interval_s = options.get("interval_s", 0.0)
        self._resend_s = options.get("resend_s", 1.0)
        self._trigger = options.get("trigger", True)
        session = int(np.random.default_rng(options.get("seed")).integers(1, 2**32))
        self._info = Info(
            version=VERSION,
            session=session,
            capabilities=frozenset(
                {"measure", "temperature", "battery", "label"}
                | ({"trigger"} if self._trigger else set())
            ),
            model=options.get("model", "NeoSpectra (virtual)"),
            serial=options.get("serial", "VIRTUAL-1"),
            firmware=FIRMWARE,
        )
        self._greeted = False
        self._references: deque[ScanRole] = deque(("dark", "white") if mode == "counts" else ())
        self._measuring: _Measuring | None = None
        self._held: deque[ScanPush] = deque()
        self._send_s = -math.inf
        self._trigger_s = -math.inf
        self._number = 0
        self._sequence = 0
        self._last_measure: tuple[int, Message] | None = None
        self.state: EmulatedState = "ready"
        self.samples_acknowledged = 0
        """Sample scans acknowledged."""

    @property
    def finished(self) -> bool:
        """Whether every sample scan there is was acknowledged."""
        return self.samples_acknowledged == self._bench.scans

    @property
    def next_due_s(self) -> float:
        """When `due` has something to do if no frame arrives first; infinity for never."""
        if not self._greeted:
            return math.inf
        ready_s = self._measuring.ready_s if self._measuring else math.inf
        if self._held:
            return min(ready_s, self._send_s)
        return self._trigger_s if self._measuring is None and self._trigger else ready_s

    def due(self, now_s: float) -> list[Frame]:
        """What the device says of its own accord now: a new scan, or one not acknowledged yet."""
        if not self._greeted:
            return []
        idle = self._measuring is None and not self._held
        if idle and self._trigger and self._trigger_s <= now_s:
            role: ScanRole = self._references.popleft() if self._references else "sample"
            if not self._start(role, now_s):
                self._trigger = False
        if self._measuring is not None and self._measuring.ready_s <= now_s:
            self._held.append(self._measuring.push)
            self._measuring = None
        if not self._held or self._send_s > now_s:
            return []
        self._send_s = now_s + self._resend_s
        self._sequence = (self._sequence + 1) % 0x10000
        return [self._held[0].frame(self._sequence)]

    def handle(self, frame: Frame, now_s: float) -> list[Frame]:
        """The reply to a frame from the host; none to an ACK."""
        try:
            if frame.type == Ack.TYPE:
                self._release(Ack.unpack(frame.payload), now_s)
                return []
            reply = self._reply(frame, now_s)
        except ProtocolError as error:
            reply = ErrorReply(ErrorCode.MALFORMED, error.what)
        return [reply.frame(frame.sequence)]

    def _reply(self, frame: Frame, now_s: float) -> Message:
        if frame.type == Hello.TYPE:
            hello = Hello.unpack(frame.payload)
            if not hello.min_version <= VERSION <= hello.max_version:
                return ErrorReply(ErrorCode.NO_COMMON_VERSION, f"this device speaks {VERSION}")
            self._greeted = True
            self._last_measure = None
            return self._info
        if frame.type == GetAxis.TYPE:
            GetAxis.unpack(frame.payload)
            return self._axis
        if frame.type == GetStatus.TYPE:
            GetStatus.unpack(frame.payload)
            return Status(TEMPERATURE_C, BATTERY_PCT, self._said_state)
        if frame.type == Measure.TYPE:
            request = Measure.unpack(frame.payload)
            # A host that missed the reply asks again under the same sequence: measure once only.
            if self._last_measure is None or self._last_measure[0] != frame.sequence:
                self._last_measure = frame.sequence, self._measure(request, now_s)
            return self._last_measure[1]
        return ErrorReply(ErrorCode.UNKNOWN_REQUEST, f"request {frame.type:#04x} is not known")

    @property
    def _said_state(self) -> InstrumentState:
        if self.state == "error":
            return "fault"
        if self.state == "warming up":
            return "warming up"
        return "measuring" if self._measuring or self.state == "busy" else "ready"

    def _measure(self, request: Measure, now_s: float) -> Message:
        if self.state in _REFUSALS:
            return ErrorReply(*_REFUSALS[self.state])
        if self._measuring is not None:
            return ErrorReply(ErrorCode.BUSY, "a measurement is under way")
        if request.role != "sample" and self._bench.kind == "reflectance":
            return ErrorReply(ErrorCode.NOT_ABLE, "this device gives reflectance, no references")
        if not self._start(request.role, now_s):
            return ErrorReply(ErrorCode.NOT_ABLE, "no samples are left")
        return Accepted(self._scan_time_ms)

    def _start(self, role: ScanRole, now_s: float) -> bool:
        if role == "sample":
            sample = self._bench.next_sample()
            if sample is None:
                return False
            label, values = sample
        else:
            label, values = "", self._bench.reference(role)
        self._measuring = _Measuring(
            self._push(role, label, values), now_s + self._scan_time_ms / 1000
        )
        return True

    def _push(self, role: ScanRole, label: str, values: NDArray[np.float32]) -> ScanPush:
        self._number += 1
        return ScanPush(
            session=self._info.session,
            number=self._number,
            axis_id=self._axis.axis_id,
            role=role,
            kind=self._bench.kind,
            scan_time_ms=self._scan_time_ms,
            temperature_c=TEMPERATURE_C,
            battery_pct=BATTERY_PCT,
            full_scale=FULL_SCALE_COUNTS if self._bench.kind == "counts" else 0.0,
            label=label,
            values=values,
        )

    def _release(self, ack: Ack, now_s: float) -> None:
        if not self._held or (ack.session, ack.number) != (
            self._info.session,
            self._held[0].number,
        ):
            return
        released = self._held.popleft()
        self.samples_acknowledged += released.role == "sample"
        self._send_s = -math.inf
        self._trigger_s = now_s + self._interval_s
