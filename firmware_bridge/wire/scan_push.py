"""The SCAN that a device pushes and the ACK that releases it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import isfinite
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self, override

from firmware_bridge.scan import Scan, ScanKind, ScanRole
from firmware_bridge.wire.framing import MAX_POINTS
from firmware_bridge.wire.messages import ROLES, AxisReply, Message
from firmware_bridge.wire.payload import (
    F32,
    PayloadReader,
    battery_field,
    battery_from_field,
    malformed,
    named,
    packed_text,
    temperature_field,
    temperature_from_field,
)

KINDS: Final[tuple[ScanKind, ...]] = ("counts", "reflectance")
MAX_LABEL: Final = 64
"""Bytes of the longest label."""

_LAYOUT: Final = "IIIBBIhBfB"
"""Up to the length of the label."""


@dataclass(eq=False)
class ScanPush(Message):
    """One scan as pushed; values float32 ``[bands]`` pass untouched, NaN included.

    Not frozen like the rest: every scan passes through one, and freezing takes longer than its CRC.
    """

    TYPE: ClassVar[int] = 0x80
    session: int
    number: int
    axis_id: int
    role: ScanRole
    kind: ScanKind
    scan_time_ms: int
    temperature_c: float | None
    battery_pct: int | None
    full_scale: float
    label: str
    values: NDArray[np.float32]

    @override
    def pack(self) -> bytes:
        label = packed_text(self.label, MAX_LABEL)
        head = struct.pack(
            "<" + _LAYOUT,
            self.session,
            self.number,
            self.axis_id,
            ROLES.index(self.role),
            KINDS.index(self.kind),
            self.scan_time_ms,
            temperature_field(self.temperature_c),
            battery_field(self.battery_pct),
            self.full_scale,
            label[0],
        )
        values = struct.pack("<H", self.values.size) + self.values.astype(F32).tobytes()
        return head + label[1:] + values

    @classmethod
    @override
    def unpack(cls, payload: bytes) -> Self:
        reader = PayloadReader("SCAN", payload)
        (
            session, number, axis_id, role, kind, scan_time_ms, temperature, battery, full_scale,
            label_bytes,
        ) = reader.fields(_LAYOUT)  # fmt: skip
        label = reader.text(label_bytes)
        (count,) = reader.fields("H")
        if count > MAX_POINTS:
            raise malformed("SCAN", f"{count} values are more than {MAX_POINTS}")
        values = reader.array(count, F32)
        reader.end()
        if label_bytes > MAX_LABEL:
            raise malformed("SCAN", f"the label is longer than {MAX_LABEL} bytes")
        return cls(
            session=session,
            number=number,
            axis_id=axis_id,
            role=named("SCAN", "role", ROLES, role),
            kind=named("SCAN", "kind", KINDS, kind),
            scan_time_ms=scan_time_ms,
            temperature_c=temperature_from_field(temperature),
            battery_pct=battery_from_field(battery),
            full_scale=full_scale if isfinite(full_scale) and full_scale > 0 else 0.0,
            label=label,
            values=values,
        )

    def on_axis(self, declared: AxisReply) -> Scan:
        """The scan on the device's axis; raises `ProtocolError` if it is not of that axis."""
        if self.axis_id != declared.axis_id:
            raise malformed(
                "SCAN",
                f"scan {self.number} names axis {self.axis_id:08x}, "
                f"the scanner declares {declared.axis_id:08x}",
            )
        if self.values.size != len(declared.axis):
            raise malformed(
                "SCAN",
                f"scan {self.number} has {self.values.size} values "
                f"on an axis of {len(declared.axis)} bands",
            )
        return Scan(
            session=self.session,
            number=self.number,
            role=self.role,
            kind=self.kind,
            axis=declared.axis,
            values=self.values,
            scan_time_ms=self.scan_time_ms,
            temperature_c=self.temperature_c,
            battery_pct=self.battery_pct,
            full_scale=self.full_scale,
            label=self.label,
        )


@dataclass(frozen=True)
class Ack(Message):
    """The host has this scan safe: the device may forget it. Has no reply."""

    TYPE: ClassVar[int] = 0xC0
    session: int
    number: int

    @override
    def pack(self) -> bytes:
        return struct.pack("<II", self.session, self.number)

    @classmethod
    @override
    def unpack(cls, payload: bytes) -> Self:
        reader = PayloadReader("ACK", payload)
        session, number = reader.fields("II")
        reader.end()
        return cls(session, number)
