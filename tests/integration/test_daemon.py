"""The daemon and its surroundings: a scanner that comes and goes, a bad cable, a start that can't be."""

from __future__ import annotations

import pytest

from firmware_bridge.line_faults import LineFaults
from firmware_bridge.spectra_files import SpectraFile
from firmware_bridge.virtual_scanner import VirtualScanner
from parts import QUICK, DaemonProcess, collector, delivered, until


def test_an_absent_scanner_is_said_once_and_used_when_it_comes(
    daemon: DaemonProcess, broker_port: int, soils: SpectraFile
) -> None:
    daemon.settings["device"]["id"] = "ls-plug"
    daemon.settings["mqtt"]["port"] = broker_port
    link = daemon.folder / "scanner"
    daemon.folder.mkdir()
    daemon.settings["scanner"]["url"] = f"loamscan://{link}"
    with collector(broker_port) as readings:
        daemon.start()
        until(lambda: "there is no port" in daemon.said)
        for count in (2, 4):
            with VirtualScanner(soils, limit=2, link=link, **QUICK) as scanner:
                assert scanner.finished.wait(20)
            until(lambda count=count: len(readings) == count)
        assert daemon.running
    assert [r.seq for r in readings] == [1, 2, 3, 4]


def test_a_noisy_wire_loses_no_scan_and_changes_none(
    daemon: DaemonProcess, broker_port: int, soils: SpectraFile
) -> None:
    daemon.settings["device"]["id"] = "ls-noisy"
    daemon.settings["mqtt"]["port"] = broker_port
    faults = LineFaults(damage=0.2, truncate=0.1, garbage=0.1, seed=7)
    with (
        VirtualScanner(soils, limit=30, faults=faults, **{**QUICK, "resend_s": 0.05}) as scanner,
        collector(broker_port) as readings,
    ):
        daemon.settings["scanner"]["url"] = scanner.url
        daemon.start()
        until(lambda: delivered(daemon, 30), timeout_s=60, what="thirty scans over a bad cable")
    mine = [r for r in readings if r.device.id == "ls-noisy"]
    expected = [soils.labels[i % len(soils.labels)] for i in range(30)]
    assert [r.sample.id for r in mine] == expected
    assert "damaged frames" in daemon.said


@pytest.mark.parametrize("gone", [False, True])
def test_a_sample_that_nothing_follows_closes_whether_the_scanner_is_quiet_or_gone(
    daemon: DaemonProcess, broker_port: int, soils: SpectraFile, gone: bool
) -> None:
    daemon.settings["device"]["id"] = "ls-gone" if gone else "ls-quiet"
    daemon.settings["mqtt"]["port"] = broker_port
    daemon.settings["sample"] = {"replicates": 3, "timeout_s": 1.0}
    with (
        VirtualScanner(soils, limit=1, **QUICK) as scanner,
        collector(broker_port) as readings,
    ):
        daemon.settings["scanner"]["url"] = scanner.url
        daemon.start()
        assert scanner.finished.wait(20)
        if gone:
            scanner.close()
        until(lambda: [r for r in readings if r.device.id == daemon.settings["device"]["id"]])
    (reading,) = (r for r in readings if r.device.id == daemon.settings["device"]["id"])
    assert [reason.code for reason in reading.quality.reasons] == ["scan.replicates_missing"]


def test_a_second_daemon_on_the_same_log_is_refused(
    daemon: DaemonProcess, broker_port: int
) -> None:
    daemon.settings["mqtt"]["port"] = broker_port
    daemon.start()
    until(lambda: "there is no port" in daemon.said)
    second = DaemonProcess(daemon.folder, daemon.settings)
    second.start()
    assert second.wait() == 1
    assert "another daemon owns the record log" in second.said
    assert daemon.stop() == 0


@pytest.mark.parametrize(
    ("section", "key", "value", "says"),
    [
        ("model", "bundle", "absent.loam", "absent.loam can't be read"),
        ("mqtt", "hots", "x", "[mqtt] has an unknown key 'hots'"),
        ("log", "directory", "/proc/nowhere", "can't hold the record log"),
        ("scanner", "url", "loamscan://[", "is no URL"),
        ("scanner", "url", "loamscann:///dev/x", "names no known scanner driver"),
    ],
)
def test_a_daemon_that_can_not_serve_says_why_and_ends(
    daemon: DaemonProcess, section: str, key: str, value: str, says: str
) -> None:
    daemon.settings.setdefault(section, {})[key] = value
    daemon.start()
    assert daemon.wait() == 1
    assert says in daemon.said
    assert "Traceback" not in daemon.said
