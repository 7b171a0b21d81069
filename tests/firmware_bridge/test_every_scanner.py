"""What holds for every driver, on a pseudo-terminal with its emulated device at the other end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from direct_line import KINDS, soils
from firmware_bridge.drivers import open_scanner
from firmware_bridge.emulated.line_faults import LineFaults
from firmware_bridge.emulated.pty_line import PtyLine
from firmware_bridge.errors import (
    ProtocolError,
    ScannerError,
    ScannerFaultError,
    ScannerGoneError,
    ScannerSilentError,
)
from firmware_bridge.nirone import scanner as nirone_scanner
from firmware_bridge.nirone.device import VirtualNirone
from firmware_bridge.nirscan import scanner as nirscan_scanner
from firmware_bridge.nirscan.device import VirtualNirscan
from firmware_bridge.wire import loamscan_scanner
from firmware_bridge.wire.virtual_scanner import VirtualScanner

VIRTUAL = {"loamscan": VirtualScanner, "nirone": VirtualNirone, "nirscan-nano": VirtualNirscan}
SLOW = {
    "loamscan": {"scan_time_ms": 5000},
    "nirone": {"measure_ms": 500},
    "nirscan-nano": {"scan_time_ms": 5000},
}
ASKED = ("nirone", "nirscan-nano")

every = pytest.mark.parametrize("name", KINDS)
asked = pytest.mark.parametrize("name", ASKED)


@pytest.fixture
def plug() -> Iterator:
    with ExitStack() as stack:

        def plugged(name: str, **options) -> PtyLine:
            own = {"trigger": False, "scan_time_ms": 0} if name == "loamscan" else {}
            device = VIRTUAL[name](soils(KINDS[name]), **{"baud": None, **own, **options})
            return stack.enter_context(device)

        yield plugged


@pytest.fixture
def hasty(monkeypatch) -> None:
    monkeypatch.setattr(loamscan_scanner, "RETRY_WAITS_S", (0.01, 0.02))
    for module, waits in (
        (nirone_scanner, {"REPLY_S": 0.05, "MEASURE_SLACK_S": 0.2}),
        (nirscan_scanner, {"REPLY_S": 0.05, "BUSY_S": 0.01, "SLACK_S": 0.5}),
    ):
        for wait, s in waits.items():
            monkeypatch.setattr(module, wait, s)


def measured(scanner):
    scanner.measure()
    scan = scanner.receive(10)
    assert scan is not None
    scanner.acknowledge(scan)
    return scan


def test_there_is_an_emulated_device_for_every_driver() -> None:
    from firmware_bridge.drivers import DRIVERS

    assert set(DRIVERS) == set(KINDS) == set(VIRTUAL)


@every
def test_a_scan_that_is_asked_for_comes(plug, name) -> None:
    with open_scanner(plug(name).url) as scanner:
        scan = measured(scanner)
        assert (scan.number, scan.role) == (1, "sample")
        assert scan.session == scanner.instrument.session
        assert len(scan.axis) == len(scan.values)
        assert "measure" in scanner.instrument.capabilities


@every
def test_without_asking_there_is_none(plug, name) -> None:
    with open_scanner(plug(name).url) as scanner:
        assert scanner.receive(0.05) is None


@every
def test_garbage_that_it_was_switched_on_with_is_passed_over(plug, name) -> None:
    with open_scanner(plug(name, faults=LineFaults(start_up=700, seed=4)).url) as scanner:
        assert scanner.instrument.serial.startswith("VIRTUAL")
        assert measured(scanner).number == 1


@every
def test_a_port_where_nobody_answers_is_silent_and_released(plug, hasty, name) -> None:
    virtual = plug(name, faults=LineFaults(deafness=1.0))
    for _ in range(2):
        with pytest.raises(ScannerSilentError, match=r"as a (loamscan scanner|NIRONE|NIRscan)"):
            open_scanner(virtual.url)


@every
@pytest.mark.parametrize("other", KINDS)
def test_a_device_of_another_protocol_is_not_taken_for_one(plug, hasty, name, other) -> None:
    if name == other:
        return
    url = plug(other).url.replace(f"{other}:", f"{name}:")
    with pytest.raises((ScannerSilentError, ProtocolError, ScannerFaultError)):
        open_scanner(url)


@every
def test_unplugging_is_noticed_while_nothing_happens(plug, name) -> None:
    virtual = plug(name)
    with open_scanner(virtual.url) as scanner:
        threading.Timer(0.05, virtual.close).start()
        # The loamscan driver waits on; the others come back when the line stirs.
        with pytest.raises(ScannerGoneError):
            _ = [scanner.receive(10) for _ in range(3)]
        with pytest.raises(ScannerGoneError):
            measured(scanner)
    scanner.close()


@every
def test_unplugging_is_noticed_in_the_midst_of_a_scan(plug, name) -> None:
    virtual = plug(name, **SLOW[name])
    with open_scanner(virtual.url) as scanner:
        threading.Timer(0.2, virtual.close).start()
        with pytest.raises(ScannerGoneError):
            measured(scanner)


@every
def test_a_cable_that_gets_nothing_right_is_given_up(plug, hasty, name) -> None:
    with pytest.raises(ScannerError):
        open_scanner(plug(name, faults=LineFaults(damage=1.0, seed=1)).url)


@every
def test_on_a_real_line_with_faults_values_are_right_or_there_are_none(plug, hasty, name) -> None:
    with open_scanner(plug(name).url) as scanner:
        known = {measured(scanner).values.tobytes() for _ in range(5)}
    rate = 0.02 / KINDS[name].parts
    virtual = plug(name, faults=LineFaults(*(rate,) * 7, seed=5))
    taken = 0
    with open_scanner(virtual.url) as scanner:
        for _ in range(10):
            with suppress(ProtocolError, ScannerFaultError, ScannerSilentError):
                assert measured(scanner).values.tobytes() in known
                taken += 1
    assert taken >= 5


@asked
@pytest.mark.parametrize("state", ["busy", "error"])
def test_what_a_device_refuses_is_told_and_later_it_may_not(plug, hasty, name, state) -> None:
    virtual = plug(name)
    with open_scanner(virtual.url) as scanner:
        virtual.device.state = state
        with pytest.raises(ScannerFaultError, match=r"says: Error|is busy|refuses command"):
            measured(scanner)
        virtual.device.state = "ready"
        assert measured(scanner).number == 1


@asked
def test_one_scan_is_asked_for_at_a_time(plug, name) -> None:
    with open_scanner(plug(name).url) as scanner:
        scanner.measure()
        with pytest.raises(ScannerFaultError, match="has a scan to give first"):
            scanner.measure()


@asked
def test_every_opening_is_a_session_of_its_own(plug, name) -> None:
    virtual, sessions = plug(name), set()
    for _ in range(2):
        with open_scanner(virtual.url) as scanner:
            sessions.add(scanner.instrument.session)
    assert len(sessions) == 2


@asked
def test_replies_to_older_questions_are_not_taken_for_answers(plug, hasty, name) -> None:
    with pytest.raises((ScannerSilentError, ProtocolError)):
        open_scanner(plug(name, faults=LineFaults(late_s=0.4)).url)
