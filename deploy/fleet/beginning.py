"""A new fleet: its keys and its repository, all of it or nothing."""

from __future__ import annotations

import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, get_args

from securesystemslib.signer import Signer

from deploy.errors import RepositoryError
from deploy.fleet.anchor import put_beside
from deploy.fleet.full_disk import what_to_do
from deploy.fleet.key_changes import Holder
from deploy.fleet.key_files import new_key
from deploy.fleet.repository import Repository
from deploy.fleet.role_files import read_file
from deploy.fleet.served import check_not_served


class Rule(NamedTuple):
    """So many signatures of so many keys."""

    threshold: int
    keys: int


def begin(
    folder: Path, keys: Path, root: Rule, bundles: Rule, password: bytes | None, now: datetime
) -> None:
    """A repository in ``folder``, and in ``keys`` a folder of keys for each holder.

    Raises `RepositoryError` and `KeyFileError`; then neither is there.
    """
    check_not_served(folder, keys)
    parts = folder / "metadata", folder / "targets", keys
    for path in parts:
        if os.path.lexists(path):
            raise RepositoryError(
                f"{path} exists already", "name new folders: nothing is written over"
            )
    there = [path for path in (folder, *folder.parents, keys, *keys.parents) if path.exists()]
    try:
        _begin(folder, keys, root, bundles, password, now)
    except BaseException as error:
        for path in parts:
            shutil.rmtree(path, ignore_errors=True)
        _remove_empty(folder, there)
        _remove_empty(keys.parent, there)
        if isinstance(error, OSError):
            raise RepositoryError(
                f"{error.filename or folder} can't be made: {error.strerror}", what_to_do(error)
            ) from error
        raise


def _begin(
    folder: Path, keys: Path, root: Rule, bundles: Rule, password: bytes | None, now: datetime
) -> None:
    def made(holder: Holder, count: int) -> dict[str, Signer]:
        signers = [new_key(keys / holder, f"{holder}-{n + 1}", password) for n in range(count)]
        return {signer.public_key.keyid: signer for signer in signers}

    (online,) = made("online", 1).values()
    Repository.create(
        folder, made("root", root.keys), root.threshold,
        made("bundles", bundles.keys), bundles.threshold, online, now,
    )  # fmt: skip
    first = read_file(folder / "metadata" / "1.root.json")
    for holder in get_args(Holder):
        put_beside(keys / holder, first)


def _remove_empty(folder: Path, there: list[Path]) -> None:
    """Remove it and the folders above it that were not ``there``, as far as nothing else is in them."""
    for path in (folder, *folder.parents):
        if path in there or not path.is_dir() or any(path.iterdir()):
            return
        path.rmdir()
