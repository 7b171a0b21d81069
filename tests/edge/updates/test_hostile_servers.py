"""What a stranger between a device and its server can do to an update, and a server in trouble."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata

from contract.reasons import Reason
from edge.updates import steps
from edge.updates.sources import Web
from fleet_devices import NAME

from .conftest import NEW, World, assert_well, days

BUNDLE_FILE = f"{NAME}-{NEW}.loam"


def served_bundle(world: World) -> Path:
    (path,) = (world.served / "targets" / "bundles").glob(f"*{BUNDLE_FILE}")
    return path


def metadata(world: World, name: str) -> Metadata:
    return Metadata.from_bytes((world.served / "metadata" / name).read_bytes())


def newest(world: World, role: str) -> Path:
    found = (world.served / "metadata").glob(f"*.{role}.json")
    return max(found, key=lambda path: int(path.name.split(".")[0]))


def test_rollback__an_older_repository_is_served(world) -> None:
    old = world.operated.work / "old"
    shutil.copytree(world.operated.folder, old)
    world.release()
    world.device.updater().check(Web(world.url))
    world.serve(old)
    assert world.refused() is Reason.UPDATE_REPLAYED
    world.updates_later()


def test_freeze__the_same_repository_is_served_until_it_expires(world, at) -> None:
    world.apply()
    at(days(200))
    assert world.refused() is Reason.UPDATE_EXPIRED
    at(days(1))
    world.release()
    world.updates_later()


def test_mix_and_match__an_older_list_of_bundles_under_a_newer_name(world) -> None:
    shutil.copytree(world.served, old := world.operated.work / "old")
    world.release()
    older = max((old / "metadata").glob("*.targets.json"))
    shutil.copy(older, newest(world, "targets"))
    assert world.refused() in (Reason.UPDATE_UNTRUSTED, Reason.UPDATE_REPLAYED)
    world.updates_later()


def test_wrong_hash__one_byte_of_the_bundle_differs(world) -> None:
    world.release()
    content = bytearray(served_bundle(world).read_bytes())
    content[len(content) // 2] ^= 1
    served_bundle(world).write_bytes(content)
    assert world.refused() is Reason.UPDATE_DAMAGED
    world.updates_later()


def test_wrong_hash_again_and_again__no_stranger_has_a_version_refused_for_good(world) -> None:
    world.release()
    content = bytearray(served_bundle(world).read_bytes())
    content[len(content) // 2] ^= 1
    served_bundle(world).write_bytes(content)
    for _ in range(steps.TRIES_MAX):
        assert world.refused() is Reason.UPDATE_DAMAGED
    assert not world.device.state.failed
    assert world.device.state.standing.step == "fetching"
    world.faults.asked.clear()
    for _ in range(steps.RESTING_RUNS - steps.TRIES_MAX):
        world.apply()
    assert not any("/bundles/" in path for path, _ in world.faults.asked)
    world.updates_later()


def test_nobody_need_wait_a_day_for_what_is_whole_again(world) -> None:
    world.release()
    whole = served_bundle(world).read_bytes()
    served_bundle(world).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    for _ in range(steps.TRIES_MAX):
        world.refused()
    served_bundle(world).write_bytes(whole)
    world.apply(again=True)
    assert_well(world.device, NEW)


def test_longer_file__the_bundle_has_more_bytes(world) -> None:
    world.release()
    with served_bundle(world).open("ab") as file:
        file.write(b"more")
    assert world.refused() is Reason.UPDATE_DAMAGED
    world.updates_later()


@pytest.mark.parametrize(
    ("about", "reason"),
    [("/bundles/", Reason.UPDATE_DAMAGED), ("timestamp", Reason.UPDATE_UNTRUSTED)],
)
def test_endless_data__never_stops(world, about, reason) -> None:
    world.release()
    world.faults.about, world.faults.endless = about, True
    assert world.refused() is reason
    world.updates_later()


@pytest.mark.parametrize("about", ["/bundles/", "timestamp"])
def test_slow_data__comes_byte_by_byte(world, impatient, about) -> None:
    world.release()
    world.faults.about, world.faults.byte_s = about, 0.02
    assert world.refused() is Reason.UPDATE_UNREACHABLE
    world.updates_later()


@pytest.mark.parametrize("about", ["/bundles/", "timestamp"])
def test_slow_data__its_headers_come_byte_by_byte(world, impatient, monkeypatch, about) -> None:
    monkeypatch.setattr("edge.updates.sources.HEADERS_S", 0.5)
    world.release()
    world.faults.about, world.faults.header_byte_s = about, 0.1
    assert world.refused() is Reason.UPDATE_UNREACHABLE
    world.updates_later()


def test_slow_data__many_roots_one_after_the_other(world, monkeypatch) -> None:
    world.release()
    with monkeypatch.context() as patch:
        patch.setattr("edge.updates.repository.LOOK_S", -1.0)
        assert world.refused() is Reason.UPDATE_UNREACHABLE
    world.updates_later()


def test_link_cut_at_every_chunk__goes_on_from_there(world, impatient) -> None:
    world.release()
    length = served_bundle(world).stat().st_size
    world.faults.about, world.faults.cut_after = "/bundles/", 64 * 1024
    world.apply()
    assert_well(world.device, NEW)
    asked = [span for path, span in world.faults.asked if BUNDLE_FILE in path]
    begins = [int(span.removeprefix("bytes=").rstrip("-")) if span else 0 for span in asked]
    assert begins == sorted(set(begins))
    assert begins[-1] < length


def test_a_link_that_brings_nothing_is_tried_again_the_next_time(world, impatient) -> None:
    world.release()
    world.faults.about, world.faults.cut_after = "/bundles/", 0
    assert world.refused() is Reason.UPDATE_UNREACHABLE
    assert world.device.state.candidate.step == "fetching"
    assert world.refused() is Reason.UPDATE_UNREACHABLE
    hindrances = [
        event for event in world.device.state.events if event.reason is Reason.UPDATE_UNREACHABLE
    ]
    assert len(hindrances) == 1
    world.updates_later()


def test_a_server_without_ranges_sends_it_all_again(world, impatient) -> None:
    world.release()
    world.faults.about, world.faults.cut_after = "/bundles/", 3_000_000
    world.faults.ranges = False
    assert world.refused() is Reason.UPDATE_UNREACHABLE
    world.updates_later()


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_in_trouble_is_asked_again_later(world, impatient, status) -> None:
    world.release()
    world.faults.about, world.faults.status = "metadata", status
    assert world.refused() is Reason.UPDATE_UNREACHABLE
    world.updates_later()
