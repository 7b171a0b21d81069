"""A fleet's repository as an operator has it, and a device that reads it with python-tuf's own client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from securesystemslib.signer import CryptoSigner, Signer
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater

from contract.fleet_repository import BundleWord
from deploy.fleet.repository import Repository

NOW = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(hours=1)


def keys(count: int) -> dict[str, Signer]:
    made = [CryptoSigner.generate_ed25519() for _ in range(count)]
    return {signer.public_key.keyid: signer for signer in made}


def word(file: str) -> dict[str, Any]:
    """What is signed beside a bundle of such a file: `soil-1.0.0.loam`."""
    name, _, version = file.removesuffix(".loam").rpartition("-")
    said = BundleWord(
        name=name, version=version, minimum_agent="0.0.0", scanner_covers_nm=(1355.0, 2545.0),
        synthetic=True,
    )  # fmt: skip
    return said.to_custom()


@dataclass
class Fleet:
    """Three root keys of which two sign, two for bundles of which both do, one online."""

    folder: Path
    root: dict[str, Signer] = field(default_factory=lambda: keys(3))
    bundles: dict[str, Signer] = field(default_factory=lambda: keys(2))
    online: Signer = field(default_factory=CryptoSigner.generate_ed25519)

    def __post_init__(self) -> None:
        Repository.create(self.folder, self.root, 2, self.bundles, 2, self.online, NOW)

    @property
    def repository(self) -> Repository:
        """As it lies in the folder, for who knows its first root."""
        return Repository(self.folder, self.first_root)

    @property
    def first_root(self) -> bytes:
        return (self.folder / "metadata" / "1.root.json").read_bytes()

    def publish(self, name: str, content: bytes) -> None:
        left = self.repository.add_bundle(
            f"bundles/{name}", content, word(name), {}, self.bundles, NOW
        )
        assert left == 0
        self.repository.tell(self.online, NOW)


class FolderFetcher(FetcherInterface):
    """Files of a folder, as a web server would serve them."""

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = Path(urlsplit(url).path)
        if not path.is_file():
            raise DownloadHTTPError("not there", 404)
        yield path.read_bytes()


def looking(fleet: Fleet, cache: Path, first_root: bytes | None = None) -> Updater:
    """A device's look at the repository; its cache stays."""
    return looking_at(fleet.folder, cache, first_root or fleet.first_root)


def looking_at(folder: Path, cache: Path, first_root: bytes | None = None) -> Updater:
    """The same at any folder that a repository is served from."""
    (cache / "targets").mkdir(parents=True, exist_ok=True)
    updater = Updater(
        str(cache), f"file://{folder}/metadata/", str(cache / "targets"),
        f"file://{folder}/targets/", FolderFetcher(),
        bootstrap=first_root or (folder / "metadata" / "1.root.json").read_bytes(),
    )  # fmt: skip
    updater.refresh()
    return updater
