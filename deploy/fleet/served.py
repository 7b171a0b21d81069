"""What lies in the repository's folder is served to the world: private keys and copies belong elsewhere."""

from __future__ import annotations

from pathlib import Path

from deploy.errors import RepositoryError


def check_not_served(repository: Path, path: Path) -> None:
    """Raise `RepositoryError` where ``path`` is the repository's folder, or lies in it."""
    if repository.resolve() in (path.resolve(), *path.resolve().parents):
        raise RepositoryError(
            f"{path} lies in the repository, which is served", "name a folder elsewhere"
        )
