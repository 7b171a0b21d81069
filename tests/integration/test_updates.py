"""A daemon in a fleet: it takes up what the updater switches to, tells of it, and goes back by itself."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from contract.topics import Topics
from edge.errors import UpdateError
from edge.updates.sources import Folder
from firmware_bridge.files.spectra_files import SpectraFile
from firmware_bridge.wire.virtual_scanner import VirtualScanner
from fleet_devices import NAME, Device, Operated, bundle
from fleets import Fleet
from parts import QUICK, DaemonProcess, Ear, until
from update_page import ROWS, Row, state_name


@dataclass
class Field:
    """A device at work, its broker's ear, and its fleet's operator."""

    operated: Operated
    device: Device
    daemon: DaemonProcess
    ear: Ear
    topics: Topics

    def ships(self, version: str) -> None:
        """The operator ships a version, and the device applies it from a stick."""
        self.operated.publish(bundle(version))
        self.operated.roll_out(version)
        self.device.apply(Folder(self.operated.folder), without_live=True)

    def reads_with(self) -> str:
        """The version behind the newest reading."""
        records = self.ear.on(self.topics.records)
        return json.loads(records[-1])["model"]["version"] if records else ""

    def standing(self) -> dict:
        """What the retained status says of updates."""
        statuses = self.ear.on(self.topics.status)
        return json.loads(statuses[-1]).get("update") or {} if statuses else {}

    def reasons(self) -> list[str]:
        """Reasons of the events about updates."""
        found = [json.loads(e)["reason"]["code"] for e in self.ear.on(self.topics.events)]
        return [code for code in found if code.startswith("update.")]


@pytest.fixture
def field(
    daemon: DaemonProcess, broker_port: int, soils: SpectraFile, tmp_path: Path, request
) -> Iterator[Field]:
    name = f"ls-{request.node.name[5:40].replace('_', '-')}"
    operated = Operated(Fleet(tmp_path / "fleet"), tmp_path)
    device = Device(daemon.folder, operated.folder, name)
    link = daemon.folder / "scanner"
    daemon.settings["device"]["id"] = name
    daemon.settings["mqtt"]["port"] = broker_port
    daemon.settings["mqtt"]["confirm"] = "broker"
    daemon.settings["scanner"]["url"] = f"loamscan://{link}"
    daemon.settings["updates"] = {
        "directory": "updates", "root": "root.json", "probation_s": 600.0,
    }  # fmt: skip
    ear = Ear(broker_port)
    with VirtualScanner(soils, link=link, **{**QUICK, "scan_time_ms": 50}):
        at_work = Field(operated, device, daemon, ear, Topics(name))
        yield at_work
        seqs = {json.loads(record)["seq"] for record in ear.on(at_work.topics.records)}
        assert seqs == set(range(1, max(seqs) + 1))
        row = Row.of(request.node.name)
        row.outcome = ", ".join(f"`{code}`" for code in at_work.reasons())
        row.state, row.with_daemon = _state(device), True
        row.runs = at_work.reads_with()
        ROWS.append(row)
    ear.close()


def _state(device: Device) -> str:
    try:
        return state_name(device.state)
    except UpdateError:
        return "unreadable"


def test_the_daemon_takes_up_a_bundle_while_it_scans_and_commits_it(field: Field) -> None:
    field.daemon.settings["updates"]["probation_s"] = 1.0
    field.daemon.start()
    until(lambda: field.reads_with() == "1.0.0")
    field.ships("1.1.0")
    until(lambda: field.reads_with() == "1.1.0")
    until(lambda: field.standing().get("step") == "committed")
    until(lambda: "update.committed" in field.reasons())
    assert field.reasons() == [
        "update.fetched", "update.proved", "update.switched", "update.committed",
    ]  # fmt: skip
    assert field.standing()["version"] == "1.1.0"
    status = json.loads(field.ear.on(field.topics.status)[-1])
    assert status["bundle_version"] == "1.1.0"
    assert status["scanner"]["serial"] == "VIRTUAL-1"
    assert field.daemon.stop() == 0
    until(lambda: not field.device.state.events)


def test_a_bundle_with_which_the_daemon_ends_again_and_again_is_left(field: Field) -> None:
    field.daemon.start()
    until(lambda: field.reads_with() == "1.0.0")
    field.ships("1.1.0")
    until(lambda: field.reads_with() == "1.1.0")
    for number in (signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT, signal.SIGKILL):
        starts = field.device.state.starts
        assert field.daemon._process is not None
        os.kill(field.daemon._process.pid, number)
        field.daemon.wait()
        field.daemon.start()
        until(lambda starts=starts: field.device.state.starts != starts, what="a start")
        if field.device.state.running == "factory":
            break
    until(lambda: field.reads_with() == "1.0.0", what="the bundle before")
    until(lambda: "update.crashed" in field.reasons())
    assert field.standing()["step"] == "rolled back"
    assert field.device.updater().check(Folder(field.operated.folder)).offer is None


def test_a_device_that_dies_is_there_as_it_was_last(field: Field) -> None:
    def will() -> dict:
        return json.loads(field.ear.on(field.topics.status)[-1])

    field.daemon.start()
    until(lambda: field.reads_with() == "1.0.0")
    field.ships("1.1.0")
    until(lambda: field.reads_with() == "1.1.0")
    field.daemon.kill()
    until(lambda: will()["status"] == "offline", what="the will")
    assert (will()["update"]["step"], will()["update"]["version"]) == ("probation", "1.1.0")
    assert will()["scanner"]["serial"] == "VIRTUAL-1"
    field.daemon.settings["updates"]["probation_s"] = 1.0
    field.daemon.start()
    until(lambda: field.standing().get("step") == "committed")
    until(lambda: "update.committed" in field.reasons())
    field.daemon.kill()
    until(lambda: will()["status"] == "offline", what="the will")
    assert will()["update"]["step"] == "committed"


def test_a_bundle_that_can_not_be_read_any_more_gives_way_at_the_start(field: Field) -> None:
    field.daemon.start()
    until(lambda: field.reads_with() == "1.0.0")
    field.ships("1.1.0")
    until(lambda: field.reads_with() == "1.1.0")
    assert field.daemon.stop() == 0
    path = field.device.updater().store.slot("a") / "bundle.loam"
    path.write_bytes(path.read_bytes()[:-1])
    field.daemon.start()
    until(lambda: field.reads_with() == "1.0.0", what="the bundle before")
    until(lambda: "update.failing" in field.reasons())
    assert "no zip archive" in field.standing()["reason"]["text"]


def test_a_daemon_killed_in_a_trial_and_an_operator_who_goes_back(field: Field) -> None:
    field.device.settings["trial_scans"] = 5
    field.daemon.start()
    until(lambda: field.reads_with() == "1.0.0")
    field.operated.publish(bundle("1.1.0"))
    field.operated.roll_out("1.1.0")
    state = field.device.apply(Folder(field.operated.folder))
    assert state.candidate is not None
    assert state.candidate.step == "trial"
    field.daemon.kill()
    field.daemon.start()
    before = len(field.ear.on(field.topics.records))
    until(lambda: len(field.ear.on(field.topics.records)) > before + 10)
    assert field.reads_with() == "1.0.0"
    assert field.device.apply(Folder(field.operated.folder)).probation is not None
    until(lambda: field.reads_with() == "1.1.0")
    field.device.updater().rollback()
    until(lambda: field.reads_with() == "1.0.0")
    until(lambda: "update.rolled_back" in field.reasons())


def test_two_updates_and_the_way_back_to_the_first(field: Field) -> None:
    field.daemon.settings["updates"]["probation_s"] = 1.0
    field.daemon.start()
    for version in ("1.1.0", "1.2.0"):
        field.ships(version)
        until(lambda version=version: field.reads_with() == version)
        until(lambda: field.standing().get("step") == "committed")
    state = field.device.updater().rollback()
    assert state.release is not None
    assert (state.release.bundle, state.release.version) == (NAME, "1.1.0")
    until(lambda: field.reads_with() == "1.1.0")


def test_a_damaged_state_leaves_the_daemon_scanning(field: Field) -> None:
    field.ships("1.1.0")
    (field.device.folder / "updates" / "state.json").write_text("{")
    field.daemon.start()
    until(lambda: field.reads_with() == "1.0.0")
    assert "it is damaged" in field.daemon.said
    until(lambda: "update.state_damaged" in field.reasons())
