"""A device's look at its fleet's repository: The Update Framework, with this device's word on time."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
)
from tuf.api.exceptions import RepositoryError as TufError
from tuf.api.metadata import TargetFile
from tuf.ngclient import FetcherInterface, Updater

from contract.errors import ContractError
from contract.fleet_repository import (
    ROLLOUTS_PATH,
    BundleWord,
    bundle_path,
    read_bundle_word,
    read_signed_word,
)
from contract.reasons import Reason
from contract.rollout import Rollout, read_rollouts
from contract.whole_file import make_folder, write_whole
from edge.errors import ConfigError, UpdateError
from edge.updates.sources import LOOK_S, NotThereError, Source, TooSlowError
from edge.updates.state import Release, Trust
from edge.updates.store import no_room
from edge.updates.trust import Seen, believed_now, check_not_older, raised

ROLLOUTS_BYTES_MAX: Final = 2**20


class Offered(NamedTuple):
    """What is signed about a bundle."""

    release: Release
    word: BundleWord
    path: str
    length: int


class View:
    """A repository whose every signature was verified, and what to believe after it."""

    def __init__(self, client: _Client, seen: Seen, trust: Trust, now: datetime) -> None:
        self._client = client
        self.rollouts = list(seen.rollouts)
        self.trust = trust
        self.now = now

    def offered(self, rollout: Rollout) -> Offered:
        """What ``rollout`` names; raises `UpdateError` where no bundle of that name was signed."""
        path = bundle_path(rollout.bundle, rollout.version)
        with _said_so():
            target = self._client.get_targetinfo(path)
        if target is None or "sha256" not in target.hashes:
            raise UpdateError(
                Reason.UPDATE_UNTRUSTED,
                f"rollout {rollout.id} names {rollout.bundle} {rollout.version}, which nobody signed",
            )
        with _said_so():
            word = read_bundle_word(target.custom)
        release = Release(
            bundle=rollout.bundle,
            version=rollout.version,
            sha256=target.hashes["sha256"],
            rollout=rollout.id,
            begun_at=rollout.starts_at,
        )
        return Offered(release, word, f"targets/{_with_digest(target)}", target.length)


def look(source: Source, root: Path, cache: Path, trust: Trust, clock: datetime) -> View:
    """Read and verify what ``source`` serves, from the ``root`` that the device was provisioned with.

    ``cache`` keeps what was verified. Raises `UpdateError`, and believes nothing then.
    """
    if source.is_copy:
        # It travels beside the network's newer word: neither may spoil the other's cache.
        cache = cache.with_name(f"{cache.name}-of-copies")
        shutil.rmtree(cache, ignore_errors=True)
    with _said_so(_remedies(source, root)):
        try:
            client = _Client(cache, _Fetcher(source), _first_root(root), trust, clock)
            client.refresh()
            seen = client.seen()
        except OSError as error:
            raise no_room(cache, error) from error
    check_not_older(seen, trust, a_copy=source.is_copy)
    trust = raised(trust, seen, a_copy=source.is_copy)
    return View(client, seen, trust, believed_now(clock, trust, seen.online_keys))


class _Client(Updater):
    """python-tuf's client with another clock and durable files.

    It judges by the time that this device believes in: `Updater` itself would take the clock's word.
    """

    def __init__(
        self, cache: Path, fetcher: _Fetcher, root: bytes, trust: Trust, clock: datetime
    ) -> None:
        # The framework would make the folder, and leave its name to the next loss of power.
        make_folder(cache / "root_history", 0o700)
        super().__init__(
            str(cache), "metadata/", target_base_url="targets/", fetcher=fetcher, bootstrap=root
        )
        self._source = fetcher
        self._trust = trust
        self._clock = clock

    def _load_timestamp(self) -> None:
        """Which time to believe in is known once the newest root is, before anything may expire by it."""
        self._trusted_set.reference_time = believed_now(self._clock, self._trust, self._online_keys)
        super()._load_timestamp()

    @property
    def _online_keys(self) -> list[str]:
        keys: list[str] = self._trusted_set.root.roles["timestamp"].keyids
        return keys

    def _persist_file(self, filename: str, data: bytes) -> None:
        write_whole(Path(filename), data)

    def _update_root_symlink(self) -> None:
        """Nothing: a device begins at the root that it was provisioned with, never at a cached one."""

    def seen(self) -> Seen:
        trusted = self._trusted_set
        target = self.get_targetinfo(ROLLOUTS_PATH)
        if target is None or target.length > ROLLOUTS_BYTES_MAX or "sha256" not in target.hashes:
            raise UpdateError(Reason.UPDATE_UNTRUSTED, "nobody signed any rollouts")
        content = self._source.download_bytes(f"targets/{_with_digest(target)}", target.length)
        target.verify_length_and_hashes(content)
        word = read_signed_word(
            trusted.timestamp.unrecognized_fields, trusted.targets.unrecognized_fields
        )
        return Seen(
            root_version=trusted.root.version,
            targets_version=trusted.targets.version,
            online_keys=self._online_keys,
            issued_at=word.issued_at,
            safe_until=min(trusted.root.expires, trusted.targets.expires),
            floors=word.floors,
            rollouts=read_rollouts(content).rollouts,
        )


class _Fetcher(FetcherInterface):
    """Hands files of a `Source` to python-tuf."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._until_s = time.monotonic() + LOOK_S

    def _fetch(self, url: str) -> Iterator[bytes]:
        pieces = self._source.read(url)
        try:
            # To know at once whether there is anything.
            first = next(pieces, b"")
        except NotThereError as error:
            raise DownloadHTTPError(error.what, 404) from error
        return self._in_time(chain([first], pieces))

    def _in_time(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            if time.monotonic() > self._until_s:
                raise TooSlowError(
                    Reason.UPDATE_UNREACHABLE,
                    f"what {self._source.name} says of its bundles has not come in {LOOK_S / 60:.0f} min",
                )
            yield piece


def _remedies(source: Source, root: Path) -> Mapping[Reason, str]:
    """What to do, where it is not what is to be done about any repository."""
    own_root = f"see that {root} is this fleet's first root; {Reason.UPDATE_UNTRUSTED.hint}"
    if not source.is_copy:
        return {Reason.UPDATE_UNTRUSTED: own_root}
    return {
        Reason.UPDATE_UNTRUSTED: own_root,
        Reason.UPDATE_EXPIRED: (
            "check this device's clock; else have the copy made anew with `loamscan fleet copy`"
        ),
    }


@contextmanager
def _said_so(remedies: Mapping[Reason, str] = MappingProxyType({})) -> Iterator[None]:
    """Errors of the framework in this package's words, each with its reason and what to do about it."""
    try:
        with _in_our_words():
            yield
    except UpdateError as error:
        error.remedy = remedies.get(error.reason, error.remedy)
        raise


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except ExpiredMetadataError as error:
        raise UpdateError(Reason.UPDATE_EXPIRED, f"what is served has expired: {error}") from error
    except BadVersionNumberError as error:
        raise UpdateError(Reason.UPDATE_REPLAYED, f"an older version is served: {error}") from error
    except DownloadLengthMismatchError as error:
        raise UpdateError(Reason.UPDATE_UNTRUSTED, f"it is too long: {error}") from error
    except DownloadError as error:
        # What a source says is in it, or behind it.
        cause = error.__cause__
        if isinstance(cause, UpdateError):
            raise cause from error
        raise UpdateError(Reason.UPDATE_UNREACHABLE, str(error)) from error
    except TufError as error:
        raise UpdateError(
            Reason.UPDATE_UNTRUSTED, f"it is not signed as it must be: {error}"
        ) from error
    except ContractError as error:
        raise UpdateError(
            Reason.UPDATE_UNTRUSTED, f"it is signed, and makes no sense: {error.what}"
        ) from error


def _first_root(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"the root {path} can't be read: {error.strerror}",
            "copy the 1.root.json that lies beside the fleet's keys there, over a way that you trust",
        ) from error


def _with_digest(target: TargetFile) -> str:
    folder, _, name = target.path.rpartition("/")
    return f"{folder}/{target.hashes['sha256']}.{name}"
