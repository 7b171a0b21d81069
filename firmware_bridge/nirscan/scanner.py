"""The driver of TI's NIRscan Nano and of InnoSpectra's instruments, on a UART.

After the vendor's guide and public hosts; *never tried on hardware*. The instrument interprets its scan
itself and subtracts its dark: a dark scan is one with nothing before the window.
"""

from __future__ import annotations

import struct
import time
from typing import Final

from firmware_bridge.asked_scanner import AskedScanner, Measured
from firmware_bridge.errors import ProtocolError, ScannerFaultError, ScannerSilentError
from firmware_bridge.nirscan.interpreted_file import InterpretedScan, interpreted_scan
from firmware_bridge.nirscan.packets import (
    PACKET_BYTES_MAX,
    Packet,
    PacketDecoder,
    Response,
    encode,
)
from firmware_bridge.nirscan.requests import (
    BATTERY,
    DEVICE_STATUS,
    DONE,
    ERROR_STATUS,
    ERRORS,
    FILE_BYTES_MAX,
    FILE_DATA,
    FILE_SIZE,
    HUMIDITY,
    INTERPRET,
    INTERPRET_STATUS,
    INTERPRETED,
    INTERPRETING,
    NORMAL,
    RESET_ERRORS,
    SCAN,
    SCAN_STATUS,
    SCAN_TIME,
    SCANNING,
    SERIAL,
    TEMPERATURE,
    VERSIONS,
    Command,
)
from firmware_bridge.ports.port import Port
from firmware_bridge.scan import Condition, Instrument, ScanRole
from firmware_bridge.scanner import LinkCounters

TRIES: Final = 5
FILE_TRIES: Final = 12
REPLY_S: Final = 0.5
POLL_S: Final = 0.025
BUSY_S: Final = 0.2
SLACK_S: Final = 5.0
SCAN_TIME_MAX_S: Final = 120.0
"""Ours, as are the waits above: the guide has none but the pause between polls."""


