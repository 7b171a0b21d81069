"""Opening a scanner by its URL: the scheme names the driver, the rest the port.

A driver for another scanner is a module with a `SerialDriver`, named here or, by another package, under
the entry points ``loamscan.scanners``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, cast, get_args
from urllib.parse import SplitResult, parse_qsl, urlsplit

from firmware_bridge.errors import PortError, RecordingError
from firmware_bridge.files.folder_scanner import FolderScanner
from firmware_bridge.files.spectra_layouts import DECLARED_KINDS
from firmware_bridge.nirone.scanner import NironeScanner
from firmware_bridge.nirscan.scanner import NirscanScanner
from firmware_bridge.ports.port import Port
from firmware_bridge.ports.recording import RecordingPort, ReplayPort, read_recording
from firmware_bridge.ports.serial_port import SerialPort
from firmware_bridge.ports.tcp_port import TcpPort
from firmware_bridge.scanner import Scanner
from firmware_bridge.wire.loamscan_scanner import LoamscanScanner
from soil.axis import AxisUnit

ENTRY_POINTS: Final = "loamscan.scanners"
REPLAY: Final = "replay"
FOLDER: Final = "folder"


@dataclass(frozen=True)
class SerialDriver:
    """A scanner on a wire of bytes: what opens it on a port, which it owns from then on; its rate."""

    open: Callable[[Port], Scanner]
    baud: int = 115200


DRIVERS: Final[dict[str, SerialDriver]] = {
    "loamscan": SerialDriver(LoamscanScanner),
    "nirone": SerialDriver(NironeScanner),
    "nirscan-nano": SerialDriver(NirscanScanner),
}
"""By the scheme of a URL."""


def open_scanner(url: str, record: Path | None = None) -> Scanner:
    """The scanner at ``url``.

    ``loamscan:///dev/ttyACM0?baud=921600`` is on a serial port, ``loamscan://host:4001`` behind a
    terminal server, ``folder:DIR`` where a vendor's app exports to, ``replay:FILE`` a recording. ``record``
    is a new file for every byte both ways. Raises `PortError` on a URL that names no driver or no port,
    `RecordingError`, and what the driver raises.
    """
    parts = check_url(url)
    if parts.scheme in _WITHOUT_WIRE:
        if record is not None:
            raise RecordingError(f"{url} is no wire to record", "copy the file")
        return _WITHOUT_WIRE[parts.scheme](parts)
    driver = _driver(parts.scheme)
    where, baud = _where(parts, driver.baud)
    port: Port = SerialPort(where, baud) if isinstance(where, str) else TcpPort(*where)
    if record is not None:
        try:
            port = RecordingPort(port, record, url, baud)
        except BaseException:
            port.close()
            raise
    return _opened(driver, port)


def check_url(url: str) -> SplitResult:
    """``url`` in its parts; raises `PortError` if it names no driver, or what can be no port."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise PortError(
            f"{url!r} is no URL: {error}", "write it as in loamscan:///dev/ttyACM0"
        ) from error
    if parts.scheme not in _WITHOUT_WIRE:
        _where(parts, _driver(parts.scheme, url).baud)
    return parts


def _driver(scheme: str, url: str = "") -> SerialDriver:
    if scheme in DRIVERS:
        return DRIVERS[scheme]
    others = {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}
    if scheme not in others:
        known = ", ".join(f"{name}://" for name in sorted({*DRIVERS, *others}))
        raise PortError(
            f"{url!r} names no known scanner driver",
            f"start the URL with one of: {known}, {FOLDER}:, {REPLAY}:",
        )
    driver = others[scheme].load()
    if not isinstance(driver, SerialDriver):
        raise PortError(f"the driver {scheme} is none: {others[scheme].value}", "install it anew")
    return driver


def _opened(driver: SerialDriver, port: Port) -> Scanner:
    try:
        return driver.open(port)
    except BaseException:
        port.close()
        raise


def _where(url: SplitResult, default_baud: int) -> tuple[str | tuple[str, int], int]:
    """The path of a serial port, or host and port behind which there is one; and the rate."""
    options = dict(parse_qsl(url.query, keep_blank_values=True))
    baud = options.pop("baud", str(default_baud))
    if options:
        raise PortError(f"{url.geturl()!r} has unknown options: {', '.join(options)}", "use baud")
    if not baud.isascii() or not baud.isdigit() or not 0 < int(baud) <= _BAUD_MAX:
        raise PortError(f"baud rate {baud!r} in {url.geturl()!r} is no rate", "use 115200")
    if url.netloc:
        return _host(url), int(baud)
    if not url.path.startswith("/"):
        raise PortError(
            f"{url.geturl()!r} names no port",
            f"write the whole path, {url.scheme}:///dev/ttyACM0, or {url.scheme}://HOST:PORT",
        )
    return url.path, int(baud)


_BAUD_MAX: Final = 100_000_000


def _host(url: SplitResult) -> tuple[str, int]:
    try:
        host, number = url.hostname, url.port
    except ValueError as error:
        raise PortError(f"{url.geturl()!r}: {error}", "write HOST:PORT") from error
    if not host or number is None or url.path not in ("", "/") or url.username is not None:
        raise PortError(
            f"{url.geturl()!r} names neither a path nor a host with its port",
            f"write {url.scheme}:///dev/ttyACM0 or {url.scheme}://HOST:PORT",
        )
    return host, number


def _replayed(url: SplitResult) -> Scanner:
    if url.query not in ("", "paced"):
        raise PortError(f"{url.geturl()!r} has unknown options: {url.query}", "use paced")
    if not url.path or url.netloc:
        raise PortError(f"{url.geturl()!r} names no recording", "write replay:FILE")
    recording = read_recording(Path(url.path))
    of = urlsplit(recording.url)
    if of.scheme in _WITHOUT_WIRE:
        raise RecordingError(f"{url.path} says that it is of no wire")
    port = ReplayPort(recording, url.path, paced=url.query == "paced")
    return _opened(_driver(of.scheme, recording.url), port)


def _watched(url: SplitResult) -> Scanner:
    options = dict(parse_qsl(url.query, keep_blank_values=True))
    taken = options.pop("taken", None)
    kind, unit = options.pop("kind", None), options.pop("unit", None)
    if options or kind not in (None, *DECLARED_KINDS) or unit not in (None, *get_args(AxisUnit)):
        raise PortError(
            f"{url.geturl()!r} has options that are not known",
            f"use kind={'|'.join(DECLARED_KINDS)}, unit=nm|cm-1 and taken=FILE",
        )
    if not url.path or url.netloc:
        raise PortError(f"{url.geturl()!r} names no folder", "write folder:DIR")
    return FolderScanner(
        Path(url.path),
        kind,
        cast("AxisUnit | None", unit),
        Path(taken) if taken else None,
    )


_WITHOUT_WIRE: Final[dict[str, Callable[[SplitResult], Scanner]]] = {
    REPLAY: _replayed,
    FOLDER: _watched,
}
