"""The NIRONE driver against an emulated sensor: what it says is what was there, or a fault in words."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import pytest

from firmware_bridge import nirone_scanner
from firmware_bridge.drivers import open_scanner
from firmware_bridge.errors import (
    ProtocolError,
    ScannerError,
    ScannerFaultError,
    ScannerGoneError,
    ScannerSilentError,
)
from firmware_bridge.line_faults import LineFaults
from firmware_bridge.nirone_device import VirtualNirone
from firmware_bridge.nirone_scanner import points_nm
from firmware_bridge.scan import Scan
from firmware_bridge.spectra_files import SpectraFile
from soil.axis import Axis


@pytest.fixture(scope="session")
def soils() -> SpectraFile:
    nm = np.linspace(2000, 2450, 46)
    values = np.stack([0.3 + 0.1 * np.sin(nm / (60 + 20 * i)) for i in range(4)])
    return SpectraFile(Axis("nm", nm), values.astype(np.float32), "reflectance", list("ABCD"))


@pytest.fixture
def plugged(soils) -> Iterator:
    with ExitStack() as stack:

        def plug(**options) -> VirtualNirone:
            return stack.enter_context(VirtualNirone(soils, **{"baud": None, **options}))

        yield plug


@pytest.fixture
def hasty(monkeypatch) -> None:
    for name, value in (("REPLY_S", 0.05), ("MEASURE_SLACK_S", 0.2), ("SETTLE_S", 0.002)):
        monkeypatch.setattr(nirone_scanner, name, value)


def asked_for(scanner, role: str = "sample") -> Scan:
    scanner.measure(role)
    scan = scanner.receive(10)
    assert scan is not None
    scanner.acknowledge(scan)
    return scan


def reflectance(dark: Scan, white: Scan, sample: Scan) -> np.ndarray:
    return (sample.values - dark.values) / (white.values - dark.values)


def expected(soils: SpectraFile, number: int, axis: Axis) -> np.ndarray:
    return soils.axis.resample(soils.values[number], axis)


def test_it_says_who_it_is_and_where_it_measures(plugged) -> None:
    with open_scanner(plugged().url) as scanner:
        who = scanner.instrument
        assert (who.model, who.serial, who.firmware) == ("NIRONE (virtual)", "VIRTUAL-2", "1.0")
        assert who.capabilities == {"measure", "lamp", "temperature"}
        scan = asked_for(scanner, "dark")
    assert scan.axis == Axis("nm", np.arange(2000.0, 2451.0, 5.0))


def test_dark_white_and_soils_give_their_reflectance_back(plugged, soils) -> None:
    with open_scanner(plugged().url) as scanner:
        dark, white = asked_for(scanner, "dark"), asked_for(scanner, "white")
        for number in range(3):
            sample = asked_for(scanner)
            found = reflectance(dark, white, sample)
            assert found == pytest.approx(expected(soils, number, sample.axis), rel=2e-3)
    assert [scan.role for scan in (dark, white, sample)] == ["dark", "white", "sample"]
    assert [scan.number for scan in (dark, white, sample)] == [1, 2, 5]
    assert (sample.kind, sample.temperature_c, sample.battery_pct) == ("counts", 31.5, None)
    assert dark.session == sample.session


def test_the_lamp_is_waited_for_and_put_out(plugged) -> None:
    virtual = plugged(warm_up_ms=300)
    with open_scanner(virtual.url) as scanner:
        assert virtual.device._lamp == 0
        began_s = time.monotonic()
        asked_for(scanner, "white")
        assert time.monotonic() - began_s >= 0.3
        assert virtual.device._lamp == 100
        asked_for(scanner, "dark")
        assert virtual.device._lamp == 0
        asked_for(scanner, "white")
    for _ in range(100):
        if virtual.device._lamp == 0:
            return
        time.sleep(0.02)
    pytest.fail("the lamp burns on")


def test_nothing_comes_that_was_not_asked_for(plugged) -> None:
    with open_scanner(plugged().url) as scanner:
        assert scanner.receive(0.05) is None
        scanner.measure("dark")
        with pytest.raises(ScannerFaultError, match="has a scan to give first"):
            scanner.measure("dark")


def test_every_opening_is_a_session_of_its_own(plugged) -> None:
    virtual = plugged()
    sessions = set()
    for _ in range(2):
        with open_scanner(virtual.url) as scanner:
            sessions.add(scanner.instrument.session)
    assert len(sessions) == 2


@pytest.mark.parametrize("state", ["busy", "error"])
def test_what_the_sensor_refuses_is_told_in_its_words(plugged, state) -> None:
    virtual = plugged()
    with open_scanner(virtual.url) as scanner:
        virtual.device.state = state
        scanner.measure("dark")
        with pytest.raises(ScannerFaultError, match=f"says: Error: {state}"):
            scanner.receive(10)
        virtual.device.state = "ready"
        assert asked_for(scanner, "dark").role == "dark"


def test_garbage_at_its_start_is_passed_over(plugged) -> None:
    with open_scanner(plugged(faults=LineFaults(start_up=300)).url) as scanner:
        assert scanner.instrument.serial == "VIRTUAL-2"


def test_unplugging_is_noticed(plugged) -> None:
    virtual = plugged()
    with open_scanner(virtual.url) as scanner:
        threading.Timer(0.05, virtual.close).start()
        with pytest.raises(ScannerGoneError):
            scanner.receive(10)
        scanner.measure("dark")
        with pytest.raises(ScannerGoneError):
            scanner.receive(10)
    scanner.close()


def test_unplugging_is_noticed_in_the_midst_of_a_measurement(plugged) -> None:
    virtual = plugged(measure_ms=100)
    with open_scanner(virtual.url) as scanner:
        scanner.measure("dark")
        threading.Timer(0.2, virtual.close).start()
        with pytest.raises(ScannerGoneError):
            scanner.receive(10)


def test_a_port_where_nobody_answers_is_silent(plugged, hasty) -> None:
    virtual = plugged(faults=LineFaults(deafness=1.0))
    with pytest.raises(ScannerSilentError, match="answers h0 as a NIRONE sensor"):
        open_scanner(virtual.url)


def test_a_scanner_of_another_protocol_is_none(plugged_in, hasty) -> None:
    url = plugged_in(trigger=False).url.replace("loamscan:", "nirone:")
    with pytest.raises((ScannerSilentError, ProtocolError)):
        open_scanner(url)


def test_replies_to_older_questions_are_not_taken_for_answers(plugged, hasty, soils) -> None:
    """Each reply comes after its question was given up."""
    with pytest.raises((ScannerSilentError, ProtocolError)):
        open_scanner(plugged(late_s=0.08).url)


def test_a_cable_that_hears_nothing_right_is_given_up(plugged, hasty) -> None:
    with pytest.raises(ScannerError):
        open_scanner(plugged(faults=LineFaults(damage=1.0, seed=1)).url)


@pytest.mark.parametrize(
    "faults",
    [
        LineFaults(damage=0.01), LineFaults(drop=0.01), LineFaults(double=0.01),
        LineFaults(truncate=0.01), LineFaults(garbage=0.01), LineFaults(deafness=0.01),
        LineFaults(mishearing=0.01), LineFaults(0.003, 0.003, 0.003, 0.003, 0.003, 0.003, 0.003),
    ],
    ids=["damage", "drop", "double", "truncate", "garbage", "deafness", "mishearing", "all"],
)  # fmt: skip
def test_on_a_noisy_line_values_are_right_or_there_are_none(plugged, hasty, soils, faults) -> None:
    with open_scanner(plugged(faults=faults).url) as scanner:
        dark, white = asked_for(scanner, "dark"), asked_for(scanner, "white")
        for number in range(4):
            sample = asked_for(scanner)
            found = reflectance(dark, white, sample)
            assert found == pytest.approx(expected(soils, number, sample.axis), rel=2e-3)


@pytest.mark.parametrize(
    ("low", "high", "count"), [(2000, 2450, 91), (1997.3, 2451, 91), (1550, 1950, 81)]
)
def test_points_are_whole_steps_within_the_range(low, high, count) -> None:
    points = points_nm(low, high)
    assert len(points) == count
    assert low <= points[0]
    assert points[-1] <= high
    assert np.all(points % 5 == 0)


@pytest.mark.parametrize(
    ("low", "high"), [(0, 0), (2450, 2000), (100, 9000), (-10, 50), (2000, 2004)]
)
def test_a_range_that_can_t_be_is_refused(low, high) -> None:
    with pytest.raises(ProtocolError, match="has no points"):
        points_nm(low, high)
