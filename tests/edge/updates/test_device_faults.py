"""The wrong device, a full disk, a build that crashes, a bundle that computes wrongly."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from contract.reasons import Reason
from contract.rollout import Rollout, Rollouts
from edge.errors import ConfigError, UpdateError
from edge.updates import steps
from edge.updates.sources import Folder, Web
from edge.updates.store import SPARE_BYTES
from edge.updates.trial import Trial
from edge.updates.updater import Updater
from fleet_devices import NAME, Device, bundle
from fleets import NOW
from soil.axis import Axis
from update_page import state_name

from .conftest import NEW, OLD, World, assert_well, days


def test_wrong_device_class__is_not_offered(world) -> None:
    world.release(device_classes=["orin-nano"])
    assert "another device class" in world.device.updater().check(Web(world.url)).why
    world.apply()
    assert_well(world.device, OLD)
    world.tell("not offered: `check` says why")
    world.device.settings["device_class"] = "orin-nano"
    world.apply()
    assert_well(world.device, NEW)


def roll_out_without_constraints(world: World) -> None:
    repository = world.operated.fleet.repository
    rollout = Rollout.model_validate(
        {
            "id": "careless", "bundle": NAME, "version": NEW, "share_pct": 100.0,
            "starts_at": NOW + timedelta(minutes=1), "deadline": days(30),
        }
    )  # fmt: skip
    rollouts = Rollouts.model_validate({"schema": "loamscan.rollouts/1", "rollouts": [rollout]})
    repository.set_rollouts(rollouts, world.operated.fleet.online, NOW)
    world.serve()


def test_a_bundle_for_another_scanner_is_refused_whatever_the_rollout_says(
    world, monkeypatch
) -> None:
    world.operated.publish(bundle(NEW))
    roll_out_without_constraints(world)
    narrow = Axis("nm", [900.0, 1700.0])
    with monkeypatch.context() as patch:
        patch.setattr("edge.updates.updater.newest_axis", lambda _: narrow)
        assert world.refused() is Reason.UPDATE_UNFIT
    world.updates_later()


def test_full_disk_at_each_write__leaves_what_was_there(world, monkeypatch) -> None:
    world.release()
    spare = world.operated.work / "spare"
    shutil.copytree(world.device.folder, spare)
    writes = _writes_of(world, monkeypatch, full_after=None)
    assert writes > 90
    found = set()
    for at in range(writes):
        shutil.rmtree(world.device.folder)
        shutil.copytree(spare, world.device.folder)
        refused = None
        try:
            _writes_of(world, monkeypatch, full_after=at)
        except UpdateError as error:
            refused = error.reason
        state = world.device.state
        found.add(state_name(state))
        if refused is None:
            # What was left to write fitted into the room that is kept.
            assert state.release.version == NEW
            continue
        assert (refused, state.events[-1].reason) == (Reason.UPDATE_NO_ROOM, Reason.UPDATE_NO_ROOM)
        assert state.release.version == OLD
    assert found == {"idle", "fetching", "probation"}
    shutil.rmtree(world.device.folder)
    shutil.copytree(spare, world.device.folder)
    with pytest.raises(UpdateError):
        _writes_of(world, monkeypatch, full_after=writes // 2)
    assert_well(world.device, OLD)
    world.tell(f"`{Reason.UPDATE_NO_ROOM.value}`")
    world.updates_later()


def _writes_of(world: World, monkeypatch, full_after: int | None) -> int:
    """How many writes an update makes; after so many the disk is full, but for what the device frees."""
    count = 0
    opened = Path.open
    kept = world.device.folder / "updates" / "spare"

    class Counted:
        def __init__(self, file) -> None:
            self._file = file

        def write(self, content: bytes) -> int:
            nonlocal count
            count += 1
            if full_after is not None and count > full_after:
                freed = 0 if kept.exists() else SPARE_BYTES
                if len(content) >= freed:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return self._file.write(content)

        def __getattr__(self, name: str):
            return getattr(self._file, name)

        def __enter__(self):
            return self

        def __exit__(self, *_: object) -> None:
            self._file.close()

    def open_counted(path: Path, mode: str = "r", *rest, **options):
        file = opened(path, mode, *rest, **options)
        inside = world.device.folder in path.parents
        return Counted(file) if inside and mode in ("wb", "r+b") else file

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_counted)
        # Proving and trial write nothing in this process, and have tests of their own.
        patch.setattr("edge.updates.updater.prove_release", lambda *_: None)
        patch.setattr("edge.updates.updater.tried", lambda *_: Trial(0, 0, {}))
        # A folder comes in the same pieces each time.
        world.device.apply(Folder(world.served))
    return count


def no_room(world: World, monkeypatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)


def test_a_disk_with_too_little_room_is_told_before_anything_is_fetched(world, monkeypatch) -> None:
    world.release()
    with monkeypatch.context() as patch:
        no_room(world, patch)
        assert world.refused() is Reason.UPDATE_NO_ROOM
    world.updates_later()


def crash(*_: object) -> None:
    os.abort()


def hang(*_: object) -> None:
    time.sleep(600)


@pytest.mark.parametrize("broken", [crash, hang])
def test_engine_build__that_crashes_or_hangs(
    world, monkeypatch, broken: Callable[..., None]
) -> None:
    world.release()
    with monkeypatch.context() as patch:
        patch.setattr("edge.updates.proving._prove", broken)
        patch.setattr("edge.updates.updater.PROVE_S", 1.0)
        for _ in range(steps.TRIES_MAX):
            assert world.device.state.refusal_of(world.device.state.release) is None
            assert world.refused() is Reason.UPDATE_NOT_PROVED
    assert world.device.state.candidate is None
    assert "failed here (update.not_proved)" in world.device.updater().check(Web(world.url)).why
    world.apply(again=True)
    assert_well(world.device, NEW)
    world.row.later = "takes it when told to try again"


def test_golden_mismatch__is_never_run(world) -> None:
    world.operated.publish(bundle(NEW, golden_off=1.0))
    world.operated.roll_out(NEW)
    world.serve()
    assert world.refused() is Reason.UPDATE_NOT_PROVED
    world.apply()
    assert_well(world.device, OLD)
    assert "failed here" in world.device.updater().check(Web(world.url)).why


def test_a_running_bundle_that_is_broken_is_replaced_by_its_update(world) -> None:
    world.release()
    path = world.device.updater().store.slot("a") / "bundle.loam"
    path.write_bytes(path.read_bytes()[:-1])
    state = world.apply()
    assert state.release.version == NEW
    assert "no zip archive" in state.events[-1].details["running"]
    assert_well(world.device, NEW)


@pytest.mark.parametrize("fault", [MemoryError, OSError])
def test_a_machine_that_is_short_of_something_has_a_bundle_refused_only_after_three_tries(
    world, monkeypatch, fault: type[Exception]
) -> None:
    world.release()
    with monkeypatch.context() as patch:
        patch.setattr("edge.updates.proving._prove", partial(_raise, fault))
        assert world.refused() is Reason.UPDATE_NOT_PROVED
    assert not world.device.state.failed
    world.updates_later()


def _raise(fault: type[Exception], *_: object) -> None:
    raise fault("none left")


def test_what_is_not_offered_any_more_is_not_waited_for(world, impatient) -> None:
    world.release()
    world.faults.about, world.faults.cut_after = "/bundles/", 0
    assert world.refused() is Reason.UPDATE_UNREACHABLE
    repository = world.operated.fleet.repository
    rollouts = repository.rollouts
    kept = rollouts.model_copy(update={"rollouts": rollouts.rollouts[:-1]})
    repository.set_rollouts(kept, world.operated.fleet.online, NOW)
    world.serve()
    world.apply()
    state = world.device.state
    assert (state.candidate, state.standing.step) == (None, "withdrawn")
    assert state.events[-1].reason is Reason.UPDATE_WITHDRAWN
    world.tell(f"`{Reason.UPDATE_WITHDRAWN.value}`")


def test_a_setting_that_is_wrong_is_told_to_the_operator_too(world) -> None:
    root = world.device.folder / "root.json"
    kept = root.read_bytes()
    root.unlink()
    with pytest.raises(ConfigError, match="can't be read"):
        world.device.updater().apply(Web(world.url))
    event = world.device.state.events[-1]
    assert event.reason is Reason.UPDATE_STOPPED
    assert "root.json can't be read" in event.details["detail"]
    root.write_bytes(kept)
    world.release()
    world.tell(f"`{Reason.UPDATE_STOPPED.value}`")
    world.updates_later()


def test_a_device_is_not_taken_below_the_bundle_that_it_was_configured_with(
    world, tmp_path
) -> None:
    path = tmp_path / "configured.loam"
    path.write_bytes(bundle("1.5.0"))
    new = Device(tmp_path / "new", world.operated.folder)
    config = new.config.model_copy(
        update={"model": new.config.model.model_copy(update={"bundle": path})}
    )
    updater = Updater(config, "0.1.0")
    assert updater.check(Web(world.url)).offer is None
    world.release("1.6.0")
    offer = updater.check(Web(world.url)).offer
    assert offer is not None
    assert offer.release.version == "1.6.0"
    world.tell("stays with what it has")


def test_what_has_come_already_takes_no_room_from_an_update(world, monkeypatch, impatient) -> None:
    usage, slots = shutil.disk_usage("/"), world.device.folder / "updates" / "slots"

    def taken() -> int:
        return sum(path.stat().st_size for path in slots.rglob("*") if path.is_file())

    def disk(_: object) -> object:
        return usage._replace(free=500_000_000 - (taken() - before))

    before = taken()
    monkeypatch.setattr(shutil, "disk_usage", disk)
    world.release(minimum_free_bytes=499_000_000)
    world.device.settings["trial_scans"] = 3
    world.faults.about, world.faults.cut_after = "/bundles/", 3_000_000
    world.faults.ranges = False
    assert world.refused() is Reason.UPDATE_UNREACHABLE
    assert disk("").free < 499_000_000
    world.faults.cut_after = None
    for looks in (1, 2):
        candidate = world.apply().candidate
        assert (candidate.step, candidate.looks) == ("trial", looks)
    assert disk("").free < 499_000_000
    world.device.scanned(3)
    world.updates_later()


def test_want_of_room_is_told_anew_after_a_look_that_went_well(world) -> None:
    rollout = world.release(minimum_free_bytes=10**18)
    assert world.refused() is Reason.UPDATE_NO_ROOM
    world.operated.halt(rollout)
    world.serve()
    assert not world.apply().hindrance
    world.release("1.3.0", minimum_free_bytes=10**18)
    assert world.refused() is Reason.UPDATE_NO_ROOM
    told = [event.reason for event in world.device.state.events]
    assert told.count(Reason.UPDATE_NO_ROOM) == 2


def test_less_room_than_a_rollout_asks_for_is_told(world) -> None:
    rollout = world.release(minimum_free_bytes=10**18)
    assert world.refused() is Reason.UPDATE_NO_ROOM
    world.operated.halt(rollout)
    world.release()
    world.updates_later()
