"""Taking a bundle into the repository: checked whole, with what devices must know before they fetch it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from securesystemslib.signer import Signer

from contract.bundle import open_bundle
from contract.manifest import Manifest
from contract.version import is_version, version_key
from deploy.errors import RepositoryError
from deploy.fleet.repository import BUNDLES, FLOORS, Repository

SUFFIX: Final = ".loam"


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
        file_name(manifest.name, manifest.version),
        content,
        described(manifest),
        {manifest.name: lowest},
        signers,
        now,
    )
    return manifest, left


def file_name(name: str, version: str) -> str:
    """What the bundle's file is called."""
    return f"{name}-{version}{SUFFIX}"


def described(manifest: Manifest) -> dict[str, Any]:
    """What is signed beside the bundle's digest: what decides whether a device can use it."""
    low, high = manifest.input.axis.axis().span_nm
    return {
        "name": manifest.name,
        "version": manifest.version,
        "minimum_agent": manifest.minimum_agent,
        # The framework's canonical JSON, which is what is signed, knows no fractions.
        "scanner_covers_nm": [repr(low), repr(high)],
        "synthetic": manifest.synthetic,
    }


def published(repository: Repository) -> dict[tuple[str, str], dict[str, Any]]:
    """What is signed beside each bundle, by its name and version."""
    entries = repository.targets.targets.values()
    found = [entry.custom or {} for entry in entries if entry.path.startswith(BUNDLES)]
    return {(custom["name"], custom["version"]): custom for custom in found if "name" in custom}
