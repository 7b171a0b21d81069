"""Packets of TI's NIRscan Nano on a UART, and of its descendants: delimited by length, summed; no I/O here.

On the wire: ``ABCD`` | checksum u32 | flags u8 | sequence u8 | length u16 | payload | ``DCBA``, all little
endian. The payload is a command u16 (low byte the command, high byte its group) and its data; the
checksum is the sum of all bytes from flags to the payload's end. ``DCBA`` may stand inside data.
After the vendor's guide and public hosts; *never tried on hardware*.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from firmware_bridge.errors import ProtocolError

START: Final = b"ABCD"
END: Final = b"DCBA"
PAYLOAD_BYTES_MAX: Final = 512
_HEAD: Final = struct.Struct("<4sIBBH")
_OVERHEAD: Final = _HEAD.size + len(END)
PACKET_BYTES_MAX: Final = _OVERHEAD + PAYLOAD_BYTES_MAX

_READ, _WANTED = 0x80, 0x40
_RESPONSE_SHIFT, _RESPONSE_MASK = 4, 0x03


class Response(IntEnum):
    """How a device took a command; after an error or when busy, the rest of its packet is stale."""

    SUCCESS = 0
    ERROR = 1
    BUSY = 2


@dataclass(frozen=True)
class Packet:
    """A request or its reply: ``command`` as (group, command), and whether it reads."""

    command: tuple[int, int]
    data: bytes = b""
    sequence: int = 0
    reads: bool = True
    response: int = Response.SUCCESS


def encode(packet: Packet) -> bytes:
    """The packet as sent, a reply wanted; raises `ProtocolError` on data too large."""
    group, command = packet.command
    payload = bytes([command, group]) + packet.data
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise ProtocolError(f"{len(packet.data)} bytes do not fit a packet", "send less at once")
    flags = _WANTED | (_READ if packet.reads else 0) | (packet.response << _RESPONSE_SHIFT)
    body = struct.pack("<BBH", flags, packet.sequence, len(payload)) + payload
    return START + struct.pack("<I", sum(body)) + body + END


class PacketDecoder:
    """Takes bytes as they come and gives the packets among them; never raises, whatever the bytes.

    ``packets`` counts what came out, ``skipped`` the bytes that were of none. Not more than
    `PACKET_BYTES_MAX` bytes are held.
    """

    def __init__(self) -> None:
        self.packets = 0
        self.skipped = 0
        self._buffer = bytearray()

    @property
    def buffered(self) -> int:
        """Bytes held of a packet that has not ended yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Packet]:
        """Packets that end within ``data``, in order."""
        found: list[Packet] = []
        for at in range(0, len(data), PACKET_BYTES_MAX):
            self._buffer += data[at : at + PACKET_BYTES_MAX]
            found += self._taken(ended=False)
        return found

    def flush(self) -> list[Packet]:
        """What is left when the line has been quiet: a length that lied waits for no more."""
        found = self._taken(ended=True)
        self._skip(len(self._buffer))
        return found

    def _taken(self, ended: bool) -> list[Packet]:
        found: list[Packet] = []
        while True:
            at = self._buffer.find(START)
            # The last bytes may be the beginning of a start.
            self._skip(at if at >= 0 else max(0, len(self._buffer) - len(START) + 1))
            if at < 0:
                return found
            size = _size(self._buffer)
            if size is None or size > len(self._buffer):
                impossible = size is not None and size > PACKET_BYTES_MAX
                if not ended and not impossible:
                    return found
                self._skip(1)
                continue
            packet = _packet(bytes(self._buffer[:size]))
            if packet is None:
                self._skip(1)
                continue
            del self._buffer[:size]
            self.packets += 1
            found.append(packet)

    def _skip(self, count: int) -> None:
        del self._buffer[:count]
        self.skipped += count


def _size(buffer: bytearray) -> int | None:
    """How long the packet says that it is, None where that has not come yet."""
    if len(buffer) < _HEAD.size:
        return None
    length: int = _HEAD.unpack_from(buffer)[4]
    return _OVERHEAD + length


def _packet(data: bytes) -> Packet | None:
    _, checksum, flags, sequence, length = _HEAD.unpack_from(data)
    payload = data[_HEAD.size : -len(END)]
    if not data.endswith(END) or length < 2 or checksum != sum(data[8 : -len(END)]):
        return None
    return Packet(
        command=(payload[1], payload[0]),
        data=payload[2:],
        sequence=sequence,
        reads=bool(flags & _READ),
        response=(flags >> _RESPONSE_SHIFT) & _RESPONSE_MASK,
    )
