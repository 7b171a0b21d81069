"""The sensor's side of the NIRONE protocol, for an emulator: bytes and time in, bytes out.

What its replies are called is not in the vendor's guide as we have it; a driver must not rely on it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Unpack

from firmware_bridge.emulated.asked_device import AskedDevice, AskedOptions
from firmware_bridge.emulated.line_faults import LineFaults
from firmware_bridge.emulated.pty_line import PtyLine
from firmware_bridge.files.spectra_files import SpectraFile

TEMPERATURE_C: Final = 31.5
MODEL: Final = "NIRONE (virtual)"
SERIAL: Final = "VIRTUAL-2"
HARDWARE: Final = "1.0"

_COMMAND_BYTES_MAX: Final = 64


class NironeOptions(AskedOptions, total=False):
    """How an emulated sensor behaves; what is left out is as quick and willing as can be."""

    measure_ms: int
    warm_up_ms: int


class NironeDevice(AskedDevice):
    """A sensor over the wavelengths of a file; it sees the panel anew after each dark scan."""

    def __init__(self, spectra: SpectraFile, **options: Unpack[NironeOptions]) -> None:
        self._measure_ms = options.get("measure_ms", 5)
        self._warm_up_ms = options.get("warm_up_ms", 0)
        super().__init__(spectra, limit=options.get("limit"))
        self._heard = bytearray()
        self._points_nm: dict[int, float] = {}
        self._count = 0
        self._averages = 1
        self._lamp = 0
        self._lit_s = 0.0
        self._seen = np.zeros(0, np.float32)

    def hear(self, data: bytes, now_s: float) -> list[bytes]:
        """Take commands in; what is to be said at once."""
        for byte in data:
            if byte not in b"\r\n!":
                self._heard.append(byte)
                del self._heard[:-_COMMAND_BYTES_MAX]
                continue
            command = bytes(self._heard)
            self._heard.clear()
            if byte == ord("!") or not command:
                continue
            reply, after_s = self._reply(command.decode("latin-1"), now_s)
            if reply:
                self._say(reply, now_s + after_s)
        return self.due(now_s)

    def _reply(self, command: str, now_s: float) -> tuple[bytes, float]:
        name, arguments = command[:2], command[2:]
        low, high = self._axis.span_nm
        identity = {"h0": MODEL, "h1": HARDWARE, "h2": SERIAL, "h3": f"{low:g}", "h4": f"{high:g}"}
        if command in identity:
            return _line("Info", identity[command]), 0.0
        if command == "St":
            return _line("Temperature", f"{TEMPERATURE_C}"), 0.0
        if command == "E0":
            return _line("Measurement time", f"{self._measure_ms}"), 0.0
        if command == "Lt":
            return _line("Lamp warm-up", f"{self._warm_up_ms}"), 0.0
        if command == "XM":
            return self._measure(now_s)
        try:
            if name == "Xm":
                file, count = (int(number) for number in arguments.split(","))
                self._read = True
                return self._seen[:count].tobytes() if file == 0 else b"", 0.0
            if name == "LI":
                return self._set_lamp(int(arguments), now_s), 0.0
            if command[0] == "W":
                index, nm = command[1:].split(",")
                self._points_nm[int(index)] = float(nm)
                return _line(f"Wavelength {int(index)}", f"{float(nm):g}"), 0.0
            if command[0] == "V":
                self._count, self._averages = (int(number) for number in command[1:].split(","))
                return _line("Points", f"{self._count},{self._averages}"), 0.0
        except (ValueError, OverflowError):
            pass
        return _line("Error", f"unknown command {command!r}"), 0.0

    def _set_lamp(self, level: int, now_s: float) -> bytes:
        if self._lamp == 0 and level > 0:
            self._lit_s = now_s
        self._lamp = level
        return _line("Lamp intensity", f"{level}")

    def _measure(self, now_s: float) -> tuple[bytes, float]:
        if self.state in ("busy", "error"):
            return _line("Error", self.state), 0.0
        cold = now_s < self._lit_s + self._warm_up_ms / 1000
        if self._lamp and (cold or self.state == "warming up"):
            return _line("Error", "lamp not warm"), 0.0
        points = [self._points_nm.get(i, 0.0) for i in range(max(0, min(self._count, 512)))]
        low, high = self._axis.span_nm
        if len(points) < 2 or not all(low <= nm <= high for nm in points):
            return _line("Error", "points are not set"), 0.0
        counts = self._sight()
        if counts is None:
            return _line("Error", "no samples are left"), 0.0
        order = np.argsort(self._axis.values_in("nm"))
        at = self._axis.values_in("nm")[order]
        self._seen = np.interp(points, at, counts[order]).astype("<f4")
        return b"Measurement ready\r\n", self._measure_ms * self._averages / 1000

    def _sight(self) -> NDArray[np.float32] | None:
        if self._lamp:
            return self._lit()
        self._before, self._panel = None, True
        return self._bench.reference("dark")


class VirtualNirone(PtyLine):
    """Plays a `NironeDevice` on a `PtyLine`."""

    scheme = "nirone"

    def __init__(
        self,
        spectra: SpectraFile,
        baud: int | None = 115200,
        faults: LineFaults | None = None,
        link: str | Path | None = None,
        **options: Unpack[NironeOptions],
    ) -> None:
        """Make the port; raises `PortError` if ``link`` can't be made."""
        self.device = NironeDevice(spectra, **options)
        super().__init__(self.device, baud, faults, link)


def _line(name: str, value: str) -> bytes:
    return f"{name}: {value}\r\n".encode("latin-1", errors="replace")
