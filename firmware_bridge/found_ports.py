"""Which ports a scanner may be at: what the system says of them, without opening any."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serial.tools import list_ports

from firmware_bridge.drivers import DRIVERS, open_scanner
from firmware_bridge.errors import PortError, ScannerError
from firmware_bridge.scan import Instrument

LINKS: Final = (Path("/dev/loamscan"), Path("/dev/serial/by-id"))
"""Folders of names that stay: of our udev rules, and of Linux's own."""


@dataclass(frozen=True)
class FoundPort:
    """A port; ``path`` is the name of it that stays, where there is one."""

    path: str
    device: str
    usb: str | None
    serial: str | None
    description: str | None


def found_ports() -> list[FoundPort]:
    """Every serial port, those on USB first, each under its own name."""
    stays: dict[str, str] = {}
    for folder in LINKS:
        for link in sorted(folder.glob("*")):
            stays.setdefault(str(link.resolve()), str(link))
    ports = [
        FoundPort(
            path=stays.get(str(Path(port.device).resolve()), port.device),
            device=port.device,
            usb=None if port.vid is None else f"{port.vid:04x}:{port.pid:04x}",
            serial=port.serial_number or None,
            description=port.product or (port.description if port.description != "n/a" else None),
        )
        for port in list_ports.comports()
    ]
    return sorted(ports, key=lambda port: (port.usb is None, port.device))


def probed(path: str) -> tuple[str, Instrument]:
    """The URL and the scanner at ``path``, every driver having asked in turn.

    What is there hears questions that it may not understand: ask only of a port that is a scanner's.
    Raises `ScannerError`.
    """
    said = []
    for scheme in DRIVERS:
        url = f"{scheme}://{path}"
        try:
            with open_scanner(url) as scanner:
                return url, scanner.instrument
        except PortError:
            raise
        except ScannerError as error:
            said.append(f"{scheme}: {error.what}")
    raise ScannerError(
        f"no driver finds its scanner at {path} ({'; '.join(said)})",
        "check that it is switched on, and its baud rate",
    )
