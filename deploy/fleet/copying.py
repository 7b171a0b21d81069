"""A copy of a repository to carry to devices without a network, with a validity of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from securesystemslib.signer import Signer
from tuf.api.metadata import Root, Snapshot, Targets, Timestamp

from contract.fleet_repository import ROLLOUTS_ROLE
from deploy.errors import RepositoryError
from deploy.fleet.full_disk import what_to_do
from deploy.fleet.repository import Repository
from deploy.fleet.served import check_not_served


def copy_to(
    repository: Repository, folder: Path, online: Signer, now: datetime, days: float
) -> datetime:
    """Have in ``folder`` all that devices need, valid for ``days``; until when, or `RepositoryError`.

    Bundles that no rollout names stay behind. The copy's timestamp is its own: what is served over the
    network does not change. What else is signed may expire sooner.
    """
    check_not_served(repository.folder, folder)
    named = {
        f"{rollout.bundle}-{rollout.version}.loam"
        for rollout in repository.rollouts.rollouts
        if not rollout.halted
    }
    with _whole(folder):
        for part in ("metadata", "targets"):
            for path in (repository.folder / part).rglob("*"):
                own_name = path.name.partition(".")[2]
                if path.is_file() and (path.parent.name != "bundles" or own_name in named):
                    into = folder / path.relative_to(repository.folder)
                    into.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, into)
        copy = Repository(folder)
        copy.sign_timestamp(online, now, timedelta(days=days))
    return min(
        copy.files.read("timestamp", Timestamp).expires,
        copy.files.read("snapshot", Snapshot).expires,
        copy.files.read(ROLLOUTS_ROLE, Targets).expires,
        copy.files.read("targets", Targets).expires,
        copy.files.read("root", Root).expires,
    )


@contextmanager
def _whole(folder: Path) -> Iterator[None]:
    """A new or empty folder to be filled; as it was before where that fails, with `RepositoryError`."""
    there = folder.exists()
    try:
        if there and any(folder.iterdir()):
            raise RepositoryError(f"{folder} is not empty", "name a new folder")
    except OSError as error:
        raise RepositoryError(
            f"{folder} can't be read: {error.strerror}", "name a new folder"
        ) from error
    try:
        yield
    except BaseException as error:
        shutil.rmtree(folder / "metadata", ignore_errors=True)
        shutil.rmtree(folder / "targets", ignore_errors=True)
        if not there and folder.is_dir():
            folder.rmdir()
        if isinstance(error, OSError):
            at = error.filename2 or error.filename or folder
            raise RepositoryError(
                f"copying to {folder} failed at {at}: {error.strerror}", what_to_do(error)
            ) from error
        raise
