"""What strangers, clocks, links and disks do to updates, and what becomes of the device.

After each: a working bundle answers, the state is one of the named ones, the reason was reported. With
LOAMSCAN_WRITE_DOCS=1 the table is written to docs/update-faults.md.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, TargetFile, Targets, Timestamp

from contract.fleet_repository import ISSUED_AT, ROLLOUTS_PATH
from contract.reasons import Reason
from contract.records import rfc3339
from contract.rollout import Rollout, Rollouts
from deploy.fleet.copying import copy_to
from deploy.fleet.key_changes import change_keys
from edge.errors import UpdateError
from edge.updates import steps
from edge.updates.sources import Folder, Web
from edge.updates.store import SPARE_BYTES
from edge.updates.trial import Trial
from fleet_devices import NAME, Device, bundle
from fleets import NOW, keys
from soil.axis import Axis
from update_page import state_name

from .conftest import NEW, OLD, World, assert_well, committed, days, year

BUNDLE_FILE = f"{NAME}-{NEW}.loam"


def served_bundle(world: World) -> Path:
    (path,) = (world.served / "targets" / "bundles").glob(f"*{BUNDLE_FILE}")
    return path


def metadata(world: World, name: str) -> Metadata:
    return Metadata.from_bytes((world.served / "metadata" / name).read_bytes())


def newest(world: World, role: str) -> Path:
    found = (world.served / "metadata").glob(f"*.{role}.json")
    return max(found, key=lambda path: int(path.name.split(".")[0]))


# --- what a stranger between device and server can do ---------------------------------------------


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


# --- keys -----------------------------------------------------------------------------------------


def test_under_signed__one_key_of_two_signs_the_list_of_bundles(world) -> None:
    world.release()
    path = newest(world, "targets")
    signed = Metadata.from_bytes(path.read_bytes())
    signed.signatures.popitem()
    path.write_bytes(signed.to_bytes())
    assert world.refused() is Reason.UPDATE_UNTRUSTED
    world.updates_later()


def test_expired_metadata_is_refused(world) -> None:
    world.release()
    path = world.served / "metadata" / "timestamp.json"
    signed = Metadata[Timestamp].from_bytes(path.read_bytes())
    signed.signed.expires = NOW - timedelta(days=1)
    signed.sign(world.operated.fleet.online)
    path.write_bytes(signed.to_bytes())
    assert world.refused() is Reason.UPDATE_EXPIRED
    world.updates_later()


def revoke_online(world: World) -> CryptoSigner:
    """The online key is changed; the one before."""
    fleet = world.operated.fleet
    stolen, new = fleet.online, CryptoSigner.generate_ed25519()
    signers = {**fleet.root, **fleet.bundles, new.public_key.keyid: new}
    ids = [stolen.public_key.keyid]
    change_keys(fleet.repository, "online", [new.public_key], ids, signers, NOW)
    fleet.online = new
    return stolen


def test_revoked_key__signs_a_newer_timestamp(world) -> None:
    world.release()
    stolen = revoke_online(world)
    world.serve()
    path = world.served / "metadata" / "timestamp.json"
    signed = Metadata[Timestamp].from_bytes(path.read_bytes())
    signed.signed.version += 1
    signed.sign(stolen)
    path.write_bytes(signed.to_bytes())
    assert world.refused() is Reason.UPDATE_UNTRUSTED
    world.updates_later()


def test_root_rotation_across_five_versions_at_once__is_followed(world) -> None:
    fleet, known = world.operated.fleet, dict(world.operated.fleet.root)
    for _ in range(5):
        new = keys(1)
        known |= new
        gone = fleet.repository.root.roles["root"].keyids[0]
        change_keys(
            fleet.repository, "root", [s.public_key for s in new.values()], [gone], known, NOW
        )
    world.release()
    world.apply()
    assert_well(world.device, NEW)
    assert world.device.state.trust.root_version == 6


def test_stolen_online_key__names_a_bundle_of_its_own(world) -> None:
    world.release()
    evil = b"a bundle of somebody else"
    target = TargetFile.from_data("bundles/evil-9.9.9.loam", evil, ["sha256"])
    rollouts = world.operated.fleet.repository.rollouts
    rollout = rollouts.rollouts[-1].model_copy(
        update={"id": "evil", "bundle": "evil", "version": "9.9.9"}
    )
    repository = world.operated.fleet.repository
    online = world.operated.fleet.online
    name = f"{target.hashes['sha256']}.evil-9.9.9.loam"
    (repository.folder / "targets" / "bundles" / name).write_bytes(evil)
    repository.set_rollouts(
        rollouts.model_copy(update={"rollouts": [*rollouts.rollouts, rollout]}), online, NOW
    )
    entry = repository.files.read("rollouts", Targets)
    entry.version += 1
    entry.targets[target.path] = target
    repository.files.write("rollouts", entry, [online])
    repository.tell(online, NOW)
    world.serve()
    assert world.refused() is Reason.UPDATE_UNTRUSTED
    repository.set_rollouts(rollouts, online, NOW)
    world.updates_later()


def test_stolen_online_key__rolls_out_what_lies_below_the_floor(world) -> None:
    world.operated.publish(bundle("1.0.5"))
    world.operated.publish(bundle(NEW), floor="1.1.0")
    world.operated.roll_out("1.0.5")
    world.serve()
    assert world.refused() is Reason.UPDATE_BELOW_FLOOR
    world.operated.roll_out(NEW)
    world.updates_later()


def test_stolen_online_key__says_that_it_is_2099_until_it_is_revoked(world) -> None:
    world.release()
    fleet = world.operated.fleet
    path = world.served / "metadata" / "timestamp.json"
    signed = Metadata[Timestamp].from_bytes(path.read_bytes())
    signed.signed.version = 2**30
    signed.signed.expires = year(2100)
    signed.signed.unrecognized_fields[ISSUED_AT] = rfc3339(year(2099))
    signed.sign(fleet.online)
    path.write_bytes(signed.to_bytes())
    world.device.updater().check(Web(world.url))
    assert world.device.state.trust.time_floor <= days(366)
    world.serve()
    assert world.refused() is Reason.UPDATE_REPLAYED
    revoke_online(world)
    world.updates_later()


# --- time and memory ------------------------------------------------------------------------------


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


# --- a stick --------------------------------------------------------------------------------------


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
    assert_well(world.device, NEW)


def test_a_pipe_on_a_stick_holds_nobody_up(world) -> None:
    shutil.copytree(world.operated.folder, stick := world.operated.work / "stick")
    (stick / "metadata" / "timestamp.json").unlink()
    os.mkfifo(stick / "metadata" / "timestamp.json")
    assert world.refused(Folder(stick)) is Reason.UPDATE_UNREACHABLE
    world.release()
    world.updates_later()


def test_stolen_online_key__signs_rollouts_that_are_a_megabyte_of_faults(world) -> None:
    world.release()
    repository, online = world.operated.fleet.repository, world.operated.fleet.online
    honest = repository.rollouts
    evil = honest.to_json().replace(
        b'"device_classes":[]', b'"device_classes":[' + b"1," * 300_000 + b"1]"
    )
    entry = TargetFile.from_data(ROLLOUTS_PATH, evil, ["sha256"])
    (
        repository.folder / "targets/rollouts" / f"{entry.hashes['sha256']}.rollouts.json"
    ).write_bytes(evil)
    listed = repository.files.read("rollouts", Targets)
    listed.version += 1
    listed.targets = {ROLLOUTS_PATH: entry}
    repository.files.write("rollouts", listed, [online])
    repository.tell(online, NOW)
    world.serve()
    assert world.refused() is Reason.UPDATE_UNTRUSTED
    assert (world.device.folder / "updates" / "state.json").stat().st_size < 10_000
    repository.set_rollouts(honest, online, NOW)
    world.updates_later()


# --- the wrong device -----------------------------------------------------------------------------


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


# --- the device's own parts -----------------------------------------------------------------------


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
