"""Where a fleet's repository is read from: a web server, or a folder such as a stick."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from contract.reasons import Reason
from edge.errors import ConfigError, UpdateError

CHUNK_BYTES: Final = 64 * 1024
_TIMEOUT: Final = urllib3.Timeout(connect=10, read=20)

WINDOW_S: Final = 30.0
SLOWEST_BYTES_S: Final = 500.0
"""A transfer that brings less than this in each window is given up: whoever drips would hold the updater
for days. A poor mobile link brings ten times as much. Ours."""

HEADERS_S: Final = 60.0
"""For the start of an answer, byte by byte as it may come. Ours."""

LOOK_S: Final = 1800.0
"""For all metadata of one look: a few hundred kilobytes where nobody means ill. Ours."""

_NOT_THERE: Final = (403, 404)
_BEYOND_END: Final = 416


class NotThereError(UpdateError):
    """The source has no such file."""


class TooSlowError(UpdateError):
    """The source drips."""


class Source(Protocol):
    """Files by their path in the repository."""

    @property
    def name(self) -> str:
        """What to call it in messages."""

    @property
    def is_copy(self) -> bool:
        """Whether it was made to travel, and so may be older than what the network has."""

    def read(self, path: str, offset: int = 0) -> Iterator[bytes]:
        """Pieces of the file from ``offset`` on; from its start where the source knows no offsets.

        Tell by `begins_at`. Raises `NotThereError`, and `UpdateError` where it is out of reach or drips.
        """

    @property
    def begins_at(self) -> int:
        """Where in the file the newest `read` began; known once its first piece is there."""


class Folder:
    """A repository in a folder."""

    is_copy = True

    def __init__(self, folder: Path) -> None:
        if not (folder / "metadata").is_dir():
            raise UpdateError(
                Reason.UPDATE_UNREACHABLE,
                f"there is no fleet repository in {folder}",
                "name the folder that holds metadata/ and targets/",
            )
        self._folder = folder
        self.name = str(folder)
        self.begins_at = 0

    def read(self, path: str, offset: int = 0) -> Iterator[bytes]:
        """Pieces of the file from ``offset`` on."""
        self.begins_at = offset
        try:
            # A pipe or a device on a stick would never end.
            if not (self._folder / path).is_file():
                raise FileNotFoundError
            with (self._folder / path).open("rb") as file:
                file.seek(offset)
                while piece := file.read(CHUNK_BYTES):
                    yield piece
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise NotThereError(
                Reason.UPDATE_UNREACHABLE,
                f"{self._folder / path} is not there",
                "see that it is in; else have the copy made anew with `loamscan fleet copy`",
            ) from error
        except OSError as error:
            raise UpdateError(
                Reason.UPDATE_UNREACHABLE,
                f"{self._folder / path} can't be read: {error.strerror}",
                "see that it is in; else have the copy made anew with `loamscan fleet copy`",
            ) from error


class _Dripped:
    """Ends a connection whose answer does not begin in time: a socket's own time-out is for each read."""

    def getresponse(self) -> Any:
        dripped = threading.Event()

        def end() -> None:
            dripped.set()
            with suppress(OSError, AttributeError):  # it ended by itself meanwhile
                self.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined]

        timer = threading.Timer(HEADERS_S, end)
        timer.daemon = True
        timer.start()
        try:
            return super().getresponse()  # type: ignore[misc]
        finally:
            timer.cancel()
            if dripped.is_set():
                raise TimeoutError(f"the answer did not begin within {HEADERS_S:g} s")


class _Http(_Dripped, HTTPConnection):
    pass


class _Https(_Dripped, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class Web:
    """A repository behind a URL; any server of static files does."""

    is_copy = False

    def __init__(self, url: str) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ConfigError(f"{url!r} is no address of a fleet", "write https://HOST/PATH")
        self._url = url.rstrip("/")
        self._pool = urllib3.PoolManager(
            timeout=_TIMEOUT, retries=urllib3.Retry(0, redirect=3), num_pools=2
        )
        self._pool.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        self.name = self._url
        self.begins_at = 0

    def read(self, path: str, offset: int = 0) -> Iterator[bytes]:
        """Pieces of the file from ``offset`` on."""
        url = f"{self._url}/{quote(path)}"
        # A server that packs what it sends would make lengths and offsets mean something else.
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        try:
            answer = self._pool.request("GET", url, headers=headers, preload_content=False)
            try:
                if answer.status in _NOT_THERE:
                    raise NotThereError(
                        Reason.UPDATE_UNREACHABLE, f"{url} is not there (HTTP {answer.status})"
                    )
                if answer.status == _BEYOND_END:
                    self.begins_at = offset
                    return
                if answer.status not in (200, 206):
                    raise UpdateError(
                        Reason.UPDATE_UNREACHABLE, f"{url}: the server says HTTP {answer.status}"
                    )
                self.begins_at = offset if answer.status == 206 else 0
                yield from _paced(iter(lambda: answer.read1(CHUNK_BYTES), b""), url)
            finally:
                answer.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise UpdateError(
                Reason.UPDATE_UNREACHABLE, f"{url} can't be fetched: {_why(error)}"
            ) from error


def _paced(pieces: Iterable[bytes], what: str) -> Iterator[bytes]:
    """``pieces`` as they come; raises `UpdateError` where they come too slowly."""
    began_s, count = time.monotonic(), 0
    for piece in pieces:
        yield piece
        count += len(piece)
        took_s = time.monotonic() - began_s
        if took_s >= WINDOW_S:
            if count < SLOWEST_BYTES_S * took_s:
                raise TooSlowError(
                    Reason.UPDATE_UNREACHABLE,
                    f"{what} comes too slowly ({count / took_s:.0f} bytes/s)",
                )
            began_s, count = time.monotonic(), 0


def _why(error: Exception) -> str:
    """The innermost cause, in its own words, without the object that it happened to."""
    reason = getattr(error, "reason", None)
    said = str(reason if isinstance(reason, Exception) else error)
    return said.partition("): ")[2] or said
