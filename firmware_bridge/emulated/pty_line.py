"""A device without hardware on a pseudo-terminal: paced like a UART, and as noisy as is wished."""

from __future__ import annotations

import os
import select
import threading
import time
import tty
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol

from typing_extensions import Self

from firmware_bridge.emulated.line_faults import LineFaults, NoisyLine
from firmware_bridge.errors import PortError

_BITS_PER_BYTE: Final = 10
_TICK_S: Final = 0.01
"""Longest burst that is written at once on a paced line."""

_PATIENCE_S: Final = 0.1
"""Longest sleep, so that closing is prompt."""

_UNREAD_S: Final = 0.5
"""A line that takes nothing for so long has no listener; what was to be sent is lost, as on a UART."""


class WireDevice(Protocol):
    """What speaks at the far end. ``now_s`` is any clock that does not go back."""

    @property
    def next_due_s(self) -> float:
        """When `due` has something to do if nothing is heard first; infinity for never."""

    @property
    def finished(self) -> bool:
        """Whether every sample there is was measured and taken."""

    def due(self, now_s: float) -> list[bytes]:
        """What it says of its own accord now, each part as a whole."""

    def hear(self, data: bytes, now_s: float) -> list[bytes]:
        """What it answers to the host's bytes, each part as a whole."""


class PtyLine:
    """Plays a `WireDevice` on a new pseudo-terminal, in a thread, until closed.

    ``link`` is a symbolic link to make to the port, for a name that stays the same. ``baud`` paces
    the line (None: as fast as it goes). The host may close the port and open it again: the device
    lives on. Closing is unplugging it.
    """

    scheme = ""

    def __init__(
        self,
        device: WireDevice,
        baud: int | None = 115200,
        faults: LineFaults | None = None,
        link: str | Path | None = None,
    ) -> None:
        """Make the port; raises `PortError` if ``link`` can't be made."""
        self._device = device
        self._seconds_per_byte = _BITS_PER_BYTE / baud if baud else 0.0
        self.finished = threading.Event()
        """Set when nothing more will come: every sample scan there is was taken, or it was unplugged."""
        self._faults = faults or LineFaults()
        self._line = NoisyLine(self._faults)
        self._sent = 0
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
        return f"{self.scheme}://{Path(self.port).absolute()}"

    def close(self) -> None:
        """Unplug; harmless when already closed."""
        self._stop.set()
        self._thread.join()

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
        try:
            self._play()
        finally:
            self._close_ports()
            if self._link is not None and _leads_to(self._link, self._terminal):
                self._link.unlink()
            self.finished.set()

    def _play(self) -> None:
        coming: deque[tuple[float, bytes]] = deque()
        outgoing = bytearray(self._line.start_up())
        line_free_s = taken_s = time.monotonic()
        while not self._stop.is_set():
            now_s = time.monotonic()
            if not outgoing and not coming:
                coming += self._arriving(self._device.due(now_s), now_s)
                taken_s = now_s
            while coming and coming[0][0] <= now_s:
                outgoing += coming.popleft()[1]
            next_s = coming[0][0] if coming else self._device.next_due_s
            wake_s = max(line_free_s, now_s) if outgoing else next_s
            paused = line_free_s > now_s or not outgoing
            readable, writable, _ = select.select(
                [self._master],
                [] if paused else [self._master],
                [],
                min(max(wake_s - now_s, 0.0), _PATIENCE_S) if paused else _PATIENCE_S,
            )
            if readable:
                heard = self._line.heard(os.read(self._master, 4096))
                now_s = time.monotonic()
                coming += self._arriving(self._device.hear(heard, now_s), now_s)
                if self._device.finished:
                    self.finished.set()
            if writable:
                sent = self._write(outgoing)
                taken_s = time.monotonic()
                # Time overslept counts for up to a tick, so that the mean rate holds.
                line_free_s = max(line_free_s, taken_s - _TICK_S) + sent * self._seconds_per_byte
                if self._sent == self._faults.unplug_after > 0:
                    return
            elif not paused and time.monotonic() - taken_s > _UNREAD_S:
                outgoing.clear()

    def _arriving(self, parts: list[bytes], now_s: float) -> list[tuple[float, bytes]]:
        return [arrival for part in parts for arrival in self._line.arrivals(part, now_s)]

    def _write(self, outgoing: bytearray) -> int:
        burst = len(outgoing)
        if self._seconds_per_byte:
            burst = min(burst, max(1, int(_TICK_S / self._seconds_per_byte)))
        if self._faults.unplug_after:
            burst = min(burst, self._faults.unplug_after - self._sent)
        try:
            sent = os.write(self._master, outgoing[:burst])
        except BlockingIOError:
            return 0
        del outgoing[:sent]
        self._sent += sent
        return sent


def _make_link(link: Path, terminal: str) -> None:
    # A link left over by a killed run is replaced; a file that is no link is not ours to delete.
    if link.is_symlink():
        link.unlink()
    link.symlink_to(terminal)


def _leads_to(link: Path, terminal: str) -> bool:
    return link.is_symlink() and str(link.readlink()) == terminal
