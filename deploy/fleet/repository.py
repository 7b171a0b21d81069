"""A fleet's repository: what is signed in it, by whom, and how it changes.

Root and bundles are signed by keys that lie in a safe; snapshot, timestamp and rollouts by one that is
online. The online key chooses among signed bundles, at or above the floors that the bundles' keys
signed: who steals it can't ship anything of their own.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final, Literal

from securesystemslib.signer import Key, Signer
from tuf.api.exceptions import RepositoryError as TufError
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from contract.errors import ContractError
from contract.fleet_repository import BUNDLES, FLOORS, ISSUED_AT, ROLLOUTS_PATH, ROLLOUTS_ROLE
from contract.records import rfc3339
from contract.rollout import Rollouts, read_rollouts
from deploy.errors import RepositoryError
from deploy.fleet.role_files import JSON, RoleFiles, signed_bytes, write_file

EXPIRES: Final = {
    "root": timedelta(days=730),
    "targets": timedelta(days=365),
    "rollouts": timedelta(days=365),
    "snapshot": timedelta(days=365),
    "timestamp": timedelta(days=180),
}
"""Devices are away for a season; a freeze of half a year is what that costs. Ours, after shared practice
of 90 days and more for what is fetched from afar."""

CLOCK_JUMP_MAX: Final = timedelta(days=730)
"""A repository that was not signed for longer has a root that expired. Ours."""


class Repository:
    """``metadata/`` and ``targets/`` in a folder; what is not signed enough yet waits in ``staged/``."""

    def __init__(self, folder: Path) -> None:
        """Of a repository that `create` made; raises `RepositoryError` where there is none."""
        self.folder = folder
        self.files = RoleFiles(folder)
        if not self.files.path("root", 1).is_file():
            raise RepositoryError(
                f"there is no fleet repository in {folder}", "make one with `loamscan fleet init`"
            )

    @classmethod
    def create(
        cls,
        folder: Path,
        root: Mapping[str, Signer],
        root_threshold: int,
        bundles: Mapping[str, Signer],
        bundles_threshold: int,
        online: Signer,
        now: datetime,
    ) -> Repository:
        """A new one, signed by all of its keys; raises `RepositoryError` if there is one already."""
        if (folder / "metadata").exists():
            raise RepositoryError(f"{folder} holds a fleet repository already", "name a new folder")
        content = Root(expires=now + EXPIRES["root"], consistent_snapshot=True)
        for role, signers, threshold in (
            ("root", root, root_threshold),
            ("targets", bundles, bundles_threshold),
            ("snapshot", {online.public_key.keyid: online}, 1),
            ("timestamp", {online.public_key.keyid: online}, 1),
        ):
            for signer in signers.values():
                content.add_key(signer.public_key, role)
            content.roles[role].threshold = threshold
        targets = Targets(
            expires=now + EXPIRES["targets"],
            delegations=_delegations({online.public_key.keyid: online.public_key}),
            unrecognized_fields={FLOORS: {}},
        )
        for name in ("metadata", f"targets/{BUNDLES}", "targets/rollouts"):
            (folder / name).mkdir(parents=True)
        (folder / "metadata" / "1.root.json").write_bytes(signed_bytes(content, root.values()))
        made = cls(folder)
        made.files.write("targets", targets, bundles.values())
        empty = Rollouts.model_validate({"schema": "loamscan.rollouts/1", "rollouts": []})
        made.set_rollouts(empty, online, now, first=True)
        return made

    @property
    def root(self) -> Root:
        """The newest root."""
        return self.files.read("root", Root)

    @property
    def targets(self) -> Targets:
        """The newest list of bundles, complete in its signatures."""
        return self.files.read("targets", Targets)

    @property
    def rollouts(self) -> Rollouts:
        """The newest rollouts; raises `RepositoryError` if their file is damaged."""
        entry = self.files.read(ROLLOUTS_ROLE, Targets).targets[ROLLOUTS_PATH]
        path = self.files.target(entry)
        try:
            content = path.read_bytes()
            entry.verify_length_and_hashes(content)
            return read_rollouts(content)
        except (OSError, ContractError, TufError) as error:
            raise RepositoryError(f"{path} is damaged: {error}", "restore it") from error

    def add_bundle(
        self,
        path: str,
        content: bytes,
        custom: dict[str, Any],
        floors: Mapping[str, str],
        signers: Mapping[str, Signer],
        now: datetime,
    ) -> int:
        """Take a bundle in; how many signatures it still wants before devices may see it."""
        targets = self.files.read("targets", Targets)
        entry = TargetFile.from_data(path, content, ["sha256"])
        known = targets.targets.get(path)
        if known is not None and known.hashes != entry.hashes:
            raise RepositoryError(
                f"{path} was published with other bytes", "a version is never changed: raise it"
            )
        entry.unrecognized_fields["custom"] = custom
        write_file(self.files.target(entry), content)
        targets.targets[path] = entry
        targets.unrecognized_fields[FLOORS] = {
            **targets.unrecognized_fields.get(FLOORS, {}),
            **floors,
        }
        targets.version += 1
        targets.expires = now + EXPIRES["targets"]
        return self._sign_or_stage("targets", targets, signers)

    @property
    def is_waiting(self) -> bool:
        """Whether something waits for signatures."""
        return (self.folder / "staged" / "targets.json").is_file()

    def sign_staged(self, signers: Mapping[str, Signer]) -> int:
        """Add signatures to what waits for them; how many it still wants."""
        path = self.folder / "staged" / "targets.json"
        if not path.is_file():
            raise RepositoryError("nothing waits for signatures", "publish something first")
        staged = Metadata[Targets].from_bytes(path.read_bytes())
        if staged.signed.version != self.targets.version + 1:
            raise RepositoryError(
                "what waits for signatures is not based on the newest list of bundles",
                f"remove {path} and publish again",
            )
        return self._sign_or_stage("targets", staged.signed, signers, staged)

    def set_rollouts(
        self, rollouts: Rollouts, online: Signer, now: datetime, *, first: bool = False
    ) -> None:
        """Make ``rollouts`` the newest, and tell of them."""
        content = rollouts.to_json()
        entry = TargetFile.from_data(ROLLOUTS_PATH, content, ["sha256"])
        write_file(self.files.target(entry), content)
        version = 1 if first else self.files.read(ROLLOUTS_ROLE, Targets).version + 1
        signed = Targets(version, expires=now + EXPIRES["rollouts"], targets={ROLLOUTS_PATH: entry})
        self.files.write(ROLLOUTS_ROLE, signed, [online])
        self.tell(online, now)

    def tell(self, online: Signer, now: datetime) -> None:
        """Sign a new snapshot and timestamp over what there is: from now on devices see it."""
        versions = {role: self.files.newest(role) for role in ("targets", ROLLOUTS_ROLE)}
        snapshot = _snapshot(self.files.newest("snapshot") + 1, versions, now)
        moment = self._moment(now)
        self.files.write("snapshot", snapshot, [online])
        self._write_timestamp(self._next_timestamp(), snapshot.version, online, now, moment)

    def sign_timestamp(self, online: Signer, now: datetime, valid: timedelta) -> None:
        """Sign the newest timestamp anew, with another validity: for a copy that travels."""
        before = self.files.read("timestamp", Timestamp)
        snapshot = before.snapshot_meta.version
        self._write_timestamp(before.version, snapshot, online, now, self._moment(now), valid)

    def change_root(
        self, root: Root, signers: Mapping[str, Signer], now: datetime, *, sign_all: bool
    ) -> None:
        """Make ``root`` the next one, unless old and new keys signed it too little: `RepositoryError`.

        With ``sign_all`` everything below it is signed anew by the keys that it names, since devices will
        take nothing else from then on: all of it or nothing.
        """
        same_online = self.root.roles["timestamp"].keyids == root.roles["timestamp"].keyids
        signed_root = self._signed_root(root, signers, now)
        # What a key said that is revoked now, perhaps in a thief's hand, binds nobody.
        moment = self._moment(now) if same_online else now
        if sign_all:
            online, snapshot = self._sign_all(root, signers, now)
        self.files.write_bytes("root", root.version, signed_root.to_bytes(JSON))
        if sign_all:
            self._write_timestamp(self._next_timestamp(), snapshot, online, now, moment)

    def _signed_root(
        self, root: Root, signers: Mapping[str, Signer], now: datetime
    ) -> Metadata[Root]:
        before = self.files.load("root", Root)
        root.version = before.signed.version + 1
        root.expires = now + EXPIRES["root"]
        ids = {*before.signed.roles["root"].keyids, *root.roles["root"].keyids}
        signed = Metadata(root)
        for key_id in sorted(ids & set(signers)):
            signed.sign(signers[key_id], append=True)
        for keys, whose in ((before.signed, "the root before it"), (root, "itself")):
            result = keys.get_verification_result("root", signed.signed_bytes, signed.signatures)
            if not result:
                raise RepositoryError(
                    f"the new root has {len(result.signed)} of the {result.threshold} signatures "
                    f"that {whose} asks for",
                    "name the files of more root keys with --keys",
                )
        return signed

    def _sign_all(
        self, root: Root, signers: Mapping[str, Signer], now: datetime
    ) -> tuple[Signer, int]:
        """Write all that lies between root and timestamp, which nobody sees yet; who signs, the snapshot."""
        if self.is_waiting:
            raise RepositoryError(
                "a list of bundles waits for signatures", "finish it: `loamscan fleet sign`"
            )
        ids = root.roles["timestamp"].keyids
        online = next((signers[key_id] for key_id in ids if key_id in signers), None)
        if online is None:
            raise RepositoryError(
                "everything is to be signed anew, and the online key is not there",
                "name its file with --keys",
            )
        targets = self.files.read("targets", Targets)
        targets.delegations = _delegations({key_id: root.keys[key_id] for key_id in ids})
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
        rollouts = self.files.read(ROLLOUTS_ROLE, Targets)
        rollouts.version += 1
        rollouts.expires = now + EXPIRES["rollouts"]
        versions = {"targets": targets.version, ROLLOUTS_ROLE: rollouts.version}
        snapshot = _snapshot(self.files.newest("snapshot") + 1, versions, now)
        self.files.write_bytes("targets", targets.version, document.to_bytes(JSON))
        self.files.write(ROLLOUTS_ROLE, rollouts, [online])
        self.files.write("snapshot", snapshot, [online])
        return online, snapshot.version

    def _moment(self, now: datetime) -> datetime:
        """When the next timestamp is signed: never before the last, whose devices would call it a replay.

        Raises `RepositoryError` where this machine's clock can't be meant: devices would believe it.
        """
        if not self.files.has_timestamp:
            return now
        fields = self.files.read("timestamp", Timestamp).unrecognized_fields
        last = datetime.fromisoformat(str(fields[ISSUED_AT]).replace("Z", "+00:00"))
        if now > last + CLOCK_JUMP_MAX:
            raise RepositoryError(
                f"this machine's clock says {rfc3339(now)}, and this was last signed at {rfc3339(last)}",
                "set the clock right",
            )
        return max(now, last)

    def _next_timestamp(self) -> int:
        return 1 + (
            self.files.read("timestamp", Timestamp).version if self.files.has_timestamp else 0
        )

    def _write_timestamp(
        self,
        version: int,
        snapshot: int,
        online: Signer,
        now: datetime,
        moment: datetime,
        valid: timedelta = EXPIRES["timestamp"],
    ) -> None:
        timestamp = Timestamp(
            version,
            expires=(now + valid).replace(microsecond=0),
            snapshot_meta=MetaFile(snapshot),
            unrecognized_fields={ISSUED_AT: rfc3339(moment)},
        )
        self.files.write("timestamp", timestamp, [online])

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One change at a time: a halt that comes by itself must not be undone by another beside it."""
        with (self.folder / "changing.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _sign_or_stage(
        self,
        role: Literal["targets"],
        content: Targets,
        signers: Mapping[str, Signer],
        staged: Metadata[Targets] | None = None,
    ) -> int:
        document = staged or Metadata(content)
        root = self.root
        for key_id in root.roles[role].keyids:
            if key_id in signers:
                document.sign(signers[key_id], append=True)
        result = root.get_verification_result(role, document.signed_bytes, document.signatures)
        waiting = self.folder / "staged" / f"{role}.json"
        if result:
            self.files.write_bytes(role, content.version, document.to_bytes(JSON))
            waiting.unlink(missing_ok=True)
            return 0
        waiting.parent.mkdir(exist_ok=True)
        write_file(waiting, document.to_bytes(JSON))
        return result.threshold - len(result.signed)


def _delegations(keys: dict[str, Key]) -> Delegations:
    role = DelegatedRole(ROLLOUTS_ROLE, list(keys), 1, terminating=True, paths=["rollouts/*"])
    return Delegations(keys, {ROLLOUTS_ROLE: role})


def _snapshot(version: int, versions: Mapping[str, int], now: datetime) -> Snapshot:
    meta = {f"{role}.json": MetaFile(newest) for role, newest in versions.items()}
    return Snapshot(version, expires=now + EXPIRES["snapshot"], meta=meta)


def utc_now() -> datetime:
    """The operator's clock, to the second that metadata keeps."""
    return datetime.now(timezone.utc).replace(microsecond=0)
