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
            delegations=delegations({online.public_key.keyid: online.public_key}),
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
        snapshot = snapshot_of(self.files.newest("snapshot") + 1, versions, now)
        moment = self.moment(now)
        self.files.write("snapshot", snapshot, [online])
        self.write_timestamp(self.next_timestamp(), snapshot.version, online, now, moment)

    def sign_timestamp(self, online: Signer, now: datetime, valid: timedelta) -> None:
        """Sign the newest timestamp anew, with another validity: for a copy that travels."""
        before = self.files.read("timestamp", Timestamp)
        snapshot = before.snapshot_meta.version
        self.write_timestamp(before.version, snapshot, online, now, self.moment(now), valid)

    def moment(self, now: datetime) -> datetime:
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

    def next_timestamp(self) -> int:
        """The version of the timestamp that is to be signed next."""
        return 1 + (
            self.files.read("timestamp", Timestamp).version if self.files.has_timestamp else 0
        )

    def write_timestamp(
        self,
        version: int,
        snapshot: int,
        online: Signer,
        now: datetime,
        moment: datetime,
        valid: timedelta = EXPIRES["timestamp"],
    ) -> None:
        """Sign a timestamp of ``moment`` over a snapshot: from now on devices see it."""
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


def delegations(keys: dict[str, Key]) -> Delegations:
    """Rollouts, and nothing else, are signed by one of ``keys``."""
    role = DelegatedRole(ROLLOUTS_ROLE, list(keys), 1, terminating=True, paths=["rollouts/*"])
    return Delegations(keys, {ROLLOUTS_ROLE: role})


def snapshot_of(version: int, versions: Mapping[str, int], now: datetime) -> Snapshot:
    """A snapshot of roles in these versions."""
    meta = {f"{role}.json": MetaFile(newest) for role, newest in versions.items()}
    return Snapshot(version, expires=now + EXPIRES["snapshot"], meta=meta)


def utc_now() -> datetime:
    """The operator's clock, to the second that metadata keeps."""
    return datetime.now(timezone.utc).replace(microsecond=0)
