"""The NIRONE driver against an emulated sensor: what it says is what was there, or a fault in words."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import pytest

from firmware_bridge.drivers import open_scanner
from firmware_bridge.errors import (
    ProtocolError,
)
from firmware_bridge.files.spectra_files import SpectraFile
from firmware_bridge.nirone import scanner as nirone_scanner
from firmware_bridge.nirone.device import VirtualNirone
from firmware_bridge.nirone.scanner import points_nm
from firmware_bridge.scan import Scan
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
