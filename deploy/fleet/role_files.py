"""The files of a repository's roles, as The Update Framework lays them out: each version a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from securesystemslib.signer import Signer
from tuf.api.exceptions import RepositoryError as TufError
from tuf.api.metadata import Metadata, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization.json import JSONSerializer

from contract.whole_file import write_whole
from deploy.errors import RepositoryError
from deploy.fleet.full_disk import what_to_do
from deploy.fleet.together import finish, put_together

RoleName = Literal["root", "targets", "snapshot", "timestamp", "rollouts"]
Content = Root | Targets | Snapshot | Timestamp
ContentT = TypeVar("ContentT", Root, Targets, Snapshot, Timestamp)

JSON: Final = JSONSerializer(compact=False)

PREPARED: Final = "changing"
"""The folder beside the others that is there while several files are put in place."""


class RoleFiles:
    """``metadata/`` and ``targets/`` in a folder, which a web server may serve meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, role: RoleName, version: int) -> Path:
        """Where a version of a role lies; of the timestamp there is one alone."""
        name = "timestamp.json" if role == "timestamp" else f"{version}.{role}.json"
        return self._folder / "metadata" / name

    def target(self, entry: TargetFile) -> Path:
        """Where the bytes of an entry lie."""
        folder, _, name = entry.path.rpartition("/")
        return self._folder / "targets" / folder / f"{entry.hashes['sha256']}.{name}"

    def newest(self, role: RoleName) -> int:
        """The highest version of a role; 0 for none."""
        found = (p.name.split(".")[0] for p in (self._folder / "metadata").glob(f"*.{role}.json"))
        return max((int(number) for number in found if number.isdecimal()), default=0)

    @property
    def has_timestamp(self) -> bool:
        """Whether anything was ever told."""
        return self.path("timestamp", 0).is_file()

    def read(self, role: RoleName, kind: type[ContentT]) -> ContentT:
        """The newest of a role; raises `RepositoryError`."""
        return self.load(role, kind).signed

    def load(self, role: RoleName, kind: type[ContentT]) -> Metadata[ContentT]:
        """The same with its signatures; raises `RepositoryError`."""
        return self.load_file(role, self.path(role, self.newest(role)), kind)

    def load_file(self, role: RoleName, path: Path, kind: type[ContentT]) -> Metadata[ContentT]:
        """The same of one version's file."""
        try:
            document = Metadata.from_bytes(read_file(path))
        except TufError as error:
            raise RepositoryError(f"{path} can't be read: {error}", "restore it") from error
        if not isinstance(document.signed, kind):
            raise RepositoryError(f"{path} is not the {role} metadata", "restore it")
        return document

    def check_nothing_lost(self) -> None:
        """Raise `RepositoryError` where a file is gone that another names: its number would be given anew."""
        if not self.has_timestamp:
            return
        snapshot = self.read("timestamp", Timestamp).snapshot_meta.version
        self._check_there("snapshot", snapshot, self.path("timestamp", 0))
        named, of = (
            self.read("snapshot", Snapshot).meta,
            self.path("snapshot", self.newest("snapshot")),
        )
        roles: tuple[RoleName, ...] = ("targets", "rollouts")
        for role in roles:
            if f"{role}.json" in named:
                self._check_there(role, named[f"{role}.json"].version, of)

    def _check_there(self, role: RoleName, version: int, named_by: Path) -> None:
        if self.newest(role) < version:
            raise RepositoryError(
                f"{self.path(role, version)} is gone, and {named_by} names it",
                "restore it from a copy: its number must not be given to another",
            )

    def write(self, role: RoleName, content: Content, signers: Iterable[Signer]) -> None:
        """Sign and write a version of a role; raises `RepositoryError`."""
        self.write_bytes(role, content.version, signed_bytes(content, signers))

    def write_bytes(self, role: RoleName, version: int, content: bytes) -> None:
        """Write a version of a role that is signed already; raises `RepositoryError`."""
        write_file(self.path(role, version), content)

    def write_together(self, contents: Mapping[tuple[RoleName, int], bytes]) -> None:
        """Write versions of several roles that are signed already, all or none; raises `RepositoryError`."""
        named = {self.path(*version).name: content for version, content in contents.items()}
        put_together(named, self._folder / "metadata", self._folder / PREPARED)

    def finish(self) -> None:
        """Finish what `write_together` had begun, if anything; raises `RepositoryError`."""
        finish(self._folder / "metadata", self._folder / PREPARED)


def signed_bytes(content: Content, signers: Iterable[Signer]) -> bytes:
    """``content`` with a signature of each."""
    document: Metadata[Any] = Metadata(content)
    for signer in signers:
        document.sign(signer, append=True)
    return document.to_bytes(JSON)


def read_file(path: Path) -> bytes:
    """The bytes of a file; raises `RepositoryError`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise RepositoryError(f"{path} can't be read: {error.strerror}", "restore it") from error


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole; raises `RepositoryError`."""
    try:
        write_whole(path, content)
    except OSError as error:
        raise RepositoryError(
            f"{path} can't be written: {error.strerror}", what_to_do(error)
        ) from error
