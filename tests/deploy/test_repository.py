"""The repository of a fleet: what is signed by whom, read by python-tuf's own client."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner, Signer
from tuf.api.exceptions import RepositoryError as TufError
from tuf.api.metadata import Metadata, Root, TargetFile, Targets

from contract.fleet_repository import FLOORS, ISSUED_AT, ROLLOUTS_PATH
from contract.records import rfc3339
from contract.rollout import Rollout, Rollouts, read_rollouts
from deploy.errors import RepositoryError
from deploy.fleet.key_changes import change_keys, change_root
from deploy.fleet.repository import Repository
from fleets import NOW, Fleet, keys, looking, word

ROLLOUT = Rollout.model_validate(
    {
        "id": "autumn", "bundle": "soil", "version": "1.0.0", "share_pct": 5.0,
        "starts_at": NOW, "deadline": NOW + timedelta(days=30),
    }
)  # fmt: skip


@pytest.fixture
def fleet(tmp_path) -> Fleet:
    return Fleet(tmp_path / "fleet")


def one_of(signers: dict[str, Signer]) -> dict[str, Signer]:
    return dict([next(iter(signers.items()))])


def staged(fleet: Fleet, file: str, signers: dict[str, Signer]) -> int:
    """How many signatures a bundle wants that these have signed."""
    return fleet.repository.add_bundle(f"bundles/{file}", b"bundle", word(file), {}, signers, NOW)


def test_a_new_repository_is_read_by_a_device_that_knows_its_first_root(fleet, tmp_path) -> None:
    device = looking(fleet, tmp_path / "device")
    assert device.get_targetinfo("bundles/soil-1.0.0.loam") is None
    info = device.get_targetinfo(ROLLOUTS_PATH)
    content = Path(device.download_target(info)).read_bytes()
    assert read_rollouts(content).rollouts == []


def test_a_bundle_that_enough_keys_signed_is_seen_whole(fleet, tmp_path) -> None:
    fleet.publish("soil-1.0.0.loam", b"bundle")
    device = looking(fleet, tmp_path / "device")
    info = device.get_targetinfo("bundles/soil-1.0.0.loam")
    assert Path(device.download_target(info)).read_bytes() == b"bundle"


def test_a_bundle_that_too_few_keys_signed_waits_for_the_others(fleet, tmp_path) -> None:
    (first, one), (second, other) = fleet.bundles.items()
    assert staged(fleet, "soil-1.0.0.loam", {first: one}) == 1
    fleet.repository.tell(fleet.online, NOW)
    device = looking(fleet, tmp_path / "device")
    assert device.get_targetinfo("bundles/soil-1.0.0.loam") is None
    again = Repository(fleet.folder, fleet.first_root)
    assert again.sign_staged({first: one}) == 1
    assert again.sign_staged({second: other}) == 0
    again.tell(fleet.online, NOW)
    device = looking(fleet, tmp_path / "device")
    assert device.get_targetinfo("bundles/soil-1.0.0.loam") is not None
    with pytest.raises(RepositoryError, match="nothing waits"):
        again.sign_staged(fleet.bundles)


def test_what_was_staged_before_something_else_was_published_is_not_signed(fleet) -> None:
    staged(fleet, "soil-1.0.0.loam", one_of(fleet.bundles))
    path = fleet.repository.staged
    waiting = path.read_bytes()
    path.unlink()
    fleet.publish("soil-1.1.0.loam", b"b")
    path.write_bytes(waiting)
    with pytest.raises(RepositoryError, match="not based on the newest"):
        fleet.repository.sign_staged(fleet.bundles)


def test_what_waits_is_not_lost_to_something_else_that_is_published(fleet) -> None:
    staged(fleet, "soil-1.0.0.loam", one_of(fleet.bundles))
    before = fleet.repository.staged.read_bytes()
    with pytest.raises(
        RepositoryError, match=r"finish it: .*fleet sign.*or remove .*targets\.json"
    ):
        fleet.publish("soil-1.1.0.loam", b"b")
    assert fleet.repository.staged.read_bytes() == before


def test_a_bundle_that_no_key_of_bundles_signs_waits_for_nobody(fleet) -> None:
    with pytest.raises(RepositoryError, match="no key of bundles was named"):
        staged(fleet, "soil-1.0.0.loam", fleet.root)
    assert not fleet.repository.is_waiting


def test_a_version_is_never_given_other_bytes(fleet) -> None:
    fleet.publish("soil-1.0.0.loam", b"bundle")
    with pytest.raises(RepositoryError, match="published with other bytes"):
        fleet.publish("soil-1.0.0.loam", b"another")


def test_rollouts_are_the_online_keys_alone(fleet, tmp_path) -> None:
    rollouts = Rollouts.model_validate({"schema": "loamscan.rollouts/1", "rollouts": [ROLLOUT]})
    fleet.repository.set_rollouts(rollouts, fleet.online, NOW)
    assert fleet.repository.rollouts == rollouts
    device = looking(fleet, tmp_path / "device")
    path = device.download_target(device.get_targetinfo(ROLLOUTS_PATH))
    assert read_rollouts(Path(path).read_bytes()) == rollouts


def test_a_stolen_online_key_ships_no_bundle(fleet, tmp_path) -> None:
    repository, evil = fleet.repository, b"a bundle of somebody else"
    target = TargetFile.from_data("bundles/evil-9.9.9.loam", evil, ["sha256"])
    (fleet.folder / "targets/bundles" / f"{target.hashes['sha256']}.evil-9.9.9.loam").write_bytes(
        evil
    )
    signed = Targets(2, expires=NOW + timedelta(days=9), targets={target.path: target})
    repository.files.write("rollouts", signed, [fleet.online])
    repository.tell(fleet.online, NOW)
    assert looking(fleet, tmp_path / "device").get_targetinfo(target.path) is None

    listed = Metadata.from_bytes((fleet.folder / "metadata" / "1.targets.json").read_bytes())
    listed.signed.version, listed.signed.targets = 2, {target.path: target}
    repository.files.write("targets", listed.signed, [fleet.online])
    repository.tell(fleet.online, NOW)
    with pytest.raises(TufError, match="signed by 0/2"):
        looking(fleet, tmp_path / "another")


def test_root_keys_are_changed_five_times_while_a_device_is_away(fleet, tmp_path) -> None:
    first, known = fleet.first_root, fleet.root
    looking(fleet, tmp_path / "device")
    for _ in range(5):
        root, new = fleet.repository.root, keys(1)
        gone = root.roles["root"].keyids[0]
        root.revoke_key(gone, "root")
        for signer in new.values():
            root.add_key(signer.public_key, "root")
        known = {**known, **new}
        change_root(fleet.repository, root, known, NOW, sign_all=False)
    fleet.publish("soil-1.0.0.loam", b"bundle")
    for cache in ("device", "a device that was never on"):
        device = looking(fleet, tmp_path / cache, first)
        assert device.get_targetinfo("bundles/soil-1.0.0.loam") is not None
    assert fleet.repository.root.version == 6


def test_a_root_that_too_few_keys_signed_is_not_written(fleet) -> None:
    root, new = fleet.repository.root, keys(1)
    for signer in new.values():
        root.add_key(signer.public_key, "root")
    with pytest.raises(RepositoryError, match="1 of the 2 signatures that the root before it"):
        change_root(fleet.repository, root, one_of(fleet.root), NOW, sign_all=False)
    root = fleet.repository.root
    for key_id in list(root.roles["root"].keyids):
        root.revoke_key(key_id, "root")
    for signer in keys(2).values():
        root.add_key(signer.public_key, "root")
    with pytest.raises(RepositoryError, match="0 of the 2 signatures that itself"):
        change_root(fleet.repository, root, fleet.root, NOW, sign_all=False)
    assert fleet.repository.root.version == 1


def test_a_key_that_was_revoked_signs_nothing_any_more(fleet, tmp_path) -> None:
    stolen, fleet.online = fleet.online, CryptoSigner.generate_ed25519()
    root = fleet.repository.root
    for role in ("snapshot", "timestamp"):
        root.revoke_key(stolen.public_key.keyid, role)
        root.add_key(fleet.online.public_key, role)
    change_root(fleet.repository, root, fleet.root, NOW, sign_all=False)
    fleet.repository.tell(stolen, NOW)
    with pytest.raises(TufError, match="timestamp was signed by 0/1"):
        looking(fleet, tmp_path / "device")
    fleet.repository.tell(fleet.online, NOW)
    looking(fleet, tmp_path / "device")


def test_floors_are_signed_with_the_bundles_and_the_time_with_the_timestamp(fleet) -> None:
    said = word("soil-1.1.0.loam")
    fleet.repository.add_bundle(
        "bundles/soil-1.1.0.loam", b"b", said, {"soil": "1.1.0"}, fleet.bundles, NOW
    )
    targets = fleet.repository.targets
    assert targets.unrecognized_fields[FLOORS] == {"soil": "1.1.0"}
    assert targets.targets["bundles/soil-1.1.0.loam"].custom == said
    fleet.repository.tell(fleet.online, NOW + timedelta(days=3))
    timestamp = Metadata.from_bytes((fleet.folder / "metadata/timestamp.json").read_bytes()).signed
    moment = (NOW + timedelta(days=3)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert timestamp.unrecognized_fields[ISSUED_AT] == moment


@pytest.mark.parametrize("spoilt", ["2.targets.json", "1.root.json"])
def test_metadata_that_is_damaged_is_told_by_its_file(fleet, spoilt) -> None:
    fleet.publish("soil-1.0.0.loam", b"b")
    (fleet.folder / "metadata" / spoilt).write_bytes(b"{")
    with pytest.raises(RepositoryError, match=f"{spoilt} can't be read"):
        _ = fleet.repository.root, fleet.repository.targets


def test_rollouts_that_are_not_those_that_were_signed_are_told(fleet) -> None:
    (path,) = (fleet.folder / "targets/rollouts").iterdir()
    path.write_bytes(b'{"schema": "loamscan.rollouts/1", "rollouts": [], "more": 1}')
    with pytest.raises(RepositoryError, match="is damaged"):
        _ = fleet.repository.rollouts


def test_a_folder_without_a_repository_and_one_with_are_not_mistaken(fleet, tmp_path) -> None:
    with pytest.raises(RepositoryError, match="there is no fleet repository"):
        Repository(tmp_path / "elsewhere")
    with pytest.raises(RepositoryError, match="holds a fleet repository already"):
        Fleet(fleet.folder)


def test_no_root_metadata_names_a_private_key(fleet) -> None:
    root = Metadata[Root].from_bytes(fleet.first_root).signed
    assert all(set(key.keyval) == {"public"} for key in root.keys.values())


def issued_at(fleet: Fleet) -> str:
    path = fleet.folder / "metadata" / "timestamp.json"
    return Metadata.from_bytes(path.read_bytes()).signed.unrecognized_fields[ISSUED_AT]


def test_a_clock_that_is_behind_makes_no_replay_of_what_it_signs(fleet) -> None:
    fleet.repository.tell(fleet.online, NOW)
    before = issued_at(fleet)
    fleet.repository.tell(fleet.online, NOW - timedelta(minutes=4))
    assert issued_at(fleet) == before


def test_a_clock_that_is_years_ahead_signs_nothing(fleet) -> None:
    before = issued_at(fleet)
    with pytest.raises(RepositoryError, match="set the clock right"):
        fleet.repository.tell(fleet.online, NOW + timedelta(days=3000))
    assert issued_at(fleet) == before


def test_a_time_that_a_thief_signed_goes_with_the_key(fleet) -> None:
    far = NOW + timedelta(days=700)
    fleet.repository.tell(fleet.online, far)
    new = CryptoSigner.generate_ed25519()
    signers = {**fleet.root, **fleet.bundles, new.public_key.keyid: new}
    stolen = fleet.online.public_key.keyid
    change_keys(fleet.repository, "online", [new.public_key], [stolen], signers, NOW)
    assert issued_at(fleet) == rfc3339(NOW)
