"""Whether a repository is fit to be told of, which the online key asks before devices hear of it.

By the root that lies in the folder: this finds damage, not thieves. Devices would take nothing from a
damaged one, and what was lost would be signed anew without it.
"""

from __future__ import annotations

from datetime import datetime

from tuf.api.exceptions import RepositoryError as TufError
from tuf.api.metadata import TargetFile, Targets

from contract.fleet_repository import ROLLOUTS_ROLE, bundle_path
from contract.rollout import Rollouts
from deploy.errors import RepositoryError
from deploy.fleet.repository import Repository
from deploy.fleet.role_files import read_file
from deploy.fleet.trust_chain import list_of_bundles


def check_all(repository: Repository, now: datetime) -> None:
    """Raise `RepositoryError` where what is signed can't be told of as it is."""
    check_list(repository)
    _check_signed_rollouts(repository)
    check_bundles(repository, repository.rollouts, now)


def check_list(repository: Repository) -> None:
    """Raise `RepositoryError` where the newest list of bundles is gone, or not signed as it must be."""
    repository.files.check_nothing_lost()
    version = repository.files.newest("targets")
    path = repository.files.path("targets", version)
    try:
        list_of_bundles(repository.root, version, str(path), read_file(path))
    except RepositoryError as error:
        raise RepositoryError(f"{error.what} (devices take nothing of it)", error.remedy) from error


def check_bundles(repository: Repository, rollouts: Rollouts, now: datetime) -> None:
    """Raise `RepositoryError` where a bundle that ``rollouts`` have devices fetch is gone or damaged."""
    listed = repository.targets.targets
    for known in rollouts.rollouts:
        if known.halted or known.deadline <= now:
            continue
        entry = listed.get(bundle_path(known.bundle, known.version))
        if entry is None:
            raise RepositoryError(
                f"rollout {known.id} names a bundle that the list of bundles does not have",
                f"publish {known.bundle} {known.version}, or halt the rollout",
            )
        _check_bundle(repository, known.id, entry)


def _check_bundle(repository: Repository, rollout: str, entry: TargetFile) -> None:
    path = repository.files.target(entry)
    remedy = "restore it, publish the same bundle again, or halt the rollout"
    try:
        with path.open("rb") as content:
            entry.verify_length_and_hashes(content)
    except OSError as error:
        why = f"{path}, which rollout {rollout} needs, can't be read: {error.strerror}"
        raise RepositoryError(why, remedy) from error
    except TufError as error:
        why = f"{path}, which rollout {rollout} needs, is not what was signed"
        raise RepositoryError(why, remedy) from error


def _check_signed_rollouts(repository: Repository) -> None:
    document = repository.files.load(ROLLOUTS_ROLE, Targets)
    result = repository.targets.get_verification_result(
        ROLLOUTS_ROLE, document.signed_bytes, document.signatures
    )
    if not result:
        path = repository.files.path(ROLLOUTS_ROLE, repository.files.newest(ROLLOUTS_ROLE))
        raise RepositoryError(
            f"{path} is not what the online key signed (devices take nothing of it)",
            "restore it from a copy that you trust",
        )
