"""Keys that are too few, revoked, changed or stolen, and what a device then takes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, TargetFile, Targets, Timestamp

from contract.fleet_repository import ISSUED_AT, ROLLOUTS_PATH
from contract.reasons import Reason
from contract.records import rfc3339
from deploy.fleet.key_changes import change_keys
from edge.updates.sources import Web
from fleet_devices import bundle
from fleets import NOW, keys

from .conftest import NEW, World, assert_well, days, year


def metadata(world: World, name: str) -> Metadata:
    return Metadata.from_bytes((world.served / "metadata" / name).read_bytes())


def newest(world: World, role: str) -> Path:
    found = (world.served / "metadata").glob(f"*.{role}.json")
    return max(found, key=lambda path: int(path.name.split(".")[0]))


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


def test_stolen_online_key__signs_rollouts_by_another_digest(world) -> None:
    world.release()
    repository, online = world.operated.fleet.repository, world.operated.fleet.online
    rollouts = repository.rollouts
    signed = repository.files.read("rollouts", Targets)
    signed.version += 1
    content = repository.files.target(signed.targets[ROLLOUTS_PATH]).read_bytes()
    signed.targets[ROLLOUTS_PATH] = TargetFile.from_data(ROLLOUTS_PATH, content, ["sha512"])
    repository.files.write("rollouts", signed, [online])
    repository.tell(online, NOW)
    world.serve()
    assert world.refused() is Reason.UPDATE_UNTRUSTED
    repository.set_rollouts(rollouts, online, NOW)
    world.updates_later()
