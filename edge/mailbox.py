"""A letter box for a thread that waits on a socket: what is posted wakes it and is done there."""

from __future__ import annotations

import os
import selectors
from collections import deque
from collections.abc import Callable


class Mailbox:
    """Any thread may `post`, without waiting; the owner empties it."""

    def __init__(self) -> None:
        self._letters: deque[Callable[[], None]] = deque()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """Readable while something is in the box."""
        return self._bell

    def post(self, letter: Callable[[], None]) -> None:
        """Have ``letter`` called by the owner."""
        self._letters.append(letter)
        os.eventfd_write(self._bell, 1)

    def empty(self) -> None:
        """Call everything posted, in order; the owner's part."""
        try:
            os.eventfd_read(self._bell)
        except BlockingIOError:
            return  # nobody rang
        while self._letters:
            self._letters.popleft()()

    def wait(self, timeout_s: float) -> None:
        """Wait for post, at most ``timeout_s``, and empty the box; the owner's part."""
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            selector.select(timeout=timeout_s)
        self.empty()
