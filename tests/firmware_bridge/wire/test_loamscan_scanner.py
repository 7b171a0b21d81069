"""The driver against a virtual scanner, over a real pseudo-terminal."""

from __future__ import annotations

import os
import threading
import tty
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge.drivers import open_scanner
from firmware_bridge.emulated.line_faults import LineFaults
from firmware_bridge.errors import (
    PortAbsentError,
    PortBusyError,
    PortDeniedError,
    PortError,
    ScannerFaultError,
    ScannerGoneError,
    ScannerSilentError,
)
from firmware_bridge.scan import Condition
from firmware_bridge.scanner import Scanner
from firmware_bridge.wire import loamscan_scanner
from firmware_bridge.wire.virtual_device import VirtualDevice

FAST = 921600


def at(path: str | Path) -> Scanner:
    return open_scanner(f"loamscan://{path}?baud={FAST}")


def _take(scanner, count, patience_s=10.0):
    taken = []
    for scan in scanner.scans(patience_s):
        scanner.acknowledge(scan)
        taken.append(scan)
        if len(taken) == count:
            return taken
    raise AssertionError


def test_scans_arrive_to_the_bit_with_their_labels(plugged_in, spectra):
    virtual = plugged_in(limit=4)
    with open_scanner(virtual.url) as scanner:
        scans = _take(scanner, 4)
        assert virtual.finished.wait(5)
    assert [scan.label for scan in scans] == spectra.labels
    assert [scan.number for scan in scans] == [1, 2, 3, 4]
    assert np.array([scan.values for scan in scans]).tobytes() == spectra.values.tobytes()
    assert all(scan.axis == spectra.axis for scan in scans)
    assert (scanner.counters.damaged, scanner.counters.repeated) == (0, 0)


def test_the_scanner_says_who_and_how_it_is(plugged_in):
    virtual = plugged_in(model="Soily", serial="42", trigger=False)
    with at(virtual.port) as scanner:
        assert (scanner.instrument.model, scanner.instrument.serial) == ("Soily", "42")
        assert "trigger" not in scanner.instrument.capabilities
        assert scanner.condition() == Condition("ready", 31.5, battery_pct=87)
        virtual.device.state = "warming up"
        assert scanner.condition().state == "warming up"
        with pytest.raises(ScannerFaultError, match="not warm yet"):
            scanner.measure()
        assert scanner.receive(timeout_s=0) is None


def test_a_scan_is_measured_when_asked_for(plugged_in, spectra):
    virtual = plugged_in(trigger=False)
    with at(virtual.port) as scanner:
        for label in ("A", "B"):
            scanner.measure()
            assert _take(scanner, 1)[0].label == label
        with pytest.raises(ScannerFaultError, match="no references"):
            scanner.measure("white")


def test_counts_give_the_reflectance_back_through_white_and_dark(plugged_in, spectra):
    virtual = plugged_in(mode="counts", limit=4)
    with at(virtual.port) as scanner:
        dark, white, *samples = _take(scanner, 6)
    assert [scan.role for scan in (dark, white, samples[0])] == ["dark", "white", "sample"]
    assert all(scan.kind == "counts" for scan in (dark, white, *samples))
    assert white.values.max() < white.full_scale
    for scan, truth in zip(samples, spectra.values, strict=True):
        found = (scan.values - dark.values) / (white.values - dark.values)
        np.testing.assert_allclose(found, truth, rtol=2e-5)


def test_on_a_noisy_line_every_scan_arrives_once_in_order(plugged_in, spectra):
    faults = LineFaults(damage=0.15, truncate=0.1, garbage=0.2, deafness=0.1, seed=3)
    virtual = plugged_in(limit=20, resend_s=0.02, faults=faults)
    with at(virtual.port) as scanner:
        scans = _take(scanner, 20)
        while not virtual.finished.is_set():
            assert scanner.receive(timeout_s=0.1) is None
    assert [scan.number for scan in scans] == list(range(1, 21))
    for i, scan in enumerate(scans):
        assert scan.values.tobytes() == spectra.values[i % 4].tobytes()
    assert scanner.counters.damaged > 0


def test_a_scan_not_acknowledged_is_delivered_once_and_not_forgotten(plugged_in):
    virtual = plugged_in(limit=1, resend_s=0.02)
    with at(virtual.port) as scanner:
        scan = scanner.receive(5)
        assert scan is not None
        while scanner.counters.repeated < 3:
            assert scanner.receive(0.1) is None
        assert not virtual.finished.is_set()
        scanner.acknowledge(scan)
        assert virtual.finished.wait(5)


