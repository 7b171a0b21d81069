"""A repository that comes on a stick: tampered with, older, newer, or no file at all."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata

from contract.reasons import Reason
from deploy.fleet.copying import copy_to
from edge.updates.sources import Folder, Web
from fleet_devices import NAME, bundle
from fleets import NOW, Fleet

from .conftest import NEW, OLD, World, assert_well, committed, days

BUNDLE_FILE = f"{NAME}-{NEW}.loam"


def metadata(world: World, name: str) -> Metadata:
    return Metadata.from_bytes((world.served / "metadata" / name).read_bytes())


def spoil_bundle(stick: Path) -> None:
    (path,) = (stick / "targets" / "bundles").glob(f"*{BUNDLE_FILE}")
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def spoil_rollouts(stick: Path) -> None:
    for path in (stick / "targets" / "rollouts").iterdir():
        path.write_bytes(path.read_bytes().replace(b'"share_pct":100', b'"share_pct":200'))


def spoil_timestamp(stick: Path) -> None:
    path = stick / "metadata" / "timestamp.json"
    path.write_bytes(path.read_bytes().replace(b'"expires": "20', b'"expires": "21'))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (spoil_bundle, Reason.UPDATE_DAMAGED),
        (spoil_rollouts, Reason.UPDATE_UNTRUSTED),
        (spoil_timestamp, Reason.UPDATE_UNTRUSTED),
    ],
)
def test_tampered_usb_stick__is_refused(world, spoil, reason) -> None:
    world.release()
    stick = world.operated.work / "stick"
    shutil.copytree(world.operated.folder, stick)
    spoil(stick)
    assert world.refused(Folder(stick)) is reason
    world.updates_later()


def test_what_a_stick_lacks_is_no_matter_of_networks(world) -> None:
    world.release()
    (stick,) = (world.served / "targets" / "bundles").glob(f"*{BUNDLE_FILE}")
    stick.unlink()
    incomplete = Folder(world.served)
    assert (
        world.refused(incomplete, "made anew with `loamscan fleet copy`")
        is Reason.UPDATE_UNREACHABLE
    )
    world.updates_later()


def test_an_expired_stick_is_to_be_made_anew(world, at) -> None:
    world.release()
    at(days(200))
    expired = Folder(world.served)
    assert world.refused(expired, "have the copy made anew") is Reason.UPDATE_EXPIRED
    at(days(1))
    world.updates_later()


def test_another_fleet_s_root_is_named(world) -> None:
    own = (world.device.folder / "root.json").read_bytes()
    other = Fleet(world.operated.work / "other")
    (world.device.folder / "root.json").write_bytes(other.first_root)
    assert world.refused(saying=r"root\.json is this fleet's first root") is Reason.UPDATE_UNTRUSTED
    (world.device.folder / "root.json").write_bytes(own)
    world.release()
    world.updates_later()


def test_a_stick_updates_a_device_without_a_network(world) -> None:
    world.release()
    shutil.copytree(world.operated.folder, stick := world.operated.work / "stick")
    world.device.apply(Folder(stick))
    assert_well(world.device, NEW)


def test_a_stick_begins_nothing_that_the_network_said_was_halted(world) -> None:
    rollout = world.release()
    shutil.copytree(world.operated.folder, stick := world.operated.work / "stick")
    world.operated.halt(rollout)
    world.operated.fleet.repository.tell(world.operated.fleet.online, NOW + timedelta(minutes=5))
    world.serve()
    world.device.updater().check(Web(world.url))
    assert "is not for this device: halted" in world.device.updater().check(Folder(stick)).why
    world.device.apply(Folder(stick))
    assert_well(world.device, OLD)
    world.tell("not offered: `check` says why")


def test_a_stick_does_not_make_the_network_a_replay(world) -> None:
    world.release()
    stick = world.operated.work / "stick"
    copy_to(world.operated.fleet.repository, stick, world.operated.fleet.online, days(0.01), 30)
    world.device.updater().check(Folder(stick))
    world.apply()
    assert_well(world.device, NEW)


def test_an_older_stick_takes_no_device_back(world) -> None:
    world.operated.publish(bundle(NEW))
    stick = world.operated.work / "stick"
    copy_to(world.operated.fleet.repository, stick, world.operated.fleet.online, NOW, 30)
    world.operated.roll_out(NEW, starts_at=NOW + timedelta(minutes=1))
    world.serve()
    world.apply()
    world.device.updater().store.change(committed)
    assert "no rollout is newer" in world.device.updater().check(Folder(stick)).why
    world.device.apply(Folder(stick))
    assert_well(world.device, NEW)
    world.tell("not offered: `check` says why")


def test_a_pipe_on_a_stick_holds_nobody_up(world) -> None:
    shutil.copytree(world.operated.folder, stick := world.operated.work / "stick")
    (stick / "metadata" / "timestamp.json").unlink()
    os.mkfifo(stick / "metadata" / "timestamp.json")
    assert world.refused(Folder(stick)) is Reason.UPDATE_UNREACHABLE
    world.release()
    world.updates_later()
