"""A model bundle, read and checked whole before anything in it is used."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contract.archive import ARCHIVE_BYTES_MAX, pack, unpack
from contract.errors import BundleDamagedError, BundleError, BundleUnsupportedError
from contract.manifest import MANIFEST_NAME, FileEntry, Manifest, Precision, read_manifest
from contract.version import version_key
from soil.axis import Axis


@dataclass(frozen=True)
class Bundle:
    """Manifest and members in memory: what was checked is what is used, whatever the file becomes."""

    manifest: Manifest
    files: dict[str, bytes]
    sha256: str

    @cached_property
    def axis(self) -> Axis:
        """The model axis that ``pipeline`` takes."""
        return self.manifest.input.axis.axis()

    def only(self, precisions: Collection[Precision]) -> Bundle:
        """The same bundle without the graphs that are in no one of ``precisions``."""
        graphs = (self.manifest.graphs.pipeline, self.manifest.graphs.mir_decoder)
        idle = {name for own in graphs for p, name in own.items() if p not in precisions}
        kept = {name: content for name, content in self.files.items() if name not in idle}
        return Bundle(self.manifest, kept, self.sha256)

    def array(self, name: str) -> NDArray[np.float32]:
        """The member ``name`` as a float32 array; raises `BundleError` if it is none."""
        try:
            array = np.load(io.BytesIO(self.files[name]), allow_pickle=False)
        # A hostile header makes numpy's parser raise what it likes: a dozen kinds were seen.
        except Exception as error:
            raise BundleError(f"{name} in the bundle is not an array") from error
        if not isinstance(array, np.ndarray) or array.dtype != np.float32:
            raise BundleError(f"{name} in the bundle is not a float32 array")
        if not np.all(np.isfinite(array)):
            raise BundleError(f"{name} in the bundle holds values that are not numbers")
        return array


def describe(files: dict[str, bytes]) -> dict[str, FileEntry]:
    """Size and digest of each member, for the manifest."""
    return {
        name: FileEntry(size=len(content), sha256=hashlib.sha256(content).hexdigest())
        for name, content in sorted(files.items())
    }


def bundle_bytes(manifest: Manifest, files: dict[str, bytes]) -> bytes:
    """The bundle as a file; ``manifest.files`` must describe ``files``."""
    if manifest.files != describe(files):
        raise BundleError("the manifest does not describe the files that go with it")
    return pack({**files, MANIFEST_NAME: manifest.to_json()})


def parse_bundle(data: bytes, agent_version: str | None = None) -> Bundle:
    """Check ``data`` as a bundle, to the last byte.

    Raises `BundleError` (no bundle), `BundleDamagedError` (a byte has changed) or
    `BundleUnsupportedError` (a newer format, or ``agent_version`` is below the one it needs).
    """
    files = unpack(data)
    manifest = read_manifest(files.pop(MANIFEST_NAME))
    unlisted = sorted(set(files) - set(manifest.files))
    if unlisted:
        raise BundleError(f"the bundle holds files that its manifest does not list: {unlisted}")
    for name, entry in manifest.files.items():
        content = files.get(name)
        if content is None:
            raise BundleDamagedError(f"{name} is missing from the bundle", "download it again")
        if len(content) != entry.size or hashlib.sha256(content).hexdigest() != entry.sha256:
            raise BundleDamagedError(
                f"{name} in the bundle does not match its digest", "copy or download it again"
            )
    if agent_version is not None and version_key(agent_version) < version_key(
        manifest.minimum_agent
    ):
        raise BundleUnsupportedError(
            f"{manifest.name} {manifest.version} needs loamscan {manifest.minimum_agent}, "
            f"this is {agent_version}",
            "update the agent",
        )
    return Bundle(manifest, files, hashlib.sha256(data).hexdigest())


def open_bundle(path: Path, agent_version: str | None = None) -> Bundle:
    """Read and check the bundle file at ``path``; raises as `parse_bundle` does, naming the file."""
    try:
        if path.stat().st_size > ARCHIVE_BYTES_MAX:
            raise BundleError("not a bundle: far too large")
        return parse_bundle(path.read_bytes(), agent_version)
    except OSError as error:
        raise BundleError(
            f"{path} can't be read: {error.strerror}", "name a bundle file (NAME-VERSION.loam)"
        ) from error
    except BundleError as error:
        raise type(error)(f"{path}: {error.what}", error.remedy) from error
