"""The instrument's side of the NIRscan Nano's protocol, for an emulator: bytes and time in, bytes out."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Unpack

from firmware_bridge.emulated.asked_device import AskedDevice, AskedOptions
from firmware_bridge.emulated.line_faults import LineFaults
from firmware_bridge.emulated.pty_line import PtyLine
from firmware_bridge.files.spectra_files import SpectraFile
from firmware_bridge.nirscan import requests as wire
from firmware_bridge.nirscan.interpreted_file import POINTS_MAX
from firmware_bridge.nirscan.packets import Packet, PacketDecoder, Response, encode

TEMPERATURE_C: Final = 31.5
HUMIDITY_PCT: Final = 42.0
BATTERY_V: Final = 3.95
SERIAL: Final = "VIRTUAL3"
FIRMWARE: Final = (2, 1, 0)
_PART_BYTES: Final = 256
_HEAD_BYTES: Final = 512
"""Of configuration and dates, which no driver here reads."""


class NirscanOptions(AskedOptions, total=False):
    """How an emulated instrument behaves; what is left out is as quick and willing as can be."""

    scan_time_ms: int


class NirscanDevice(AskedDevice):
    """An instrument on the axis of a file; with ``covered`` there is nothing to see."""

    def __init__(self, spectra: SpectraFile, **options: Unpack[NirscanOptions]) -> None:
        self._scan_time_ms = options.get("scan_time_ms", 5)
        super().__init__(spectra, limit=options.get("limit"))
        self.covered = False
        self.errors = 0
        """Bits of `requests.ERRORS`."""
        self._decoder = PacketDecoder()
        self._done_s = math.inf
        self._file = b""
        self._at = 0

    def hear(self, data: bytes, now_s: float) -> list[bytes]:
        """Take requests in; what is to be said at once."""
        for request in self._decoder.feed(data) or self._decoder.flush():
            answer, response = self._answer(request, now_s)
            reply = Packet(request.command, answer, request.sequence, request.reads, response)
            self._say(encode(reply), now_s)
        return self.due(now_s)

    def _answer(self, request: Packet, now_s: float) -> tuple[bytes, Response]:
        known = {
            wire.VERSIONS: struct.pack("<I", FIRMWARE[0] << 16 | FIRMWARE[1] << 8 | FIRMWARE[2]),
            wire.SERIAL: SERIAL.encode(),
            wire.SCAN_TIME: struct.pack("<I", self._scan_time_ms),
            wire.SCAN_STATUS: bytes([now_s >= self._done_s]),
            wire.INTERPRET: b"",
            wire.INTERPRET_STATUS: bytes([bool(self._file)]),
            wire.TEMPERATURE: struct.pack("<ii", round(100 * TEMPERATURE_C), 0),
            wire.HUMIDITY: struct.pack(
                "<iI", round(100 * TEMPERATURE_C), round(100 * HUMIDITY_PCT)
            ),
            wire.BATTERY: struct.pack("<I", round(100 * BATTERY_V)),
            wire.DEVICE_STATUS: struct.pack("<I", self._status(now_s)),
            wire.ERROR_STATUS: struct.pack("<I16x", self.errors),
        }
        if request.command == wire.RESET_ERRORS:
            self.errors = 0
            return b"", Response.SUCCESS
        if request.command == wire.SCAN:
            return b"", self._scan(now_s)
        if request.command == wire.FILE_SIZE and request.data == bytes([wire.INTERPRETED]):
            self._at = 0
            return struct.pack("<I", len(self._file)), Response.SUCCESS
        if request.command == wire.FILE_DATA:
            part = self._file[self._at : self._at + _PART_BYTES]
            self._at += len(part)
            self._read = self._read or self._at == len(self._file)
            return part, Response.SUCCESS
        answer = known.get(request.command)
        return (b"", Response.ERROR) if answer is None else (answer, Response.SUCCESS)

    def _status(self, now_s: float) -> int:
        busy = self.state == "busy" or now_s < self._done_s < math.inf
        return (wire.SCANNING if busy else 0) | (0 if self.state == "error" else wire.NORMAL)

    def _scan(self, now_s: float) -> Response:
        if self.state != "ready":
            return Response.ERROR if self.state == "error" else Response.BUSY
        dark = self._bench.reference("dark")
        counts = dark if self.covered else self._lit()
        if counts is None:
            return Response.ERROR
        self._done_s = now_s + self._scan_time_ms / 1000
        self._file = self._interpreted(counts - dark)
        return Response.SUCCESS

    def _interpreted(self, counts: NDArray[np.float32]) -> bytes:
        nm = np.zeros(POINTS_MAX, "<f8")
        intensity = np.zeros(POINTS_MAX, "<i4")
        nm[: len(counts)] = self._axis.values_in("nm")
        intensity[: len(counts)] = np.rint(100 * counts.astype(np.float64))
        tail = nm.tobytes() + intensity.tobytes() + struct.pack("<ii", len(counts), 0)
        return bytes(_HEAD_BYTES) + tail


class VirtualNirscan(PtyLine):
    """Plays a `NirscanDevice` on a `PtyLine`."""

    scheme = "nirscan-nano"

    def __init__(
        self,
        spectra: SpectraFile,
        baud: int | None = 115200,
        faults: LineFaults | None = None,
        link: str | Path | None = None,
        **options: Unpack[NirscanOptions],
    ) -> None:
        """Make the port; raises `PortError` if ``link`` can't be made."""
        self.device = NirscanDevice(spectra, **options)
        super().__init__(self.device, baud, faults, link)
