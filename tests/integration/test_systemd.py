"""The service under a real systemd: a manager of its own, in a mount namespace of its own."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge.errors import LogError
from edge.log_file import newest_records
from edge.updates.sources import Folder
from firmware_bridge.files.spectra_files import SpectraFile
from firmware_bridge.wire.virtual_scanner import VirtualScanner
from fleet_devices import Device, Operated, bundle
from fleets import Fleet
from parts import QUICK, REPOSITORY, DaemonProcess, need, until

STOPS_S = 4.0
QUICKER = {"RestartSec": 1, "WatchdogSec": 4, "TimeoutStopSec": STOPS_S}
"""What the unit's times are for a test."""

KEPT = ("Type", "NotifyAccess", "Restart", "StartLimitIntervalSec", "LimitCORE")
"""What a user's manager can do of the unit; the rest is for the system's."""


@dataclass
class Manager:
    """A systemd that serves one user, and the environment to reach it in."""

    process: subprocess.Popen[bytes]
    environment: dict[str, str]

    def ctl(self, *words: str) -> str:
        within = [need("nsenter"), "-m", "-t", str(self.process.pid), need("systemctl"), "--user"]
        done = subprocess.run(
            [*within, *words], env=self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    def shown(self, name: str) -> str:
        return self.ctl("show", "loamscan.service", "--value", "-p", name).strip()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    systemd = need("/lib/systemd/systemd")
    if subprocess.run([need("unshare"), "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespace may be made here")
    with tempfile.TemporaryDirectory() as runtime:
        environment = {
            **os.environ,
            "XDG_RUNTIME_DIR": runtime,
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
        }
        # It asks this folder whether the machine is systemd's.
        script = "mount -t tmpfs none /run && mkdir -p /run/systemd/system && exec "
        with (tmp_path / "systemd.txt").open("wb") as said:
            process = subprocess.Popen(
                [need("unshare"), "-m", "sh", "-c", f"{script} {systemd} --user"],
                env=environment, stdout=said, stderr=said,
            )  # fmt: skip
        try:
            until_s = time.monotonic() + 15.0
            while not Path(runtime, "systemd", "private").exists():
                if process.poll() is not None or time.monotonic() > until_s:
                    pytest.skip(f"no systemd here: {(tmp_path / 'systemd.txt').read_text()}")
                time.sleep(0.05)
            yield Manager(process, environment)
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture
def service(
    manager: Manager, daemon: DaemonProcess, soils: SpectraFile, tmp_path: Path
) -> Iterator[Manager]:
    """The daemon as a service of the manager's, with a scanner that scans without end."""
    link = daemon.folder / "scanner"
    daemon.settings["scanner"]["url"] = f"loamscan://{link}"
    daemon.settings["updates"] = {"directory": "updates", "root": "root.json"}
    config = daemon.write()
    lines = (REPOSITORY / "deploy" / "loamscan.service").read_text().splitlines()
    unit = [line for line in lines if line.startswith("[") or line.partition("=")[0] in KEPT]
    call = [sys.executable, "-m", "loamscan", "run", "--config", str(config)]
    at = unit.index("[Service]") + 1
    unit[at:at] = [
        f"ExecStart={shlex.join(call)}",
        f"WorkingDirectory={REPOSITORY}",
        f"StandardError=append:{daemon.folder}/daemon.txt",
        *(f"{name}={value:g}" for name, value in QUICKER.items()),
    ]
    folder = tmp_path / "config" / "systemd" / "user"
    folder.mkdir(parents=True)
    (folder / "loamscan.service").write_text("\n".join(unit) + "\n")
    with VirtualScanner(soils, link=link, **{**QUICK, "scan_time_ms": 50}):
        manager.ctl("daemon-reload")
        manager.ctl("start", "loamscan.service")
        yield manager
        manager.ctl("stop", "loamscan.service")
        assert manager.shown("Result") == "success"


def newest(daemon: DaemonProcess) -> tuple[str, int]:
    """Version of the bundle behind the newest reading, and its ``seq``."""
    try:
        (record,) = map(json.loads, newest_records(daemon.log_folder, 1))
    except (LogError, ValueError):
        return "", 0
    return record["model"]["version"], record["seq"]


def test_a_switch_of_bundles_is_no_end_of_the_service(
    service: Manager, daemon: DaemonProcess, tmp_path: Path
) -> None:
    operated = Operated(Fleet(tmp_path / "fleet"), tmp_path)
    device = Device(daemon.folder, operated.folder, "ls-0001")
    until(lambda: newest(daemon)[0] == "1.0.0", what="a reading")
    began_as = service.shown("MainPID")
    operated.publish(bundle("1.1.0"))
    operated.roll_out("1.1.0")
    device.apply(Folder(operated.folder), without_live=True)
    until(lambda: newest(daemon)[0] == "1.1.0", what="the new bundle")
    time.sleep(STOPS_S + 2.0)
    assert service.shown("SubState") == "running"
    assert (service.shown("MainPID"), service.shown("NRestarts")) == (began_as, "0")


def test_a_daemon_that_is_held_up_is_ended_and_started_anew(
    service: Manager, daemon: DaemonProcess
) -> None:
    until(lambda: newest(daemon)[1] > 0, what="a reading")
    began_as = service.shown("MainPID")
    os.kill(int(began_as), signal.SIGSTOP)
    until(lambda: service.shown("NRestarts") == "1", what="another daemon")
    until(lambda: service.shown("SubState") == "running", what="a daemon that serves")
    assert service.shown("MainPID") != began_as
    seq = newest(daemon)[1]
    until(lambda: newest(daemon)[1] > seq, what="readings again")
