"""The NIRscan Nano's driver against an emulated instrument: right values, or a fault in words."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.drivers import open_scanner
from firmware_bridge.errors import (
    ProtocolError,
    ScannerSilentError,
)
from firmware_bridge.files.spectra_files import SpectraFile
from firmware_bridge.nirscan import scanner as nirscan_scanner
from firmware_bridge.nirscan.device import VirtualNirscan
from firmware_bridge.nirscan.interpreted_file import POINTS_MAX, interpreted_scan
from firmware_bridge.scan import Condition, Scan
from soil.axis import Axis


@pytest.fixture(scope="session")
def soils() -> SpectraFile:
    nm = np.linspace(900, 1700, 228)
    values = np.stack([0.3 + 0.1 * np.sin(nm / (60 + 20 * i)) for i in range(4)])
    return SpectraFile(Axis("nm", nm), values.astype(np.float32), "reflectance", list("ABCD"))


@pytest.fixture
def plugged(soils) -> Iterator:
    with ExitStack() as stack:

        def plug(**options) -> VirtualNirscan:
            return stack.enter_context(VirtualNirscan(soils, **{"baud": None, **options}))

        yield plug


@pytest.fixture
def hasty(monkeypatch) -> None:
    for name, value in (("REPLY_S", 0.05), ("POLL_S", 0.005), ("BUSY_S", 0.01), ("SLACK_S", 0.5)):
        monkeypatch.setattr(nirscan_scanner, name, value)


def asked_for(scanner, role: str = "sample") -> Scan:
    scanner.measure(role)
    scan = scanner.receive(10)
    assert scan is not None
    scanner.acknowledge(scan)
    return scan


def test_it_says_who_it_is(plugged) -> None:
    with open_scanner(plugged().url) as scanner:
        who = scanner.instrument
        assert (who.model, who.serial, who.firmware) == ("NIRscan Nano", "VIRTUAL3", "2.1.0")
        assert who.capabilities == {"measure", "temperature", "humidity", "battery", "faults"}


def test_it_says_how_it_is_and_forgets_its_faults_when_told(plugged) -> None:
    virtual = plugged(scan_time_ms=0)
    with open_scanner(virtual.url) as scanner:
        well = Condition("ready", 31.5, humidity_pct=42.0, battery_v=3.95)
        assert scanner.condition() == well
        virtual.device.errors = 0x10201
        told = ("scan", "battery", "error bit 16")
        assert scanner.condition() == replace(well, state="fault", faults=told)
        scanner.forget_faults()
        assert scanner.condition() == well
        virtual.device.state = "busy"
        assert scanner.condition().state == "measuring"
        virtual.device.state = "error"
        assert scanner.condition().state == "fault"


def test_white_and_soils_give_their_reflectance_back_on_the_instruments_own_axis(
    plugged, soils
) -> None:
    with open_scanner(plugged(scan_time_ms=60).url) as scanner:
        white = asked_for(scanner, "white")
        for number in range(3):
            sample = asked_for(scanner)
            assert sample.values / white.values == pytest.approx(soils.values[number], rel=1e-3)
    assert sample.axis == soils.axis
    assert (sample.number, sample.kind, sample.temperature_c) == (4, "counts", 31.5)
    assert sample.scan_time_ms >= 60


def test_with_its_window_covered_it_sees_nothing(plugged) -> None:
    virtual = plugged()
    virtual.device.covered = True
    with open_scanner(virtual.url) as scanner:
        assert not asked_for(scanner, "dark").values.any()


def test_a_scan_that_does_not_end_is_given_up(plugged, hasty, monkeypatch) -> None:
    monkeypatch.setattr(nirscan_scanner, "SCAN_TIME_MAX_S", 0.1)
    with open_scanner(plugged(scan_time_ms=60_000).url) as scanner:
        scanner.measure()
        with pytest.raises(ScannerSilentError, match="does not finish its scan"):
            scanner.receive(10)


def content(nm, counts, count: int | None = None, head: int = 100, padding: int = 4) -> bytes:
    wavelengths, intensities = np.zeros(POINTS_MAX, "<f8"), np.zeros(POINTS_MAX, "<i4")
    wavelengths[: len(nm)], intensities[: len(counts)] = nm, counts
    tail = wavelengths.tobytes() + intensities.tobytes()
    return (
        bytes(head) + tail + struct.pack("<i", len(nm) if count is None else count) + bytes(padding)
    )


@given(st.integers(2, POINTS_MAX), st.integers(0, 600), st.sampled_from([0, 4]))
def test_a_file_is_read_from_its_end(count, head, padding) -> None:
    nm = np.linspace(900, 1700, count)
    counts = np.arange(count) - 5
    found = interpreted_scan(content(nm, counts, head=head, padding=padding))
    assert found.axis == Axis("nm", nm)
    assert np.array_equal(found.counts, counts)


@pytest.mark.parametrize(
    "spoilt",
    [
        b"",
        bytes(20_000),
        content(np.linspace(900, 1700, 228), np.zeros(228), count=0),
        content(np.linspace(900, 1700, 228), np.zeros(228), count=865),
        content(np.linspace(900, 1700, 228), np.zeros(228), count=229),
        content(np.linspace(1.0, 2.0, 228), np.zeros(228)),
        content(np.full(228, 1000.0), np.zeros(228)),
        content(np.full(228, np.nan), np.zeros(228)),
        content(np.linspace(900, 1700, 228), np.zeros(228))[1:-1],
    ],
)
def test_a_file_that_ends_otherwise_is_refused(spoilt) -> None:
    with pytest.raises(ProtocolError, match="ends in no interpreted scan"):
        interpreted_scan(spoilt)


@given(st.binary(max_size=300), st.integers(0, 12_000))
def test_no_file_crashes_the_reader(tail, size) -> None:
    try:
        found = interpreted_scan(bytes(size) + tail)
    except ProtocolError:
        return
    assert len(found.axis) == len(found.counts)
