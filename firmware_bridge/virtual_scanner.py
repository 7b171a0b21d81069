"""A virtual scanner on a pseudo-terminal: the whole wire protocol on a real port, no hardware."""

from __future__ import annotations

import os
import select
import threading
import time
import tty
from pathlib import Path
from types import TracebackType
from typing import Final

from typing_extensions import Self, Unpack

from firmware_bridge.errors import PortError, ProtocolError
from firmware_bridge.framing import TERMINATOR, Frame, FrameDecoder, encode
from firmware_bridge.line_faults import LineFaults, NoisyLine
from firmware_bridge.scan_push import MAX_LABEL
from firmware_bridge.spectra_files import SpectraFile
from firmware_bridge.virtual_device import DeviceOptions, VirtualDevice

_BITS_PER_BYTE: Final = 10
_TICK_S: Final = 0.01
"""Longest burst that is written at once on a paced line."""

_PATIENCE_S: Final = 0.1
"""Longest sleep, so that closing is prompt."""

_UNREAD_S: Final = 0.5
"""A line that takes nothing for so long has no listener; what was to be sent is lost, as on a UART."""


class VirtualScanner:
    """Plays a `VirtualDevice` on a new pseudo-terminal, in a thread, until closed.

    ``link`` is a symbolic link to make to the port, for a name that stays the same. ``baud`` paces
    the line (None: as fast as it goes). The host may close the port and open it again: the device,
    its session and its unacknowledged scan live on. Closing the virtual scanner is unplugging it.
    Further options are those of `VirtualDevice`.
    """

    def __init__(
        self,
        spectra: SpectraFile,
        *,
        baud: int | None = 115200,
        faults: LineFaults | None = None,
        link: str | Path | None = None,
        **options: Unpack[DeviceOptions],
    ) -> None:
        """Make the port.

        Raises `PortError` if ``link`` can't be made, `ProtocolError` on a label too long to send.
        """
        for label in spectra.labels:
            if len(label.encode()) > MAX_LABEL:
                raise ProtocolError(f"label {label!r} exceeds {MAX_LABEL} bytes", "shorten it")
        self._seconds_per_byte = _BITS_PER_BYTE / baud if baud else 0.0
        # The wait for an acknowledgement starts when the scan has left, not when it starts to.
        on_line_s = self._seconds_per_byte * (4 * len(spectra.axis) + 128)
        options["resend_s"] = options.get("resend_s", 1.0) + on_line_s
        self.device = VirtualDevice(spectra, **options)
        self.finished = threading.Event()
        """Set when every sample scan there is was acknowledged."""
        self._line = NoisyLine(faults or LineFaults())
        self._stop = threading.Event()
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._terminal = os.ttyname(self._slave)
        self._link = None if link is None else Path(link)
        if self._link is not None:
            try:
                _make_link(self._link, self._terminal)
            except OSError as error:
                self._close_ports()
                raise PortError(f"{link} can't be made: {error.strerror}") from error
        self._thread = threading.Thread(target=self._run, name="virtual-scanner", daemon=True)
        self._thread.start()

    @property
    def port(self) -> str:
        """The path to open: the link where there is one."""
        return str(self._link or self._terminal)

    @property
    def url(self) -> str:
        """What to open with `open_scanner`."""
        return f"loamscan://{Path(self.port).absolute()}"

    def close(self) -> None:
        """Unplug; harmless when already closed."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._thread.join()
        self._close_ports()
        if self._link is not None and _leads_to(self._link, self._terminal):
            self._link.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _close_ports(self) -> None:
        os.close(self._master)
        os.close(self._slave)

    def _run(self) -> None:
        decoder = FrameDecoder()
        outgoing = bytearray()
        line_free_s = taken_s = time.monotonic()
        while not self._stop.is_set():
            now_s = time.monotonic()
            if not outgoing:
                outgoing += self._encoded(self.device.due(now_s))
                taken_s = now_s
            wake_s = max(line_free_s, now_s) if outgoing else self.device.next_due_s
            paused = line_free_s > now_s or not outgoing
            readable, writable, _ = select.select(
                [self._master],
                [] if paused else [self._master],
                [],
                min(max(wake_s - now_s, 0.0), _PATIENCE_S) if paused else _PATIENCE_S,
            )
            if readable:
                frames = self._line.heard(decoder.feed(os.read(self._master, 4096)))
                for frame in frames:
                    outgoing += self._encoded(self.device.handle(frame, time.monotonic()))
                if self.device.finished:
                    self.finished.set()
            if writable:
                sent = self._write(outgoing)
                taken_s = time.monotonic()
                # Time overslept counts for up to a tick, so that the mean rate holds.
                line_free_s = max(line_free_s, taken_s - _TICK_S) + sent * self._seconds_per_byte
            elif not paused and time.monotonic() - taken_s > _UNREAD_S:
                outgoing.clear()

    def _encoded(self, frames: list[Frame]) -> bytes:
        return b"".join(self._line.spoil(TERMINATOR + encode(frame)) for frame in frames)

    def _write(self, outgoing: bytearray) -> int:
        burst = len(outgoing)
        if self._seconds_per_byte:
            burst = min(burst, max(1, int(_TICK_S / self._seconds_per_byte)))
        try:
            sent = os.write(self._master, outgoing[:burst])
        except BlockingIOError:
            return 0
        del outgoing[:sent]
        return sent


def _make_link(link: Path, terminal: str) -> None:
    # A link left over by a killed run is replaced; a file that is no link is not ours to delete.
    if link.is_symlink():
        link.unlink()
    link.symlink_to(terminal)


def _leads_to(link: Path, terminal: str) -> bool:
    return link.is_symlink() and str(link.readlink()) == terminal
