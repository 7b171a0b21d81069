"""Frames of the loamscan wire protocol: COBS, ended by 0x00, with a CRC-32; no I/O here.

Frame on the wire: COBS(version u8 | type u8 | sequence u16 LE | payload | CRC-32 u32 LE) 0x00.
COBS: Cheshire and Baker 1999, doi:10.1109/90.769765. CRC-32/ISO-HDLC over version to payload.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final, NamedTuple

from cobs import cobs

from firmware_bridge.errors import ProtocolError

VERSION: Final = 1
MAX_POINTS: Final = 1024
"""Most bands an axis may have on this wire."""

_HEADER: Final = struct.Struct("<BBH")
_CHECKSUM: Final = struct.Struct("<I")
_RESIDUE: Final = 0x2144DF1C
"""CRC-32/ISO-HDLC of anything that is followed by its own."""

MAX_PAYLOAD: Final = 3 + 8 * MAX_POINTS
"""Bytes of the largest payload, an AXIS of `MAX_POINTS`."""

_MAX_PLAIN = _HEADER.size + MAX_PAYLOAD + _CHECKSUM.size
MAX_FRAME: Final = _MAX_PLAIN + -(-_MAX_PLAIN // 254)
"""Bytes of the largest frame after COBS, without its terminator."""

TERMINATOR: Final = b"\0"


class Frame(NamedTuple):
    """What one frame carries: a message ``type``, the ``sequence`` of its exchange, its payload."""

    type: int
    sequence: int
    payload: bytes = b""


def encode(frame: Frame) -> bytes:
    """The frame as sent, terminator included; raises `ProtocolError` on a payload too large."""
    if len(frame.payload) > MAX_PAYLOAD:
        raise ProtocolError(
            f"a payload of {len(frame.payload)} bytes does not fit a frame ({MAX_PAYLOAD} bytes)",
            f"send at most {MAX_POINTS} bands",
        )
    body = _HEADER.pack(VERSION, frame.type, frame.sequence) + frame.payload
    return bytes(cobs.encode(body + _CHECKSUM.pack(zlib.crc32(body)))) + TERMINATOR


class FrameDecoder:
    """Takes bytes as they come and gives the frames among them; never raises, whatever the bytes.

    ``frames`` and ``damaged`` count what came out and what did not. A damaged frame (COBS, CRC or
    version wrong, or longer than `MAX_FRAME`) costs itself alone: the next 0x00 starts afresh.
    Nothing between two terminators is no frame and no damage: senders flush a noisy line with it.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.damaged = 0
        self._buffer = bytearray()
        self._oversized = False

    @property
    def buffered(self) -> int:
        """Bytes held of a frame that has not ended yet; at most `MAX_FRAME`."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that end within ``data``, in order."""
        *ended, rest = data.split(TERMINATOR)
        frames = []
        for chunk in ended:
            encoded = self._ended(chunk)
            if not encoded:
                continue
            frame = _decode(encoded)
            if frame is None:
                self.damaged += 1
            else:
                self.frames += 1
                frames.append(frame)
        if rest:
            self._hold(rest)
        return frames

    def _hold(self, chunk: bytes) -> None:
        if len(self._buffer) + len(chunk) > MAX_FRAME:
            self._oversized = True
            self._buffer.clear()
        elif not self._oversized:
            self._buffer += chunk

    def _ended(self, chunk: bytes) -> bytes:
        """The frame that ends with ``chunk``, as sent; empty where there is none or it is too long."""
        if self._buffer or self._oversized:
            self._hold(chunk)
            chunk, self._buffer = bytes(self._buffer), bytearray()
        if self._oversized or len(chunk) > MAX_FRAME:
            self._oversized = False
            self.damaged += 1
            return b""
        return chunk


def _decode(encoded: bytes) -> Frame | None:
    try:
        plain: bytes = cobs.decode(encoded)
    except cobs.DecodeError:
        return None
    if not _HEADER.size + _CHECKSUM.size <= len(plain) <= _MAX_PLAIN:
        return None
    if zlib.crc32(plain) != _RESIDUE:
        return None
    version, kind, sequence = _HEADER.unpack_from(plain)
    if version != VERSION:
        return None
    return Frame(kind, sequence, plain[_HEADER.size : -_CHECKSUM.size])
