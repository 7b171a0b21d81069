"""How fast the wire's bytes become scans, what that costs, and how soon after the last byte.

`decode`: a stream of whole scans through the codec, on one thread; the floor is the fastest wire in use,
3 Mbaud, which carries 0.3 MB/s, so that the ratio is the head-room. Both protocols with frames; a
NIRONE's spectra have none. `processor`: the driver of our own protocol at ten scans a second from a
virtual scanner in a process of its own.
`last byte`: from the return of the write that completes a scan's frame, on a pseudo-terminal, to the
`Scan` in hand; the floor reads the same bytes with pyserial into a buffer, up to the terminator.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

import numpy as np
import serial

from benchmarks.children import python_child
from benchmarks.interleaving import interleave
from benchmarks.rows import Goal, Row
from benchmarks.soils import soil_spectra
from edge.commands import SYNTHETIC_SOILS
from firmware_bridge.drivers import open_scanner
from firmware_bridge.nirscan.packets import Packet, PacketDecoder
from firmware_bridge.nirscan.packets import encode as encode_packet
from firmware_bridge.wire.framing import TERMINATOR, FrameDecoder, encode
from firmware_bridge.wire.messages import AxisReply
from firmware_bridge.wire.scan_push import ScanPush
from firmware_bridge.wire.virtual_device import VirtualDevice
from firmware_bridge.wire.virtual_scanner import FramedDevice

FASTEST_WIRE_BYTES_PER_S = 300_000.0
"""3 Mbaud, ten bits a byte."""

_SPECTRA = soil_spectra()

HEAD_ROOM = Goal(">=", 50.0)
PROCESSOR = Goal("<=", 3.0, "value")
LAST_BYTE = Goal("<=", 2.0)


def measure(quick: bool, tell: Callable[[str], None]) -> list[Row]:
    """Throughput of both codecs, processor at ten scans a second, last byte to scan."""
    tell("decoding")
    rows = [_decoded("loamscan", _scan_stream(), _loamscan, quick)]
    rows.append(_decoded("nirscan-nano", _packet_stream(), _nirscan, quick))
    tell("ten scans a second")
    rows.append(_processor(quick))
    tell("last byte to scan")
    rows.append(_last_byte(quick, tell))
    return rows


def _push(number: int, session: int = 1) -> ScanPush:
    spectra = _SPECTRA
    return ScanPush(
        session=session,
        number=number,
        axis_id=AxisReply(spectra.axis).axis_id,
        role="sample",
        kind="reflectance",
        scan_time_ms=2000,
        temperature_c=31.5,
        battery_pct=87,
        full_scale=0.0,
        label=f"sample-{number}",
        values=spectra.values[number % len(spectra.values)],
    )


def _scan_stream() -> list[bytes]:
    return [TERMINATOR + encode(_push(number).frame(number)) for number in range(1, 201)]


def _packet_stream() -> list[bytes]:
    random = np.random.default_rng(0)
    return [
        encode_packet(Packet((0x00, 0x2E), random.bytes(508), number % 256))
        for number in range(1000)
    ]


def _loamscan(data: bytes) -> int:
    return len([ScanPush.unpack(frame.payload) for frame in FrameDecoder().feed(data)])


def _nirscan(data: bytes) -> int:
    return len(PacketDecoder().feed(data))


def _decoded(name: str, parts: list[bytes], decode: Callable[[bytes], int], quick: bool) -> Row:
    data, took_s = b"".join(parts), []
    for _ in range(3 if quick else 30):
        began_s = time.perf_counter()
        found = decode(data)
        took_s.append(time.perf_counter() - began_s)
        assert found == len(parts)
    rate = len(data) / float(np.median(took_s))
    frames = len(parts) / float(np.median(took_s))
    return Row(
        f"decode, {name}, frames of {len(parts[0])} bytes",
        rate / 1e6,
        "MB/s",
        FASTEST_WIRE_BYTES_PER_S / 1e6,
        {"thousand frames/s": frames / 1e3},
        HEAD_ROOM,
    )


def _processor(quick: bool) -> Row:
    scans = 10 if quick else 100
    simulate = [
        "-m", "loamscan", "simulate", "--spectra", str(SYNTHETIC_SOILS), "--kind", "reflectance",
        "--unit", "nm", "--scan-time-ms", "0", "--interval", "0", "--json",
    ]  # fmt: skip
    with python_child(simulate, subprocess.PIPE) as child, open_scanner(_url(child)) as scanner:
        taken = scanner.scans(10.0)
        scanner.acknowledge(next(taken))
        began_s, spent_s = time.perf_counter(), time.process_time()
        for _ in range(scans):
            scanner.acknowledge(next(taken))
        spent_s, took_s = time.process_time() - spent_s, time.perf_counter() - began_s
    per_s = scans / took_s
    return Row(
        f"processor at {per_s:.1f} scans/s", 100 * spent_s / took_s, "% of a core", goal=PROCESSOR
    )


def _url(child: subprocess.Popen[bytes]) -> str:
    assert child.stdout is not None
    said = json.loads(child.stdout.readline())
    return f"{said['url']}?baud=115200"


def _last_byte(quick: bool, tell: Callable[[str], None]) -> Row:
    numbers = count(1)
    with (
        _greeting_device() as (write, url),
        _plain_terminal() as (write_plain, port),
        open_scanner(url) as scanner,
    ):
        write.greeted()
        session = scanner.instrument.session

        def product() -> float:
            frame = TERMINATOR + encode(_push(next(numbers), session).frame(1))
            write(frame)
            began_s = time.perf_counter()
            scan = scanner.receive(5.0)
            took_s = time.perf_counter() - began_s
            assert scan is not None
            return took_s

        def bare() -> float:
            frame = TERMINATOR + encode(_push(next(numbers), session).frame(1))
            write_plain(frame)
            began_s = time.perf_counter()
            data = bytearray()
            while not (len(data) > 1 and data.endswith(TERMINATOR)):
                data += port.read(port.in_waiting or 1)
            return time.perf_counter() - began_s

        blocks, size = (2, 10) if quick else (10, 50)
        took = interleave({"product": product, "bare": bare}, blocks, size, 0.002, tell)
    us = {name: float(np.median(seconds)) * 1e6 for name, seconds in took.items()}
    return Row("last byte to scan, 257 bands", us["product"], "us", us["bare"], goal=LAST_BYTE)


class _Line:
    """The device's end of a terminal: answers the greeting by itself, then says what it is given."""

    def __init__(self, master: int, device: FramedDevice) -> None:
        self._master = master
        self._device = device
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def __call__(self, data: bytes) -> None:
        os.write(self._master, data)

    def greeted(self) -> None:
        """The driver is open: nobody else writes from now on."""
        self._done.set()
        self._thread.join()

    def _answer(self) -> None:
        while not self._done.is_set():
            if select.select([self._master], [], [], 0.05)[0]:
                for part in self._device.hear(os.read(self._master, 4096), time.monotonic()):
                    os.write(self._master, part)


@contextmanager
def _greeting_device() -> Iterator[tuple[_Line, str]]:
    with _terminal() as (master, path):
        line = _Line(master, FramedDevice(VirtualDevice(soil_spectra(), trigger=False)))
        yield line, f"loamscan://{path}"
        line.greeted()


@contextmanager
def _plain_terminal() -> Iterator[tuple[Callable[[bytes], int], serial.Serial]]:
    with _terminal() as (master, path), serial.Serial(path, timeout=0.05) as port:
        yield lambda data: os.write(master, data), port


@contextmanager
def _terminal() -> Iterator[tuple[int, str]]:
    master, slave = os.openpty()
    tty.setraw(slave)
    try:
        yield master, os.ttyname(slave)
    finally:
        os.close(master)
        os.close(slave)
