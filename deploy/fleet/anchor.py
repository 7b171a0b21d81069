"""The root that devices were provisioned with, which lies beside each private key.

A repository's folder may have lain on a thief's machine; what lies with the keys in a safe has not. Keys
of roots and bundles sign nothing that does not follow from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from deploy.errors import RepositoryError
from deploy.fleet.full_disk import what_to_do
from deploy.fleet.role_files import write_file
from deploy.fleet.trust_chain import first_version

NAME: Final = "1.root.json"


def first_root(places: Iterable[Path], named: Path | None, repository: Path) -> bytes:
    """The root beside the keys in ``places``, files or folders, or the one that is ``named`` instead.

    Beside every key, the online one too: that one's folder alone may be the thief's. Raises
    `RepositoryError` where it is missing, or not the same everywhere, or taken from ``repository``,
    which is to be verified by it.
    """
    if named is not None:
        if repository.resolve() in named.resolve().parents:
            raise RepositoryError(
                f"{named} lies in the repository, which is to be verified by it",
                "name the root that devices were provisioned with, from a place that you trust",
            )
        return _of(repository, named, named)
    places = list(places)
    found = {path: _read(path) for path in map(_beside, places)}
    if not found:
        raise RepositoryError("no keys were named", "name their files with --keys")
    if len(set(found.values())) > 1:
        raise RepositoryError(
            f"{' and '.join(map(str, found))} are not the same root",
            "find out which one devices were provisioned with, and who changed the other",
        )
    return _of(repository, next(iter(found)), *places)


def put_beside(folder: Path, root: bytes) -> None:
    """Have the root in a folder of keys, where no other may lie; raises `RepositoryError`."""
    path = folder / NAME
    if not path.exists():
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise RepositoryError(
                f"{folder} can't be made: {error.strerror}", what_to_do(error)
            ) from error
        write_file(path, root)
    elif _read(path) != root:
        raise RepositoryError(f"{path} is another fleet's root", "name another folder")


def _of(repository: Path, path: Path, *places: Path) -> bytes:
    """The root in ``path``, which came with ``places``, unless ``repository`` has another in its stead."""
    root = _read(path)
    own = repository / "metadata" / f"{first_version(root)}.root.json"
    if own.is_file() and _read(own) != root:
        raise RepositoryError(
            f"{own} is not what your keys signed: somebody changed it, or these keys "
            f"({', '.join(map(str, places))}) belong to another fleet",
            "name this fleet's keys, or restore the repository from a copy that you trust",
        )
    return root


def _beside(place: Path) -> Path:
    return (place if place.is_dir() else place.parent) / NAME


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise RepositoryError(
            f"there is no {path}: without it nobody can tell whether the repository is yours",
            "put the root that devices were provisioned with there, or name it with --root",
        ) from error
    except OSError as error:
        raise RepositoryError(
            f"{path} can't be read: {error.strerror}", "check its name"
        ) from error
