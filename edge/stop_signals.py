"""Waiting for a signal to stop, on a thread that has nothing else to do."""

from __future__ import annotations

import select
import signal
import socket
from types import FrameType, TracebackType

from typing_extensions import Self

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """Takes the stop signals while it is entered; the main thread's to use.

    A handler that only wakes a socket can't deadlock on a lock that the main thread holds, and
    works whatever threads a library started before with signals unblocked.
    """

    def __enter__(self) -> Self:
        self._ear, self._bell = socket.socketpair()
        self._bell.setblocking(False)
        self._fd_before = signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, _nothing) for number in STOP_SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._fd_before)
        self._ear.close()
        self._bell.close()

    def wait(self, timeout_s: float) -> bool:
        """Whether a stop signal has come, waiting at most ``timeout_s`` for one."""
        ready, _, _ = select.select([self._ear], [], [], timeout_s)
        return bool(ready)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Waking the socket is all that is wanted."""