class NirscanScanner(AskedScanner):
    """An instrument that interprets its scans itself."""

    def __init__(self, port: Port) -> None:
        """Ask the instrument at ``port`` who it is.

        Raises `ScannerSilentError`, `ScannerFaultError` or `ProtocolError`.
        """
        super().__init__(port)
        self._decoder = PacketDecoder()
        self._sequence = 0
        port.drain()
        versions = self._read(VERSIONS)
        serial = _text(self._read(SERIAL))
        self._instrument = Instrument(
            "NIRscan Nano", serial, _version(versions), self._session,
            frozenset({"measure", "temperature", "humidity", "battery", "faults"}),
        )  # fmt: skip

    @property
    def counters(self) -> LinkCounters:
        """Packets that came, and bytes that were of none."""
        return LinkCounters(self._decoder.packets, self._decoder.skipped)

    def condition(self) -> Condition:
        """All that it has a sensor for; its battery in volts."""
        status, errors = _u32(self._read(DEVICE_STATUS)), _u32(self._read(ERROR_STATUS))
        measuring = status & (SCANNING | INTERPRETING)
        broken = errors or not status & NORMAL
        return Condition(
            state="measuring" if measuring else "fault" if broken else "ready",
            temperature_c=_i32(self._read(TEMPERATURE)) / 100,
            humidity_pct=_i32(self._read(HUMIDITY), 4) / 100,
            battery_v=_u32(self._read(BATTERY)) / 100,
            faults=tuple(_fault(bit) for bit in range(32) if errors >> bit & 1),
        )

    def forget_faults(self) -> None:
        """Have it reset its error status; raises `ScannerFaultError` or `ScannerSilentError`."""
        self._write(RESET_ERRORS)

    def _measured(self, role: ScanRole) -> Measured:
        """The same for every role: what it is of is what lies before the window."""
        del role
        began_s = time.monotonic()
        estimate_s = min(_u32(self._read(SCAN_TIME)) / 1000, SCAN_TIME_MAX_S)
        self._write(SCAN, b"\0")
        self._rest(0.8 * estimate_s)
        self._until_done(SCAN_STATUS, estimate_s + SLACK_S)
        scan_time_ms = round((time.monotonic() - began_s) * 1000)
        self._write(INTERPRET)
        self._until_done(INTERPRET_STATUS, SLACK_S)
        found = self._interpreted()
        temperature_c = _i32(self._read(TEMPERATURE)) / 100
        return Measured(found.axis, found.counts, scan_time_ms, temperature_c)

    def _interpreted(self) -> InterpretedScan:
        """The file, from its beginning again where a part was lost: parts bear no number."""
        for _ in range(FILE_TRIES):
            size = _u32(self._read(FILE_SIZE, bytes([INTERPRETED])))
            if not 0 < size <= FILE_BYTES_MAX:
                raise ProtocolError(f"the instrument has a scan of {size} bytes", "scan again")
            content = self._parts(size)
            if content is not None:
                return interpreted_scan(content)
        raise ProtocolError(
            f"the scan does not come through whole at {self._port.name}", "check the cable"
        )

    def _parts(self, size: int) -> bytes | None:
        content = b""
        while len(content) < size:
            reply = self._ask(Packet(FILE_DATA))
            if (
                reply is None
                or reply.response
                or not reply.data
                or len(content) + len(reply.data) > size
            ):
                return None
            content += reply.data
        return content

    def _until_done(self, status: Command, patience_s: float) -> None:
        until_s = time.monotonic() + patience_s
        while time.monotonic() < until_s:
            if self._read(status)[:1] == bytes([DONE]):
                return
            self._rest(POLL_S)
        raise ScannerSilentError(
            f"the instrument at {self._port.name} does not finish its scan", "switch it off and on"
        )

    def _rest(self, wait_s: float) -> None:
        """Let time pass; unplugging is noticed, and what comes unasked passed over."""
        until_s = time.monotonic() + wait_s
        while (left_s := until_s - time.monotonic()) > 0:
            self._decoder.feed(self._port.read(left_s))

    def _read(self, command: Command, data: bytes = b"") -> bytes:
        return self._answered(Packet(command, data)).data

    def _write(self, command: Command, data: bytes = b"") -> None:
        self._answered(Packet(command, data, reads=False))

    def _answered(self, request: Packet) -> Packet:
        busy = False
        for _ in range(TRIES):
            reply = self._ask(request)
            if reply is not None and reply.response == Response.SUCCESS:
                return reply
            busy = reply is not None
            if busy:
                self._rest(BUSY_S)
        if busy:
            raise ScannerFaultError(
                f"the instrument at {self._port.name} is busy", "wait a little and ask again"
            )
        raise ScannerSilentError(
            f"nothing at {self._port.name} answers as a NIRscan Nano",
            "check that it is switched on, and its driver and baud rate in the URL",
        )

    def _ask(self, request: Packet) -> Packet | None:
        """The reply to ``request``, a busy one too; None where none came."""
        self._sequence = (self._sequence + 1) % 256
        asked = Packet(request.command, request.data, self._sequence, request.reads)
        self._port.write(encode(asked))
        until_s = time.monotonic() + REPLY_S + PACKET_BYTES_MAX / self._port.bytes_per_s
        while (left_s := until_s - time.monotonic()) > 0:
            for reply in self._decoder.feed(self._port.read(left_s)):
                if self._answers(reply, asked):
                    return reply
        for reply in self._decoder.flush():
            if self._answers(reply, asked):
                return reply
        return None

    def _answers(self, reply: Packet, asked: Packet) -> bool:
        """Whether ``reply`` is to ``asked`` and not to an older question."""
        if reply.sequence != asked.sequence:
            return False
        if reply.response == Response.ERROR:
            raise ScannerFaultError(
                f"the instrument at {self._port.name} refuses command "
                f"{asked.command[0]:#04x} {asked.command[1]:#04x}",
                "switch it off and on, and see its manual",
            )
        return reply.response == Response.BUSY or reply.command == asked.command


def _fault(bit: int) -> str:
    return ERRORS[bit] if bit < len(ERRORS) else f"error bit {bit}"


def _text(data: bytes) -> str:
    text = data.partition(b"\0")[0].decode("ascii", errors="replace").strip()
    return text or "unknown"


def _version(data: bytes) -> str:
    """The firmware's version, three bytes of the first word, highest first."""
    word = _u32(data)
    return f"{word >> 16 & 0xFF}.{word >> 8 & 0xFF}.{word & 0xFF}"


def _u32(data: bytes) -> int:
    return int(struct.unpack_from("<I", _enough(data))[0])


def _i32(data: bytes, at: int = 0) -> int:
    return int(struct.unpack_from("<i", _enough(data, at), at)[0])


def _enough(data: bytes, at: int = 0) -> bytes:
    if len(data) < at + 4:
        raise ProtocolError(
            f"the instrument answers with {len(data)} bytes in place of a number",
            "update its firmware",
        )
    return data
