"""Reading and writing the fields of a payload, every length checked; little endian throughout."""

from __future__ import annotations

import struct
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.errors import ProtocolError

F32: Final = np.dtype("<f4")
F64: Final = np.dtype("<f8")

UNKNOWN_TEMPERATURE = 0x7FFF
UNKNOWN_BATTERY = 255


class PayloadReader:
    """Takes fields off the front of a payload; raises `ProtocolError` where one does not fit."""

    def __init__(self, message: str, payload: bytes) -> None:
        self._message = message
        self._payload = payload
        self._at = 0

    def fields(self, layout: str) -> tuple[Any, ...]:
        """Numbers by a `struct` layout without its byte order."""
        form = _form(layout)
        return form.unpack_from(self._payload, self._past(form.size))

    def text(self, size: int | None = None) -> str:
        """UTF-8 text of ``size`` bytes; without a size it stands before it (u8)."""
        if size is None:
            (size,) = self.fields("B")
        at = self._past(size)
        try:
            return self._payload[at : at + size].decode()
        except UnicodeDecodeError as error:
            raise malformed(self._message, "a text is not UTF-8") from error

    def array(self, count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """``count`` numbers, bit for bit."""
        at = self._past(count * dtype.itemsize)
        return np.frombuffer(self._payload, dtype, count, at).copy()

    def end(self) -> None:
        """Nothing may be left."""
        if self._at != len(self._payload):
            raise malformed(self._message, f"{len(self._payload) - self._at} bytes are left over")

    def _past(self, size: int) -> int:
        """Where the next ``size`` bytes begin, which are then taken."""
        at, self._at = self._at, self._at + size
        if self._at > len(self._payload):
            missing = self._at - len(self._payload)
            raise malformed(self._message, f"it ends {missing} bytes too early")
        return at


@cache
def _form(layout: str) -> struct.Struct:
    return struct.Struct("<" + layout)


def malformed(message: str, why: str) -> ProtocolError:
    """The error for a payload that arrived whole and is wrong: the sender's fault, not the line's."""
    return ProtocolError(
        f"malformed {message} message: {why}",
        "check the firmware against docs/wire-protocol.md",
    )


def packed_text(text: str, most_bytes: int = 255) -> bytes:
    """UTF-8 behind its length (u8); raises `ProtocolError` above ``most_bytes``."""
    encoded = text.encode()
    if len(encoded) > most_bytes:
        raise ProtocolError(
            f"{text!r} takes {len(encoded)} bytes, the wire has room for {most_bytes}",
            "use a shorter text",
        )
    return bytes([len(encoded)]) + encoded


def temperature_field(temperature_c: float | None) -> int:
    """Hundredths of a degree Celsius as i16, `UNKNOWN_TEMPERATURE` for None."""
    if temperature_c is None:
        return UNKNOWN_TEMPERATURE
    hundredths = round(temperature_c * 100)
    if not -0x8000 <= hundredths < UNKNOWN_TEMPERATURE:
        raise ProtocolError(f"{temperature_c} °C does not fit the wire", "check the sensor")
    return hundredths


def temperature_from_field(hundredths: int) -> float | None:
    """The inverse of `temperature_field`, degrees Celsius."""
    return None if hundredths == UNKNOWN_TEMPERATURE else hundredths / 100


def battery_field(battery_pct: int | None) -> int:
    """Per cent as u8, `UNKNOWN_BATTERY` for None."""
    return UNKNOWN_BATTERY if battery_pct is None else battery_pct


def battery_from_field(field: int) -> int | None:
    """The inverse of `battery_field`; what can't be a share is not known, and costs no scan."""
    return field if field <= 100 else None


def named(message: str, what: str, names: tuple[Any, ...], code: int) -> Any:
    """``names[code]``; raises `ProtocolError` on a code without a name."""
    if code >= len(names):
        raise malformed(message, f"{what} {code} is not known")
    return names[code]
