"""A scanner behind a terminal server is a scanner: the same bytes, over a connection."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from firmware_bridge.drivers import open_scanner
from firmware_bridge.errors import PortAbsentError, ScannerGoneError, ScannerSilentError
from firmware_bridge.ports.serial_port import SerialPort
from firmware_bridge.ports.tcp_port import TcpPort


@contextmanager
def terminal_server(path: str) -> Iterator[tuple[int, threading.Event]]:
    """Hands the serial port at ``path`` to whoever connects, one at a time; set the event to hang up."""
    listening = socket.create_server(("127.0.0.1", 0))
    serial = os.open(path, os.O_RDWR | os.O_NOCTTY)
    stop, hang_up = threading.Event(), threading.Event()

    def serve() -> None:
        while not stop.is_set():
            if not select.select([listening], [], [], 0.05)[0]:
                continue
            connection, _ = listening.accept()
            hang_up.clear()
            with connection:
                while not stop.is_set() and not hang_up.is_set():
                    ready, _, _ = select.select([connection, serial], [], [], 0.05)
                    if connection in ready:
                        data = connection.recv(4096)
                        if not data:
                            break
                        os.write(serial, data)
                    if serial in ready:
                        connection.sendall(os.read(serial, 4096))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1], hang_up
    finally:
        stop.set()
        thread.join()
        os.close(serial)
        listening.close()


def test_scans_arrive_to_the_bit(plugged_in, spectra) -> None:
    virtual = plugged_in(limit=2)
    with (
        terminal_server(virtual.port) as (port, _),
        open_scanner(f"loamscan://127.0.0.1:{port}") as scanner,
    ):
        for number in (0, 1):
            scan = next(scanner.scans(10))
            scanner.acknowledge(scan)
            assert scan.values.tobytes() == spectra.values[number].tobytes()
        assert virtual.finished.wait(5)


def test_an_end_that_hangs_up_is_a_scanner_that_is_gone_and_comes_back(plugged_in) -> None:
    virtual = plugged_in(trigger=False)
    with terminal_server(virtual.port) as (port, hang_up):
        with open_scanner(f"loamscan://127.0.0.1:{port}") as scanner:
            threading.Timer(0.05, hang_up.set).start()
            with pytest.raises(
                ScannerGoneError, match=f"the connection to 127.0.0.1:{port} is gone"
            ):
                scanner.receive(10)
        with open_scanner(f"loamscan://127.0.0.1:{port}") as scanner:
            scanner.measure()
            assert scanner.receive(10) is not None


def test_nobody_there_is_an_absent_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(PortAbsentError, match="nobody answers"):
        open_scanner(f"loamscan://127.0.0.1:{port}")
    with pytest.raises(PortAbsentError, match="nobody answers"):
        TcpPort("nowhere.invalid", 4001)


def test_somebody_else_there_is_silent_and_the_connection_is_closed(monkeypatch) -> None:
    monkeypatch.setattr("firmware_bridge.wire.loamscan_scanner.RETRY_WAITS_S", (0.01, 0.02))
    with socket.create_server(("127.0.0.1", 0)) as server:
        with pytest.raises(ScannerSilentError):
            open_scanner(f"loamscan://127.0.0.1:{server.getsockname()[1]}")
        connection, _ = server.accept()
        with connection:
            connection.settimeout(5)
            while connection.recv(4096):
                pass


def test_what_arrived_before_is_drained_and_reading_is_bounded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = TcpPort("127.0.0.1", server.getsockname()[1])
        connection, _ = server.accept()
        connection.sendall(b"of an earlier session")
        time.sleep(0.05)
        port.drain()
        began_s = time.monotonic()
        assert port.read(0.05) == b""
        assert time.monotonic() - began_s < 5
        connection.sendall(b"now")
        assert port.read(5) == b"now"
        port.close()
        port.close()
        with pytest.raises(ScannerGoneError):
            port.write(b"more")
        with pytest.raises(ScannerGoneError):
            port.read(0.1)
        connection.close()


def test_a_serial_port_says_its_speed(plugged_in) -> None:
    port = SerialPort(plugged_in().port, 115200)
    assert port.bytes_per_s == 11520
    port.close()
