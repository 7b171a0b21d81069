"""What holds for whatever a URL opens, on a wire or not."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from vendor_exports import export, percent

from direct_line import KINDS, soils
from firmware_bridge.drivers import DRIVERS, open_scanner
from firmware_bridge.errors import ScannerFaultError, ScannerGoneError
from firmware_bridge.files import folder_scanner
from firmware_bridge.nirone.device import VirtualNirone
from firmware_bridge.nirscan.device import VirtualNirscan
from firmware_bridge.scan import Condition, Scan
from firmware_bridge.scanner import Scanner
from firmware_bridge.wire.virtual_scanner import VirtualScanner

SOURCES = (*DRIVERS, "pushed", "folder", "replay")


@dataclass
class Source:
    """Something to open, and to take away."""

    url: str
    take_away: Callable[[], None]


def taken(scanner: Scanner) -> Scan:
    if "measure" in scanner.instrument.capabilities and "trigger" not in (
        scanner.instrument.capabilities
    ):
        scanner.measure()
    scan = scanner.receive(10.0)
    assert scan is not None
    scanner.acknowledge(scan)
    return scan


@pytest.fixture(params=SOURCES)
def source(request, tmp_path, monkeypatch) -> Iterator[Source]:
    monkeypatch.setattr(folder_scanner, "SETTLE_S", 0.0)
    with ExitStack() as stack:
        yield made(request.param, tmp_path, stack)


def made(name: str, folder: Path, stack: ExitStack) -> Source:
    if name == "folder":
        exports = folder / "exports"
        exports.mkdir()
        export(exports / "a.csv", percent(4))
        return Source(f"folder:{exports}", lambda: shutil.rmtree(exports))
    if name == "replay":
        recording = folder / "session.jsonl"
        recorded = made("loamscan", folder, stack)
        with open_scanner(recorded.url, record=recording) as scanner:
            scanner.condition()
            for _ in range(3):
                taken(scanner)
        return Source(f"replay:{recording}", lambda: None)
    virtual: VirtualScanner | VirtualNirone | VirtualNirscan
    if name == "nirone":
        virtual = VirtualNirone(soils(KINDS[name]), None)
    elif name == "nirscan-nano":
        virtual = VirtualNirscan(soils(KINDS[name]), None)
    else:
        virtual = VirtualScanner(
            soils(KINDS["loamscan"]), baud=None, scan_time_ms=0, trigger=name == "pushed"
        )
    stack.enter_context(virtual)
    return Source(virtual.url, virtual.close)


def test_it_says_what_it_is_and_how_it_is_and_gives_scans_each_with_a_name_of_its_own(
    source,
) -> None:
    with open_scanner(source.url) as scanner:
        condition = scanner.condition()
        scans = [taken(scanner) for _ in range(3)]
        who = scanner.instrument
    assert isinstance(condition, Condition)
    assert who.model
    assert who.serial
    assert len({(scan.session, scan.number) for scan in scans}) == 3
    for scan in scans:
        assert scan.values.shape == (len(scan.axis),)
        assert scan.values.dtype == np.float32
        assert np.isfinite(scan.values).all()


def test_what_it_can_be_asked_for_is_data_and_the_rest_is_told_in_words(source) -> None:
    with open_scanner(source.url) as scanner:
        able = scanner.instrument.capabilities
        if "faults" not in able:
            with pytest.raises(ScannerFaultError, match="keeps no faults"):
                scanner.forget_faults()
        if "measure" not in able:
            with pytest.raises(ScannerFaultError, match="can't be asked for a sample scan"):
                scanner.measure()


def test_once_it_is_taken_away_or_at_its_end_it_is_gone(source) -> None:
    with open_scanner(source.url) as scanner:
        scanner.condition()
        for _ in range(3):
            taken(scanner)
        source.take_away()
        with pytest.raises(ScannerGoneError):
            _ = [scanner.receive(1.0) for _ in range(50)]


def test_closing_it_twice_does_no_harm_and_lets_others_open_it(source) -> None:
    for _ in range(2):
        scanner = open_scanner(source.url)
        scanner.close()
        scanner.close()