def test_a_lost_acknowledgement_is_repeated(plugged_in, monkeypatch):
    virtual = plugged_in(limit=1, resend_s=0.02)
    with at(virtual.port) as scanner:
        scan = scanner.receive(5)
        with monkeypatch.context() as patched:
            patched.setattr(scanner._link, "send", lambda frame: None)
            scanner.acknowledge(scan)
        while not virtual.finished.is_set():
            assert scanner.receive(0.1) is None
        assert scanner.counters.repeated >= 1


def test_after_reopening_the_unacknowledged_scan_comes_again(plugged_in):
    virtual = plugged_in()
    with at(virtual.port) as scanner:
        _take(scanner, 2)
        first = scanner.receive(5)
    with at(virtual.port) as scanner:
        again = scanner.receive(5)
    assert (again.session, again.number) == (first.session, first.number)
    assert again.number == 3
    assert again.values.tobytes() == first.values.tobytes()


def test_a_scanner_switched_off_and_on_is_asked_again_who_it_is(plugged_in, spectra):
    virtual = plugged_in(seed=1)
    with at(virtual.port) as scanner:
        before = _take(scanner, 1)[0]
        reborn = VirtualDevice(spectra, mode="counts", scan_time_ms=0, seed=2)
        reborn._greeted = True
        virtual.device = reborn
        scan = next(s for s in scanner.scans(5) if s.session != before.session)
        assert (scan.number, scan.kind) == (1, "counts")
        assert scanner.instrument.session == scan.session


def test_unplugging_is_noticed_while_waiting_and_while_acknowledging(plugged_in):
    virtual = plugged_in(trigger=False)
    with at(virtual.port) as scanner:
        threading.Timer(0.05, virtual.close).start()
        with pytest.raises(ScannerGoneError, match="gone"):
            scanner.receive(10)
        with pytest.raises(ScannerGoneError):
            scanner.measure()
        scanner.close()
        scanner.close()


def test_a_port_where_nobody_answers_is_silent(monkeypatch):
    monkeypatch.setattr(loamscan_scanner, "RETRY_WAITS_S", (0.01, 0.02))
    master, slave = os.openpty()
    tty.setraw(slave)
    try:
        with pytest.raises(ScannerSilentError, match="Hello"):
            at(os.ttyname(slave))
        hello = bytes.fromhex("04010101070101043d5e9100")
        assert os.read(master, 4096) == (b"\0" + hello) * 2
    finally:
        os.close(master)
        os.close(slave)


def test_an_absent_port_names_the_ports_there_are(tmp_path):
    with pytest.raises(PortAbsentError, match="ports seen") as caught:
        at(tmp_path / "ttyNONE")
    assert "ttyNONE" in caught.value.what


def test_a_port_in_use_is_busy(plugged_in):
    virtual = plugged_in(trigger=False)
    with at(virtual.port), pytest.raises(PortBusyError, match="another program"):
        at(virtual.port)


def test_a_port_of_another_user_is_denied(plugged_in):
    virtual = plugged_in()
    Path(virtual.port).chmod(0o000)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # nobody: root may open anything
    try:
        with pytest.raises(PortDeniedError, match="dialout"):
            at(virtual.port)
    finally:
        os.seteuid(user)


def test_a_file_is_no_port(tmp_path):
    path = tmp_path / "file"
    path.write_text("no port")
    with pytest.raises(PortError, match="can't be opened"):
        at(path)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("spectro:///dev/ttyUSB0", "loamscan://"),
        ("/dev/ttyUSB0", "loamscan://"),
        ("loamscan://ttyUSB0", "HOST:PORT"),
        ("loamscan:ttyUSB0", "whole path"),
        ("loamscan://host:4001/dev/ttyUSB0", "HOST:PORT"),
        ("loamscan://host:99999", "HOST:PORT"),
        ("loamscan://me@host:4001", "HOST:PORT"),
        ("loamscan:///dev/ttyUSB0?speed=9", "unknown options: speed"),
        ("loamscan:///dev/ttyUSB0?baud=fast", "no rate"),
        ("loamscan:///dev/ttyUSB0?baud=0", "no rate"),
    ],
)
def test_a_url_that_names_no_scanner_says_what_would(url, why):
    with pytest.raises(PortError, match=why):
        open_scanner(url)


def test_a_url_may_set_the_rate(plugged_in):
    virtual = plugged_in()
    with open_scanner(f"{virtual.url}?baud={FAST}") as scanner:
        assert scanner._link._port._port.baudrate == FAST
