"""Adding and revoking keys, so that a lost or stolen one can be left behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, Literal

from securesystemslib.signer import Key, Signer
from tuf.api.metadata import Root

from deploy.errors import RepositoryError
from deploy.fleet.repository import Repository

Holder = Literal["root", "bundles", "online"]
"""Who holds a key: those in the safe for roots and for bundles, the machine that is online."""

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
    root = repository.root
    for role in ROLES[holder]:
        for key in add:
            root.add_key(key, role)
        for key_id in revoke:
            _revoke(root, role, key_id)
        if threshold is not None:
            root.roles[role].threshold = threshold
        wanted = root.roles[role]
        if not 0 < wanted.threshold <= len(wanted.keyids):
            raise RepositoryError(
                f"{len(wanted.keyids)} keys can't give {wanted.threshold} signatures of {role}",
                "add keys, or lower the threshold",
            )
    repository.change_root(root, signers, now, sign_all=holder != "root")


def holders(repository: Repository) -> dict[Holder, tuple[int, list[str]]]:
    """For each holder the signatures it takes and the ids of its keys."""
    roles = repository.root.roles
    return {
        holder: (roles[names[0]].threshold, list(roles[names[0]].keyids))
        for holder, names in ROLES.items()
    }


def _revoke(root: Root, role: str, key_id: str) -> None:
    found = [known for known in root.roles[role].keyids if known.startswith(key_id)]
    if len(found) != 1:
        raise RepositoryError(
            f"{len(found)} keys of {role} have an id that begins with {key_id}",
            "see `loamscan fleet keys`",
        )
    root.revoke_key(found[0], role)
