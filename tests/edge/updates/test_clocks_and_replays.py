"""Clocks at 1970 and 2099, and what a device remembers without its cache."""

from __future__ import annotations

import shutil

from tuf.api.metadata import Metadata

from contract.reasons import Reason
from edge.updates.sources import Web
from fleet_devices import Device

from .conftest import NEW, OLD, World, assert_well, days, year


def metadata(world: World, name: str) -> Metadata:
    return Metadata.from_bytes((world.served / "metadata" / name).read_bytes())


def test_replay_on_an_empty_cache__of_what_was_replaced(world) -> None:
    old = world.operated.work / "old"
    shutil.copytree(world.operated.folder, old)
    world.release()
    world.device.updater().check(Web(world.url))
    shutil.rmtree(world.device.folder / "updates" / "metadata")
    world.serve(old)
    assert world.refused() is Reason.UPDATE_REPLAYED
    world.updates_later()


def test_clock_at_1970__updates_by_what_was_signed(world, at) -> None:
    at(year(1970))
    world.release()
    world.apply()
    assert_well(world.device, NEW)


def test_clock_at_1970__on_a_device_that_never_saw_a_repository(world, at) -> None:
    at(year(1970))
    world.release()
    new = Device(world.operated.work / "new-device", world.operated.folder)
    new.apply(Web(world.url))
    assert_well(new, NEW)
    world.tell("updates all the same", new)


def test_clock_at_2099__blocks_updates_only_as_long_as_it_is_wrong(world, at) -> None:
    world.release()
    at(year(2099))
    assert world.refused() is Reason.UPDATE_EXPIRED
    at(days(1))
    world.updates_later()


def test_an_installed_bundle_never_expires(world, at) -> None:
    at(year(2099))
    assert_well(world.device, OLD)
    world.tell("it runs")
