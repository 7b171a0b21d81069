"""From the root that devices were provisioned with to what is signed now: whether somebody changed it.

Whoever has the machine that is online can write anything into the repository's folder, and keys from the
safe sign what lies there with something added. So they sign only what follows from the first root, and
only what adds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter, ValidationError
from tuf.api.exceptions import RepositoryError as TufError
from tuf.api.metadata import Metadata, Root, Targets

from contract.errors import ContractError
from contract.fleet_repository import FLOORS, bundle_path, read_bundle_word
from contract.version import Version, version_key
from deploy.errors import RepositoryError

_FLOORS: Final = TypeAdapter(dict[str, Version])


class Trusted(NamedTuple):
    """What the first root vouches for."""

    root: Root
    targets: Targets


class AddedBundle(NamedTuple):
    """A bundle that a list has and the one before had not."""

    name: str
    version: str
    sha256: str


class Additions(NamedTuple):
    """What a list of bundles adds to the one before; of each floor that rises the old and the new."""

    bundles: list[AddedBundle]
    floors: dict[str, tuple[str, str]]


def newest_root(first: bytes, files: Iterable[tuple[str, bytes]]) -> Root:
    """The last of a chain of roots that begins at ``first``; expiry is not judged.

    ``files`` are those of the repository by their names, in the order of their versions, from the first
    root's own on. Raises `RepositoryError`.
    """
    root = None
    for name, content in files:
        document = _parsed(name, content)
        signed = document.signed
        if not isinstance(signed, Root) or (root is None and content != first):
            raise _changed(name)
        try:
            result = signed.get_root_verification_result(
                root, document.signed_bytes, document.signatures
            )
        except ValueError as error:
            raise _changed(name) from error
        if not result:
            raise _changed(name)
        root = signed
    if root is None:
        raise RepositoryError(
            "the repository's newest root is older than the one that devices were provisioned with",
            "restore it from a copy that you trust, and ask who had the machine",
        )
    return root


def first_version(first: bytes) -> int:
    """The version of the first root; raises `RepositoryError` where it is none."""
    document = _parsed("the root beside the keys", first)
    if not isinstance(document.signed, Root):
        raise RepositoryError("what lies beside the keys is no root", "restore it")
    return document.signed.version


def list_of_bundles(root: Root, version: int, name: str, content: bytes) -> Targets:
    """The list in a file, signed by as many keys as ``root`` asks for; raises `RepositoryError`."""
    document = _parsed(name, content)
    targets = document.signed
    if not isinstance(targets, Targets) or targets.version != version:
        raise _changed(name)
    if not root.get_verification_result("targets", document.signed_bytes, document.signatures):
        raise _changed(name)
    _check_places(name, targets)
    _floors(name, targets)
    return targets


def waiting_additions(trusted: Trusted, name: str, waiting: Metadata[Targets]) -> Additions:
    """What a list that waits for more signatures adds; raises `RepositoryError`.

    It has a signature already, since the first was given where the list was made.
    """
    result = trusted.root.get_verification_result(
        "targets", waiting.signed_bytes, waiting.signatures
    )
    if not result.signed:
        raise _changed(name)
    return additions(name, trusted.targets, waiting.signed)


def additions(name: str, before: Targets, after: Targets) -> Additions:
    """What ``after``, of the file ``name``, adds; raises `RepositoryError` where it does anything else."""
    if after.version != before.version + 1:
        raise RepositoryError(
            f"{name} is not based on the newest list of bundles",
            "remove it, and publish again what is missing",
        )
    _check_places(name, after)
    floors, low = _floors(name, after), _floors(name, before)
    allowed = Targets(
        before.version + 1,
        before.spec_version,
        after.expires,
        {**after.targets, **before.targets},
        before.delegations,
        {**before.unrecognized_fields, FLOORS: floors},
    )
    lowered = [n for n in low if version_key(floors.get(n, "0.0.0")) < version_key(low[n])]
    if after != allowed or lowered:
        raise RepositoryError(
            f"{name} does more than to add bundles and to raise floors",
            "sign it nowhere, remove it, and ask who had the machine",
        )
    new = [entry for path, entry in after.targets.items() if path not in before.targets]
    words = [(read_bundle_word(entry.custom), entry.hashes["sha256"]) for entry in new]
    return Additions(
        [AddedBundle(word.name, word.version, sha256) for word, sha256 in words],
        {
            bundle: (low.get(bundle, "0.0.0"), floor)
            for bundle, floor in floors.items()
            if floor != low.get(bundle, "0.0.0")
        },
    )


def _check_places(name: str, targets: Targets) -> None:
    """An entry elsewhere could stand for what another role signs, or for another bundle."""
    for path, entry in targets.targets.items():
        try:
            word = read_bundle_word(entry.custom)
        except ContractError as error:
            raise _misplaced(name, path) from error
        if path != bundle_path(word.name, word.version) or "sha256" not in entry.hashes:
            raise _misplaced(name, path)


def _floors(name: str, targets: Targets) -> dict[str, str]:
    try:
        return _FLOORS.validate_python(targets.unrecognized_fields.get(FLOORS), strict=True)
    except ValidationError as error:
        raise _changed(name) from error


def _parsed(name: str, content: bytes) -> Metadata[Any]:
    try:
        return Metadata[Any].from_bytes(content)
    except TufError as error:
        raise RepositoryError(f"{name} can't be read: {error}", "restore it") from error


def _misplaced(name: str, path: str) -> RepositoryError:
    return RepositoryError(
        f"{name} has an entry {path!r}, and no bundle that belongs there",
        "restore the list from a copy that you trust, and ask who signed this one",
    )


def _changed(name: str) -> RepositoryError:
    return RepositoryError(
        f"{name} is not what your keys signed: somebody changed it",
        "restore it from a copy that you trust, and ask who had the machine",
    )
