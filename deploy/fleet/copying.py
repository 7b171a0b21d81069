"""A copy of a repository to carry to devices without a network, with a validity of its own."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

from securesystemslib.signer import Signer

from deploy.errors import RepositoryError
from deploy.fleet.repository import Repository


def copy_to(
    repository: Repository, folder: Path, online: Signer, now: datetime, days: float
) -> None:
    """Have in ``folder`` all that devices need, valid for ``days``; raises `RepositoryError`.

    Bundles that no rollout names stay behind. The copy's timestamp is its own: what is served over the
    network does not change.
    """
    if folder.exists() and any(folder.iterdir()):
        raise RepositoryError(f"{folder} is not empty", "name a new folder")
    named = {
        f"{rollout.bundle}-{rollout.version}.loam"
        for rollout in repository.rollouts.rollouts
        if not rollout.halted
    }
    try:
        shutil.copytree(repository.folder / "metadata", folder / "metadata")
        for path in (repository.folder / "targets").rglob("*"):
            own_name = path.name.partition(".")[2]
            if path.is_file() and (path.parent.name != "bundles" or own_name in named):
                into = folder / path.relative_to(repository.folder)
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, into)
    except OSError as error:
        raise RepositoryError(f"{folder} can't be written: {error}", "free space on it") from error
    Repository(folder).sign_timestamp(online, now, timedelta(days=days))
