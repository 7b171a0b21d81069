"""Taking a bundle into the repository: checked whole, with what devices must know before they fetch it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from securesystemslib.signer import Signer

from contract.bundle import open_bundle
from contract.fleet_repository import (
    BUNDLES,
    FLOORS,
    BundleWord,
    bundle_path,
    read_bundle_word,
)
from contract.manifest import Manifest
from contract.version import is_version, version_key
from deploy.errors import RepositoryError
from deploy.fleet.repository import Repository


def publish(
    repository: Repository,
    bundle: Path,
    signers: Mapping[str, Signer],
    now: datetime,
    floor: str | None = None,
) -> tuple[Manifest, int]:
    """The bundle's manifest, and how many signatures it still wants.

    ``floor`` is the lowest version of its name that may be rolled out from now on; it only rises.
    Raises `BundleError` and `RepositoryError`.
    """
    read = open_bundle(bundle)
    manifest = read.manifest
    content = bundle.read_bytes()
    low = repository.targets.unrecognized_fields.get(FLOORS, {}).get(manifest.name, "0.0.0")
    if floor is not None and not is_version(floor):
        raise RepositoryError(f"{floor!r} is no version", "write it as 1.2.0")
    if floor is not None and version_key(floor) < version_key(low):
        raise RepositoryError(
            f"the floor of {manifest.name} is {low} already", "a floor only rises"
        )
    lowest = floor or low
    if version_key(manifest.version) < version_key(lowest):
        raise RepositoryError(
            f"{manifest.name} {manifest.version} lies below its floor {lowest}",
            "publish a newer version",
        )
    left = repository.add_bundle(
        bundle_path(manifest.name, manifest.version),
        content,
        word_on(manifest).to_custom(),
        {manifest.name: lowest},
        signers,
        now,
    )
    return manifest, left


def word_on(manifest: Manifest) -> BundleWord:
    """What is signed beside the bundle's digest."""
    return BundleWord(
        name=manifest.name,
        version=manifest.version,
        minimum_agent=manifest.minimum_agent,
        scanner_covers_nm=manifest.input.axis.axis().span_nm,
        synthetic=manifest.synthetic,
    )


def published(repository: Repository) -> dict[tuple[str, str], BundleWord]:
    """What is signed beside each bundle, by its name and version; raises `ContractError`."""
    entries = repository.targets.targets.values()
    words = [read_bundle_word(entry.custom) for entry in entries if entry.path.startswith(BUNDLES)]
    return {(word.name, word.version): word for word in words}
