"""The daemon and its surroundings: a scanner that comes and goes, a bad cable, a start that can't be."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from vendor_exports import GRIDS_CM1, export

from firmware_bridge.emulated.line_faults import LineFaults
from firmware_bridge.files.spectra_files import SpectraFile
from firmware_bridge.wire.virtual_scanner import VirtualScanner
from parts import QUICK, DaemonProcess, collector, delivered, until


@pytest.fixture
def service_manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Where systemd would listen: a path of its own, since that of a test may be too long for one."""
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening,
    ):
        path = str(Path(folder, "notify"))
        listening.bind(path)
        listening.settimeout(20.0)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        yield listening


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


@pytest.mark.parametrize("ends", [signal.SIGABRT, signal.SIGSEGV])
def test_systemd_hears_that_the_daemon_lives_and_the_journal_where_it_was_ended(
    daemon: DaemonProcess, service_manager: socket.socket, ends: int
) -> None:
    daemon.start()
    assert [service_manager.recv(64) for _ in range(3)] == 3 * [b"READY=1\nWATCHDOG=1"]
    daemon.send(ends)
    assert daemon.wait() == -ends
    assert "edge/service.py" in daemon.said
    daemon.start()
    while service_manager.recv(64) != b"READY=1\nWATCHDOG=1":
        pass
    assert daemon.stop() == 0
    while service_manager.recv(64) != b"STOPPING=1":
        pass


def test_a_daemon_with_nowhere_to_say_anything_serves(
    daemon: DaemonProcess, service_manager: socket.socket
) -> None:
    daemon.start()
    assert service_manager.recv(64) == b"READY=1\nWATCHDOG=1"
    assert daemon.stop() == 0
    while service_manager.recv(64) != b"STOPPING=1":
        pass
    call = 'exec "$0" -m loamscan run --config "$1" 2>&-'
    config = daemon.folder / "loamscan.toml"
    with subprocess.Popen(["sh", "-c", call, sys.executable, config]) as mute:
        assert service_manager.recv(64) == b"READY=1\nWATCHDOG=1"
        mute.terminate()
    assert mute.returncode == 0


def test_a_service_manager_that_does_not_listen_keeps_nobody_from_scanning(
    daemon: DaemonProcess, service_manager: socket.socket, broker_port: int, soils: SpectraFile
) -> None:
    daemon.settings["mqtt"]["port"] = broker_port
    link = daemon.folder / "scanner"
    daemon.folder.mkdir()
    daemon.settings["scanner"]["url"] = f"loamscan://{link}"
    with collector(broker_port) as readings:
        daemon.start()
        assert service_manager.recv(64) == b"READY=1\nWATCHDOG=1"
        service_manager.close()
        with VirtualScanner(soils, limit=2, link=link, **QUICK) as scanner:
            assert scanner.finished.wait(20)
        until(lambda: len(readings) == 2)
        assert daemon.running
        assert daemon.stop() == 0


def test_a_folder_is_taken_from_once_whatever_happens_to_stick_and_daemon(
    daemon: DaemonProcess, broker_port: int, soils: SpectraFile
) -> None:
    stick = daemon.folder / "stick"
    daemon.settings["device"]["id"] = "ls-stick"
    daemon.settings["mqtt"]["port"] = broker_port
    daemon.settings["scanner"]["url"] = f"folder:{stick}"
    nm = np.sort(1e7 / GRIDS_CM1[0])
    on_grid = [np.interp(nm, soils.axis.values_in("nm")[::-1], row[::-1]) for row in soils.values]
    percent = 100 * np.array(on_grid)
    daemon.folder.mkdir()
    with collector(broker_port) as readings:
        daemon.start()
        until(lambda: "there is no folder" in daemon.said)
        stick.mkdir()
        export(stick / "a.csv", percent[:2], ["F7-1", "F7-2"], headers=nm)
        until(lambda: len(readings) == 2)
        stick.rename(stick.parent / "pocket")
        until(lambda: "is gone" in daemon.said)
        export(
            stick.parent / "pocket" / "b.xlsx", percent[:3], ["F7-1", "F7-2", "F7-3"], headers=nm
        )
        (stick.parent / "pocket" / "c.csv").write_text("not,what\nit,says\n")
        (stick.parent / "pocket").rename(stick)
        until(lambda: len(readings) == 3)
        until(lambda: "c.csv holds is not declared" in daemon.said)
        daemon.kill()
        export(stick / "d.csv", percent[2:4], ["F7-3", "F7-4"], headers=nm)
        daemon.start()
        until(lambda: len(readings) == 4)
    assert [r.sample.id for r in readings] == ["F7-1", "F7-2", "F7-3", "F7-4"]
    assert {r.scanner.serial for r in readings} == {"21020058"}
    assert {r.measured_at.isoformat() for r in readings} == {"2026-05-04T09:12:31+00:00"}
    assert {(r.time_quality, r.historical) for r in readings} == {("unknown", True)}


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
