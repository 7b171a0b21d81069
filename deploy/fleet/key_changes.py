"""Adding and revoking keys, so that a lost or stolen one can be left behind: a new root, all signed anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, Literal

from securesystemslib.signer import Key, Signer
from tuf.api.metadata import Metadata, Root, Targets

from contract.fleet_repository import ROLLOUTS_ROLE
from deploy.errors import RepositoryError
from deploy.fleet.repository import EXPIRES, Repository, delegations, snapshot_of, timestamp_of
from deploy.fleet.role_files import JSON, RoleName, signed_bytes

Holder = Literal["root", "bundles", "online"]
"""Who holds a key: those in the safe for roots and for bundles, the machine that is online."""

_Signed = dict[tuple[RoleName, int], bytes]
"""Signed metadata by role and version."""

ROLES: Final[dict[Holder, tuple[str, ...]]] = {
    "root": ("root",),
    "bundles": ("targets",),
    "online": ("snapshot", "timestamp"),
}


def change_keys(
    repository: Repository,
    holder: Holder,
    add: Iterable[Key],
    revoke: Iterable[str],
    signers: Mapping[str, Signer],
    now: datetime,
    threshold: int | None = None,
) -> None:
    """A new root with other keys, signed by enough of the old and of the new.

    Where the keys of bundles or the online key change, everything below is signed anew in the same step.
    Raises `RepositoryError`, and changes nothing then.
    """
    add, revoke = list(add), list(revoke)
    root = repository.trusted().root
    for role in ROLES[holder]:
        for key in add:
            root.add_key(key, role)
        for key_id in revoke:
            _revoke(root, holder, role, key_id)
        if threshold is not None:
            root.roles[role].threshold = threshold
        wanted = root.roles[role]
        if not 0 < wanted.threshold <= len(wanted.keyids):
            raise RepositoryError(
                f"{len(wanted.keyids)} keys of {holder} can't give {wanted.threshold} signatures",
                "add keys, or lower the threshold",
            )
    change_root(repository, root, signers, now, sign_all=holder != "root")


def change_root(
    repository: Repository,
    root: Root,
    signers: Mapping[str, Signer],
    now: datetime,
    *,
    sign_all: bool,
) -> None:
    """Make ``root`` the next one, unless old and new keys signed it too little: `RepositoryError`.

    With ``sign_all`` everything below it is signed anew by the keys that it names, since devices will
    take nothing else from then on: all of it or nothing, and the timestamp last.
    """
    trusted = repository.trusted()
    new_root: _Signed = {
        ("root", trusted.root.version + 1): _signed_root(trusted.root, root, signers, now)
    }
    if not sign_all:
        repository.files.write_together(new_root)
        return
    same_online = trusted.root.roles["timestamp"].keyids == root.roles["timestamp"].keyids
    # What a key said that is revoked now, perhaps in a thief's hand, binds nobody.
    moment = repository.moment(now) if same_online else now
    if same_online:
        repository.files.check_nothing_lost()
    below, timestamp = _sign_all(repository, trusted.targets, root, signers, now, moment)
    # These two last, side by side: between them devices take neither.
    repository.files.write_together({**below, **new_root, **timestamp})


def _signed_root(before: Root, root: Root, signers: Mapping[str, Signer], now: datetime) -> bytes:
    root.version = before.version + 1
    root.expires = now + EXPIRES["root"]
    ids = {*before.roles["root"].keyids, *root.roles["root"].keyids}
    signed = Metadata(root)
    for key_id in sorted(ids & set(signers)):
        signed.sign(signers[key_id], append=True)
    for keys, whose in ((before, "the root before it"), (root, "itself")):
        result = keys.get_verification_result("root", signed.signed_bytes, signed.signatures)
        if not result:
            raise RepositoryError(
                f"the new root has {len(result.signed)} of the {result.threshold} signatures "
                f"that {whose} asks for",
                "name the files of more root keys with --keys",
            )
    return signed.to_bytes(JSON)


def _sign_all(
    repository: Repository,
    targets: Targets,
    root: Root,
    signers: Mapping[str, Signer],
    now: datetime,
    moment: datetime,
) -> tuple[_Signed, _Signed]:
    """What lies between root and timestamp, and the timestamp."""
    repository.check_nothing_waits()
    ids = root.roles["timestamp"].keyids
    online = next((signers[key_id] for key_id in ids if key_id in signers), None)
    if online is None:
        raise RepositoryError(
            "everything is to be signed anew, and the online key is not there",
            "name its file with --keys",
        )
    targets.delegations = delegations({key_id: root.keys[key_id] for key_id in ids})
    targets.version += 1
    targets.expires = now + EXPIRES["targets"]
    document = Metadata(targets)
    for key_id in root.roles["targets"].keyids:
        if key_id in signers:
            document.sign(signers[key_id], append=True)
    result = root.get_verification_result("targets", document.signed_bytes, document.signatures)
    if not result:
        raise RepositoryError(
            f"everything is to be signed anew, and the list of bundles has {len(result.signed)} "
            f"of the {result.threshold} signatures that it takes",
            "name the files of more keys of bundles with --keys",
        )
    # Made anew: the former online key may have signed more than a list of rollouts.
    rollouts = repository.next_rollouts(repository.rollouts, now)
    versions = {"targets": targets.version, ROLLOUTS_ROLE: rollouts.version}
    snapshot = snapshot_of(repository.files.newest("snapshot") + 1, versions, now)
    timestamp = timestamp_of(repository.next_timestamp(), snapshot.version, now, moment)
    return {
        ("targets", targets.version): document.to_bytes(JSON),
        (ROLLOUTS_ROLE, rollouts.version): signed_bytes(rollouts, [online]),
        ("snapshot", snapshot.version): signed_bytes(snapshot, [online]),
    }, {("timestamp", timestamp.version): signed_bytes(timestamp, [online])}


def holders(repository: Repository) -> dict[Holder, tuple[int, list[str]]]:
    """For each holder the signatures it takes and the ids of its keys."""
    roles = repository.root.roles
    return {
        holder: (roles[names[0]].threshold, list(roles[names[0]].keyids))
        for holder, names in ROLES.items()
    }


def was_online(repository: Repository, ids: Iterable[str]) -> bool:
    """Whether one of these ids is of a key that an older root named as the online one."""
    files = repository.files
    roots = (files.path("root", version) for version in range(1, files.newest("root")))
    former = [files.load_file("root", path, Root).signed for path in roots if path.is_file()]
    return any(key_id in root.roles["timestamp"].keyids for root in former for key_id in ids)


def _revoke(root: Root, holder: Holder, role: str, key_id: str) -> None:
    found = [known for known in root.roles[role].keyids if known.startswith(key_id)]
    if len(found) != 1 or not key_id:
        raise RepositoryError(
            f"{len(found)} keys of {holder} have an id that begins with {key_id or 'nothing'}",
            "see `loamscan fleet keys`",
        )
    root.revoke_key(found[0], role)
