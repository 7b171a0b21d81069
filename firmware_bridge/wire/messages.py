"""Requests and replies of the wire protocol, one small class each, packed and unpacked without I/O.

`unpack` raises `ProtocolError` on a payload that is not exactly what docs/wire-protocol.md says.
"""

from __future__ import annotations

import abc
import enum
import struct
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

from typing_extensions import Self, override

from firmware_bridge.scan import InstrumentState, ScanRole
from firmware_bridge.wire.framing import MAX_POINTS, VERSION, Frame
from firmware_bridge.wire.payload import (
    F64,
    PayloadReader,
    battery_field,
    battery_from_field,
    malformed,
    named,
    packed_text,
    temperature_field,
    temperature_from_field,
)
from soil.axis import Axis, AxisUnit
from soil.errors import AxisError

ROLES: Final[tuple[ScanRole, ...]] = ("sample", "white", "dark")
UNITS: Final[tuple[AxisUnit, ...]] = ("nm", "cm-1")
CAPABILITIES: Final = ("measure", "trigger", "temperature", "battery", "label")
"""Names of the bits of INFO's capabilities, from bit 0; further bits are ignored."""

STATES: Final[tuple[InstrumentState, ...]] = ("ready", "measuring", "warming up", "fault")


class ErrorCode(enum.IntEnum):
    """Why a device did not do what was asked."""

    UNKNOWN_REQUEST = 1
    NO_COMMON_VERSION = 2
    BUSY = 3
    MALFORMED = 4
    NOT_ABLE = 5
    NOT_READY = 6
    HARDWARE = 7


class Message(abc.ABC):
    """A payload with its type."""

    TYPE: ClassVar[int]

    @abc.abstractmethod
    def pack(self) -> bytes:
        """The payload."""

    @classmethod
    @abc.abstractmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message; raises `ProtocolError` on a malformed payload."""

    def frame(self, sequence: int) -> Frame:
        """The message in a frame."""
        return Frame(self.TYPE, sequence, self.pack())


class _Empty(Message):
    @override
    def pack(self) -> bytes:
        return b""

    @classmethod
    @override
    def unpack(cls, payload: bytes) -> Self:
        PayloadReader(cls.__name__, payload).end()
        return cls()


@dataclass(frozen=True)
class Hello(Message):
    """The host opens the conversation and says which protocol versions it speaks."""

    TYPE: ClassVar[int] = 0x01
    min_version: int = VERSION
    max_version: int = VERSION

    @override
    def pack(self) -> bytes:
        return struct.pack("<BB", self.min_version, self.max_version)

    @classmethod
    @override
    def unpack(cls, payload: bytes) -> Self:
        reader = PayloadReader("HELLO", payload)
        low, high = reader.fields("BB")
        reader.end()
        if low > high:
            raise malformed("HELLO", f"versions {low} to {high} are none")
        return cls(low, high)


@dataclass(frozen=True)
class GetAxis(_Empty):
    """The host asks for the spectral axis."""

    TYPE: ClassVar[int] = 0x02


@dataclass(frozen=True)
class Measure(Message):
    """The host asks for one scan."""

    TYPE: ClassVar[int] = 0x03
    role: ScanRole = "sample"

    @override
    def pack(self) -> bytes:
        return struct.pack("<B", ROLES.index(self.role))

    @classmethod
    @override
    def unpack(cls, payload: bytes) -> Self:
        reader = PayloadReader("MEASURE", payload)
        (role,) = reader.fields("B")
        reader.end()
        return cls(named("MEASURE", "role", ROLES, role))


@dataclass(frozen=True)
class GetStatus(_Empty):
    """The host asks how the device is."""

    TYPE: ClassVar[int] = 0x04


@dataclass(frozen=True)
class Info(Message):
    """The device's answer to HELLO: the version to speak, and who it is."""

    TYPE: ClassVar[int] = Hello.TYPE | 0x40
    version: int
    session: int
    capabilities: frozenset[str]
    model: str
    serial: str
    firmware: str

    @override
    def pack(self) -> bytes:
        bits = sum(1 << i for i, name in enumerate(CAPABILITIES) if name in self.capabilities)
        head = struct.pack("<BII", self.version, self.session, bits)
        return head + b"".join(packed_text(t) for t in (self.model, self.serial, self.firmware))

    @classmethod
    @override
    def unpack(cls, payload: bytes) -> Self:
        reader = PayloadReader("INFO", payload)
        version, session, bits = reader.fields("BII")
        model, serial, firmware = reader.text(), reader.text(), reader.text()
        reader.end()
        names = frozenset(name for i, name in enumerate(CAPABILITIES) if bits >> i & 1)
        return cls(version, session, names, model, serial, firmware)


@dataclass(frozen=True)
class AxisReply(Message):
    """The device's axis, as declared."""

    TYPE: ClassVar[int] = GetAxis.TYPE | 0x40
    axis: Axis

    @cached_property
    def axis_id(self) -> int:
        """The name scans use for this axis: CRC-32 of the payload."""
        return zlib.crc32(self.pack())

    @override
    def pack(self) -> bytes:
        head = struct.pack("<BH", UNITS.index(self.axis.unit), len(self.axis))
        return head + self.axis.values.astype(F64).tobytes()

    @classmethod
    @override
    def unpack(cls, payload: bytes) -> Self:
        reader = PayloadReader("AXIS", payload)
        unit, count = reader.fields("BH")
        if count > MAX_POINTS:
            raise malformed("AXIS", f"{count} bands are more than {MAX_POINTS}")
        values = reader.array(count, F64)
        reader.end()
        try:
            return cls(Axis(named("AXIS", "unit", UNITS, unit), values))
        except AxisError as error:
            raise malformed("AXIS", error.what) from error


@dataclass(frozen=True)
class Accepted(Message):
    """The device measures; the scan follows as a push in about ``estimate_ms``."""

    TYPE: ClassVar[int] = Measure.TYPE | 0x40
    estimate_ms: int

    @override
    def pack(self) -> bytes:
        return struct.pack("<I", self.estimate_ms)

    @classmethod
    @override
    def unpack(cls, payload: bytes) -> Self:
        reader = PayloadReader("ACCEPTED", payload)
        (estimate_ms,) = reader.fields("I")
        reader.end()
        return cls(estimate_ms)


@dataclass(frozen=True)
class Status(Message):
    """How the device is; None is not known."""

    TYPE: ClassVar[int] = GetStatus.TYPE | 0x40
    temperature_c: float | None
    battery_pct: int | None
    state: InstrumentState

    @override
    def pack(self) -> bytes:
        battery, state = battery_field(self.battery_pct), STATES.index(self.state)
        return struct.pack("<hBB", temperature_field(self.temperature_c), battery, state)

    @classmethod
    @override
    def unpack(cls, payload: bytes) -> Self:
        reader = PayloadReader("STATUS", payload)
        temperature, battery, state = reader.fields("hBB")
        reader.end()
        return cls(
            temperature_from_field(temperature),
            battery_from_field(battery),
            named("STATUS", "state", STATES, state),
        )


@dataclass(frozen=True)
class ErrorReply(Message):
    """The device did not do what was asked; ``code`` may be one we don't know yet."""

    TYPE: ClassVar[int] = 0x7F
    code: int
    text: str = ""

    @override
    def pack(self) -> bytes:
        return struct.pack("<B", self.code) + packed_text(self.text)

    @classmethod
    @override
    def unpack(cls, payload: bytes) -> Self:
        reader = PayloadReader("ERROR", payload)
        (code,) = reader.fields("B")
        text = reader.text()
        reader.end()
        return cls(code, text)
