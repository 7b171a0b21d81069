"""Opening a scanner by its URL: the scheme names the driver, the path the port."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from firmware_bridge.errors import PortError
from firmware_bridge.loamscan_scanner import DEFAULT_BAUD, LoamscanScanner
from firmware_bridge.scanner import Scanner


def open_scanner(url: str) -> Scanner:
    """The scanner at ``url``, such as ``loamscan:///dev/ttyACM0`` or ``...?baud=921600``.

    Raises `PortError` on a URL that names no driver or no port, and what the driver raises.
    """
    parts = check_url(url)
    return DRIVERS[parts.scheme](parts)


def check_url(url: str) -> SplitResult:
    """``url`` in its parts; raises `PortError` if it names no driver."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise PortError(
            f"{url!r} is no URL: {error}", "write it as in loamscan:///dev/ttyACM0"
        ) from error
    if parts.scheme not in DRIVERS:
        known = ", ".join(f"{scheme}://" for scheme in sorted(DRIVERS))
        raise PortError(
            f"{url!r} names no known scanner driver", f"start the URL with one of: {known}"
        )
    return parts


def _open_loamscan(url: SplitResult) -> Scanner:
    if url.netloc or not url.path.startswith("/"):
        raise PortError(
            f"{url.geturl()!r} names no port", "write the whole path: loamscan:///dev/ttyACM0"
        )
    options = dict(parse_qsl(url.query, keep_blank_values=True))
    baud = options.pop("baud", str(DEFAULT_BAUD))
    if options:
        raise PortError(f"{url.geturl()!r} has unknown options: {', '.join(options)}", "use baud")
    if not baud.isascii() or not baud.isdigit() or int(baud) == 0:
        raise PortError(f"baud rate {baud!r} in {url.geturl()!r} is no rate", "use 115200")
    return LoamscanScanner(url.path, int(baud))


DRIVERS: Final[dict[str, Callable[[SplitResult], Scanner]]] = {"loamscan": _open_loamscan}
"""What opens a URL, by its scheme."""
