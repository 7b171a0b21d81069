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
from typing import Any, Final

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
from deploy.fleet.full_disk import what_to_do
from deploy.fleet.role_files import JSON, RoleFiles, read_file, signed_bytes, write_file
from deploy.fleet.trust_chain import (
    Additions,
    Trusted,
    first_version,
    list_of_bundles,
    newest_root,
    waiting_additions,
)

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

    def __init__(self, folder: Path, first_root: bytes | None = None) -> None:
        """Of a repository that `create` made; raises `RepositoryError` where there is none.

        ``first_root`` is the one that devices were provisioned with, from elsewhere: without it keys of
        roots and bundles sign nothing here.
        """
        self.folder = folder
        self.files = RoleFiles(folder)
        self._first_root = first_root
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
        first_root = signed_bytes(content, root.values())
        write_file(folder / "metadata" / "1.root.json", first_root)
        made = cls(folder, first_root)
        made.files.write("targets", targets, bundles.values())
        empty = Rollouts.model_validate({"schema": "loamscan.rollouts/1", "rollouts": []})
        made.set_rollouts(empty, online, now)
        return made

    @property
    def root(self) -> Root:
        """The newest root."""
        return self.files.read("root", Root)

    @property
    def targets(self) -> Targets:
        """The newest list of bundles, complete in its signatures."""
        return self.files.read("targets", Targets)

    def trusted(self) -> Trusted:
        """Root and list of bundles as they follow from the first root; raises `RepositoryError`."""
        if self._first_root is None:
            raise RepositoryError(
                f"nobody said which root the devices of {self.folder} were provisioned with",
                "name it with --root",
            )
        versions = range(first_version(self._first_root), self.files.newest("root") + 1)
        paths = (self.files.path("root", version) for version in versions)
        root = newest_root(self._first_root, ((str(path), read_file(path)) for path in paths))
        version = self.files.newest("targets")
        path = self.files.path("targets", version)
        return Trusted(root, list_of_bundles(root, version, str(path), read_file(path)))

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
        """Take a bundle in; how many signatures it still wants before devices may see it.

        Raises `RepositoryError`, also where another one waits.
        """
        self.check_nothing_waits()
        self.files.check_nothing_lost()
        root, targets = self.trusted()
        if not root.roles["targets"].keyids & signers.keys():
            raise RepositoryError("no key of bundles was named", "name the file of one with --keys")
        entry = TargetFile.from_data(path, content, ["sha256"])
        entry.unrecognized_fields["custom"] = custom
        known = targets.targets.get(path, entry)
        if known.hashes != entry.hashes:
            raise RepositoryError(
                f"{path} was published with other bytes", "a version is never changed: raise it"
            )
        write_file(self.files.target(entry), content)
        targets.targets[path] = known
        targets.unrecognized_fields[FLOORS] = {
            **targets.unrecognized_fields.get(FLOORS, {}),
            **floors,
        }
        targets.version += 1
        targets.expires = now + EXPIRES["targets"]
        return self._sign_or_stage(root, Metadata(targets), signers)

    @property
    def is_told(self) -> bool:
        """Whether devices see the newest list of bundles."""
        told = self.files.read("snapshot", Snapshot).meta.get("targets.json")
        return told is not None and told.version >= self.files.newest("targets")

    @property
    def floors(self) -> dict[str, str]:
        """Of each bundle's name the lowest version that may be rolled out."""
        return dict(self.targets.unrecognized_fields.get(FLOORS, {}))

    @property
    def staged(self) -> Path:
        """Where a list of bundles waits for signatures, if one does."""
        return self.folder / "staged" / "targets.json"

    @property
    def is_waiting(self) -> bool:
        """Whether something waits for signatures."""
        return self.staged.is_file()

    def check_nothing_waits(self) -> None:
        """Raise `RepositoryError` where something does: it would be lost."""
        if self.is_waiting:
            raise RepositoryError(
                "a list of bundles waits for signatures",
                f"finish it: `loamscan fleet sign`, or remove {self.staged}",
            )

    def waiting(self) -> Metadata[Targets]:
        """What waits for signatures, as it lies there; raises `RepositoryError`."""
        if not self.is_waiting:
            raise RepositoryError("nothing waits for signatures", "publish something first")
        try:
            document = Metadata[Targets].from_bytes(read_file(self.staged))
        except TufError as error:
            raise RepositoryError(f"{self.staged} can't be read: {error}", "remove it") from error
        if not isinstance(document.signed, Targets):
            raise RepositoryError(f"{self.staged} is no list of bundles", "remove it")
        return document

    def waiting_additions(self) -> Additions:
        """What waits for signatures adds to what is signed; raises `RepositoryError`."""
        return waiting_additions(self.trusted(), str(self.staged), self.waiting())

    def sign_staged(self, signers: Mapping[str, Signer]) -> int:
        """Add signatures to what waits for them; how many it still wants. Raises `RepositoryError`."""
        self.files.check_nothing_lost()
        trusted, waiting = self.trusted(), self.waiting()
        waiting_additions(trusted, str(self.staged), waiting)
        return self._sign_or_stage(trusted.root, waiting, signers)

    def set_rollouts(self, rollouts: Rollouts, online: Signer, now: datetime) -> None:
        """Make ``rollouts`` the newest, and tell of them."""
        self.files.write(ROLLOUTS_ROLE, self.next_rollouts(rollouts, now), [online])
        self.tell(online, now)

    def next_rollouts(self, rollouts: Rollouts, now: datetime) -> Targets:
        """What is to be signed of ``rollouts`` next; their own file is written, which no device sees yet."""
        content = rollouts.to_json()
        _check_readable(content)
        entry = TargetFile.from_data(ROLLOUTS_PATH, content, ["sha256"])
        write_file(self.files.target(entry), content)
        version = self.files.newest(ROLLOUTS_ROLE) + 1
        return Targets(version, expires=now + EXPIRES["rollouts"], targets={ROLLOUTS_PATH: entry})

    def tell(self, online: Signer, now: datetime) -> None:
        """Sign a new snapshot and timestamp over what there is: from now on devices see it."""
        versions = {role: self.files.newest(role) for role in ("targets", ROLLOUTS_ROLE)}
        snapshot = snapshot_of(self.files.newest("snapshot") + 1, versions, now)
        timestamp = timestamp_of(self.next_timestamp(), snapshot.version, now, self.moment(now))
        self.files.write("snapshot", snapshot, [online])
        self.files.write("timestamp", timestamp, [online])

    def sign_timestamp(self, online: Signer, now: datetime, valid: timedelta) -> None:
        """Sign the newest timestamp anew, with another validity: for a copy that travels."""
        before = self.files.read("timestamp", Timestamp)
        snapshot = before.snapshot_meta.version
        timestamp = timestamp_of(before.version, snapshot, now, self.moment(now), valid)
        self.files.write("timestamp", timestamp, [online])

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

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One change at a time: a halt that comes by itself must not be undone by another beside it.

        A change that a kill cut short is finished first. Raises `RepositoryError` where it can't be.
        """
        path = self.folder / "changing.lock"
        try:
            lock = path.open("ab")
        except OSError as error:
            raise RepositoryError(
                f"{path} can't be written: {error.strerror}", what_to_do(error)
            ) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.files.finish()
            yield

    def _sign_or_stage(
        self, root: Root, document: Metadata[Targets], signers: Mapping[str, Signer]
    ) -> int:
        for key_id in root.roles["targets"].keyids:
            if key_id in signers:
                document.sign(signers[key_id], append=True)
        result = root.get_verification_result("targets", document.signed_bytes, document.signatures)
        if result:
            self.files.write_bytes("targets", document.signed.version, document.to_bytes(JSON))
            self.staged.unlink(missing_ok=True)
            return 0
        write_file(self.staged, document.to_bytes(JSON))
        return result.threshold - len(result.signed)


def _check_readable(rollouts: bytes) -> None:
    """Raise `RepositoryError` where devices could not read what is about to be signed."""
    try:
        read_rollouts(rollouts)
    except ContractError as error:
        raise RepositoryError(f"that can't be rolled out: {error}", "see `--help`") from error


def delegations(keys: dict[str, Key]) -> Delegations:
    """Rollouts, and nothing else, are signed by one of ``keys``."""
    role = DelegatedRole(ROLLOUTS_ROLE, list(keys), 1, terminating=True, paths=["rollouts/*"])
    return Delegations(keys, {ROLLOUTS_ROLE: role})


def snapshot_of(version: int, versions: Mapping[str, int], now: datetime) -> Snapshot:
    """A snapshot of roles in these versions."""
    meta = {f"{role}.json": MetaFile(newest) for role, newest in versions.items()}
    return Snapshot(version, expires=now + EXPIRES["snapshot"], meta=meta)


def timestamp_of(
    version: int,
    snapshot: int,
    now: datetime,
    moment: datetime,
    valid: timedelta = EXPIRES["timestamp"],
) -> Timestamp:
    """A timestamp of ``moment`` over a snapshot; once it is signed, devices see that one."""
    return Timestamp(
        version,
        expires=(now + valid).replace(microsecond=0),
        snapshot_meta=MetaFile(snapshot),
        unrecognized_fields={ISSUED_AT: rfc3339(moment)},
    )


def utc_now() -> datetime:
    """The operator's clock, to the second that metadata keeps."""
    return datetime.now(timezone.utc).replace(microsecond=0)
