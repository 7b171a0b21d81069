"""The driver of Spectral Engines' NIRONE sensors: ASCII commands, spectra as raw float32.

After the vendor's command guide; *never tried on hardware*. Commands end with CR, replies with CR LF and
read ``Name: value``. Spectra come without header, length or checksum: of everything that matters two
readings must agree, and every setting must be echoed as it was meant.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.asked_scanner import AskedScanner, Measured
from firmware_bridge.errors import (
    ProtocolError,
    ScannerError,
    ScannerFaultError,
    ScannerSilentError,
)
from firmware_bridge.ports.port import Port
from firmware_bridge.scan import Condition, Instrument, ScanRole
from firmware_bridge.scanner import LinkCounters
from soil.axis import Axis

POINTS_MAX: Final = 512
STEP_NM: Final = 5.0
"""Ours: finer than the sensors' lines of about 20 nm, and the step of the models' axes."""

AVERAGES: Final = 10
"""Sweeps that the sensor averages for a scan. Ours."""

REPLY_S: Final = 0.5
MEASURE_SLACK_S: Final = 2.0
SETTLE_S: Final = 0.05
"""How long the line must be quiet before it is trusted again."""

TRIES: Final = 8
"""Readings until two agree, and questions until one is answered. Ours."""

PASSES: Final = 20
"""Times that all points are set until all were echoed. Ours."""

_LINE_BYTES_MAX: Final = 256
_Value = TypeVar("_Value")


class Reply(NamedTuple):
    """``name: value``."""

    name: str
    value: str


class NironeScanner(AskedScanner):
    """A sensor, its lamp, and its points every `STEP_NM`; `Instrument.firmware` is its hardware's version."""

    def __init__(self, port: Port) -> None:
        """Wake the sensor at ``port``, ask who it is and set its points.

        Raises `ScannerSilentError`, `ScannerFaultError` or `ProtocolError`.
        """
        super().__init__(port)
        self._frames = self._damaged = 0
        self._unanswered = 0
        self._refused: tuple[str, str] | None = None
        self._lit = False
        self._warm_s = 0.0
        self._quiet()
        model, hardware, serial = (self._agreed(f"h{which}") for which in (0, 1, 2))
        shortest_nm, longest_nm = (self._agreed_number(f"h{which}") for which in (3, 4))
        self._points_nm = points_nm(shortest_nm, longest_nm)
        self._axis = Axis("nm", self._points_nm)
        self._set_points()
        self._measure_s = self._agreed_number("E0") / 1000
        self._warm_up_s = self._agreed_number("Lt") / 1000
        self._instrument = Instrument(
            model, serial, hardware, self._session, frozenset({"measure", "lamp", "temperature"})
        )  # fmt: skip

    @property
    def counters(self) -> LinkCounters:
        """Replies and spectra that were read, and those that did not hold."""
        return LinkCounters(self._frames, self._damaged)

    def _measured(self, role: ScanRole) -> Measured:
        """``dark`` with the lamp off, any other role with it on and warm."""
        self._light(role != "dark")
        began_s = time.monotonic()
        self._sweep()
        scan_time_ms = round((time.monotonic() - began_s) * 1000)
        counts = self._spectrum()
        return Measured(self._axis, counts, scan_time_ms, self._agreed_number("St"))

    def condition(self) -> Condition:
        """Its temperature; it says nothing of its battery, nor whether it is ready."""
        return Condition(temperature_c=self._agreed_number("St"))

    def close(self) -> None:
        """Put the lamp out, where the sensor is still there, and release the port."""
        if self._lit:
            self._lit = False
            with suppress(ScannerError):  # it was unplugged
                self._port.write(b"LI0\r")
        super().close()

    def _set_points(self) -> None:
        """All points anew where one was misheard: it may have been heard as another."""
        count = len(self._points_nm)
        settings = [(f"W{i},{nm:g}", [float(nm)]) for i, nm in enumerate(self._points_nm)]
        settings.append((f"V{count},{AVERAGES}", [float(count), float(AVERAGES)]))
        for _ in range(PASSES):
            if all(self._set_once(*setting) for setting in settings):
                return
        raise ProtocolError(
            f"the sensor at {self._port.name} does not echo its settings", "check the cable"
        )

    def _light(self, on: bool) -> None:
        level = "100" if on else "0"
        for _ in range(TRIES):
            if self._set_once(f"LI{level}", [float(level)]):
                break
        else:
            raise ProtocolError(
                f"the sensor at {self._port.name} does not echo its lamp's setting",
                "check the cable",
            )
        if on and not self._lit:
            self._warm_s = time.monotonic() + self._warm_up_s
        self._lit = on
        while on and (left_s := self._warm_s - time.monotonic()) > 0:
            # Unplugging is noticed while it warms up.
            self._port.read(min(left_s, 0.2))

    def _sweep(self) -> None:
        """Have it measure, once: a reply that was lost is asked for again by measuring again."""
        for _ in range(TRIES):
            reply = self._ask("XM", self._measure_s * AVERAGES + MEASURE_SLACK_S)
            if reply is not None and reply.name == "Measurement ready":
                return
        raise self._silent("XM")

    def _spectrum(self) -> NDArray[np.float32]:
        count = len(self._points_nm)
        return np.frombuffer(self._agreeing(lambda: self._raw(count)), dtype="<f4")

    def _raw(self, count: int) -> bytes | None:
        """One reading of the spectrum; None where the line gave more or less than it."""
        self._quiet()
        self._port.write(b"Xm0,%d\r" % count)
        wanted, data = 4 * count, b""
        until_s = time.monotonic() + REPLY_S + wanted / self._port.bytes_per_s
        while len(data) < wanted and (left_s := until_s - time.monotonic()) > 0:
            data += self._port.read(left_s)
        if len(data) != wanted or self._port.read(SETTLE_S):
            return None
        return data

    def _agreed(self, command: str) -> str:
        """The value that two readings agree on."""

        def value() -> str | None:
            reply = self._ask(command, REPLY_S)
            return reply.value if reply and reply.value else None

        return self._agreeing(value, command)

    def _agreed_number(self, command: str) -> float:
        value = self._agreed(command)
        numbers = _numbers(value)
        if len(numbers) != 1:
            raise ProtocolError(
                f"the sensor at {self._port.name} answers {command} with {value!r}, no number",
                "check that it is a NIRONE sensor",
            )
        return numbers[0]

    def _agreeing(self, read: Callable[[], _Value | None], what: str = "its spectrum") -> _Value:
        seen: list[_Value] = []
        heard = False
        for _ in range(TRIES):
            value = read()
            if value is None:
                self._damaged += 1
                continue
            heard = True
            if value in seen:
                self._frames += 1
                return value
            seen.append(value)
        if not heard:
            raise self._silent(what)
        self._damaged += len(seen)
        raise ProtocolError(
            f"no two readings of {what} agree at {self._port.name}", "check the cable"
        )

    def _set_once(self, command: str, echo: list[float]) -> bool:
        reply = self._ask(command, REPLY_S)
        echoed = reply is not None and _numbers(reply.value) == echo
        self._damaged += not echoed
        self._unanswered = 0 if reply is not None else self._unanswered + 1
        if self._unanswered >= TRIES:
            raise self._silent(command)
        return echoed

    def _ask(self, command: str, patience_s: float) -> Reply | None:
        """The reply to ``command``, None where there is none in time or it is no line of text."""
        self._quiet()
        self._port.write(command.encode() + b"\r")
        until_s = time.monotonic() + patience_s
        data = b""
        while b"\r\n" not in data and len(data) <= _LINE_BYTES_MAX:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                return None
            data += self._port.read(left_s)
        line, _, _ = data.partition(b"\r\n")
        try:
            text = line.decode("ascii")
        except UnicodeDecodeError:
            return None
        name, _, value = text.partition(":")
        if "error" in name.lower():
            # A command that was misheard is refused too; asked again it is not.
            refused, self._refused = self._refused, (command, text)
            if refused == self._refused:
                raise ScannerFaultError(
                    f"the sensor at {self._port.name} says: {text.strip()}",
                    "see the sensor's manual",
                )
            return None
        self._refused = None
        return Reply(name.strip(), value.strip())

    def _quiet(self) -> None:
        """Whatever comes late is of an older question: wait until nothing does."""
        self._port.drain()

    def _silent(self, what: str) -> ScannerSilentError:
        return ScannerSilentError(
            f"nothing at {self._port.name} answers {what} as a NIRONE sensor",
            "check that the sensor is powered, and its driver and baud rate in the URL",
        )


def points_nm(shortest_nm: float, longest_nm: float) -> NDArray[np.float64]:
    """Where to measure: whole steps of `STEP_NM` within the sensor's range; raises `ProtocolError`."""
    first, last = math.ceil(shortest_nm / STEP_NM), math.floor(longest_nm / STEP_NM)
    count = last - first + 1
    if not 2 <= count <= POINTS_MAX or first < 1:
        raise ProtocolError(
            f"a sensor from {shortest_nm:g} to {longest_nm:g} nm has no points of {STEP_NM:g} nm",
            "check that it is a NIRONE sensor",
        )
    return STEP_NM * np.arange(first, last + 1, dtype=np.float64)


def _numbers(value: str) -> list[float]:
    return [float(number) for number in re.findall(r"[-+]?\d+(?:\.\d+)?", value)]
