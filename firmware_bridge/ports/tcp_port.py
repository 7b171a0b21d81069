"""A serial port of another machine, as a terminal server hands it over raw: TCP, bytes and no more."""

from __future__ import annotations

import contextlib
import math
import select
import socket
import threading
import time
from typing import Final

from firmware_bridge.errors import PortAbsentError, PortError, ScannerGoneError

CONNECT_TIMEOUT_S: Final = 5.0
_WRITE_TIMEOUT_S: Final = 5.0
_CHUNK_BYTES: Final = 65536


class TcpPort:
    """A connection; a `Port`."""

    bytes_per_s = math.inf
    """What paces the line is at its other end."""

    def __init__(self, host: str, port: int) -> None:
        """Connect; raises `PortError`."""
        self.name = f"{host}:{port}"
        self._writing = threading.Lock()
        try:
            self._socket = socket.create_connection((host, port), CONNECT_TIMEOUT_S)
        except (ConnectionRefusedError, socket.gaierror, TimeoutError) as error:
            raise PortAbsentError(
                f"nobody answers at {self.name}: {error}",
                "check host, port and that the terminal server is on",
            ) from error
        except (OSError, OverflowError) as error:
            raise PortError(
                f"{self.name} can't be reached: {error}", "check the network"
            ) from error
        self._socket.settimeout(_WRITE_TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A cable that was pulled says nothing; without it the other end could be gone for hours.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def drain(self) -> None:
        """Forget what arrived before anybody listened."""
        until_s = time.monotonic() + CONNECT_TIMEOUT_S
        while self.read(0.0) and time.monotonic() < until_s:
            pass

    def write(self, data: bytes) -> None:
        """Send ``data`` whole; raises `ScannerGoneError`."""
        try:
            with self._writing:
                self._socket.sendall(data)
        except OSError as error:
            raise self._gone() from error

    def read(self, timeout_s: float) -> bytes:
        """Bytes as soon as there are any, or none after ``timeout_s``; raises `ScannerGoneError`."""
        try:
            readable, _, _ = select.select([self._socket], [], [], timeout_s)
            if not readable:
                return b""
            data = self._socket.recv(_CHUNK_BYTES)
        except (OSError, ValueError) as error:
            raise self._gone() from error
        if not data:
            raise self._gone()
        return data

    def close(self) -> None:
        """Hang up; harmless when already closed."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _gone(self) -> ScannerGoneError:
        return ScannerGoneError(
            f"the connection to {self.name} is gone", "check the network and the other end's cable"
        )
