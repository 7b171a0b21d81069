"""A serial port: opening it, telling why it can't be opened, reading and writing."""

from __future__ import annotations

import errno
import os
import select
import termios
import threading

import serial
from serial.tools import list_ports

from firmware_bridge.errors import (
    PortAbsentError,
    PortBusyError,
    PortDeniedError,
    PortError,
    ScannerGoneError,
)

_CHUNK_BYTES = 65536
_WRITE_TIMEOUT_S = 5.0
_BITS_PER_BYTE = 10  # 8N1: a start bit, eight of data, a stop bit

_ABSENT = {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENOTDIR}
_BUSY = {errno.EBUSY, errno.EAGAIN}
_DENIED = {errno.EACCES, errno.EPERM}


class SerialPort:
    """An open serial port, 8N1; a `Port`."""

    def __init__(self, path: str, baud: int) -> None:
        """Open ``path`` for this process alone; raises `PortError`."""
        self.name = path
        self.bytes_per_s = baud / _BITS_PER_BYTE
        self._writing = threading.Lock()
        try:
            self._port = serial.Serial(
                path, baud, timeout=0, write_timeout=_WRITE_TIMEOUT_S, exclusive=True
            )
        except (OSError, ValueError) as error:
            raise _port_error(path, error) from error

    def drain(self) -> None:
        """Forget what arrived before anybody listened."""
        try:
            self._port.reset_input_buffer()
        except (OSError, termios.error) as error:
            raise self._gone() from error

    def write(self, data: bytes) -> None:
        """Send ``data`` whole; raises `ScannerGoneError`."""
        try:
            with self._writing:
                self._port.write(data)
        except OSError as error:
            raise self._gone() from error

    def read(self, timeout_s: float) -> bytes:
        """Bytes as soon as there are any, or none after ``timeout_s``; raises `ScannerGoneError`."""
        try:
            # pyserial opens and sets the port; its own read asks the kernel three times as often. An
            # open port without bytes reads as empty at once, like one that is gone: waiting tells.
            descriptor = self._port.fileno()
            data = os.read(descriptor, _CHUNK_BYTES)
            if not data:
                if not select.select([descriptor], [], [], timeout_s)[0]:
                    return b""
                data = os.read(descriptor, _CHUNK_BYTES)
        except (OSError, ValueError) as error:
            raise self._gone() from error
        if not data:
            raise self._gone()
        return data

    def close(self) -> None:
        """Release the port; harmless when already closed."""
        self._port.close()

    def _gone(self) -> ScannerGoneError:
        return ScannerGoneError(
            f"the scanner at {self.name} is gone", "check its cable and that it is switched on"
        )


def _port_error(path: str, error: Exception) -> PortError:
    code = getattr(error, "errno", None)
    if code in _ABSENT:
        seen = ", ".join(sorted(port.device for port in list_ports.comports())) or "none"
        return PortAbsentError(
            f"there is no port {path}",
            f"check the cable and that the scanner is switched on; ports seen: {seen}",
        )
    if code in _BUSY:
        return PortBusyError(
            f"another program holds {path}", "stop it: one program at a time can use a scanner"
        )
    if code in _DENIED:
        return PortDeniedError(
            f"this user may not open {path}",
            "add the user to the group dialout (sudo usermod -aG dialout USER) and log in again",
        )
    return PortError(f"{path} can't be opened: {error}", "check that it is a serial port")
