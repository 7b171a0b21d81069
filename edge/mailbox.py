"""A letter box for a thread that waits on a socket: what is posted wakes it and is done there."""

from __future__ import annotations

import selectors
import socket
from collections import deque
from collections.abc import Callable


class Mailbox:
    """Any thread may `post`, without waiting; the owner empties it."""

    def __init__(self) -> None:
        self._letters: deque[Callable[[], None]] = deque()
        self._bell, self._ear = socket.socketpair()
        self._bell.setblocking(False)
        self._ear.setblocking(False)

    def fileno(self) -> int:
        """Readable while something is in the box."""
        return self._ear.fileno()

    def post(self, letter: Callable[[], None]) -> None:
        """Have ``letter`` called by the owner."""
        self._letters.append(letter)
        try:
            self._bell.send(b"\0")
        except BlockingIOError:
            return  # the bell is full of rings that the owner has yet to hear

    def empty(self) -> None:
        """Call everything posted, in order; the owner's part."""
        try:
            while self._ear.recv(4096):
                pass
        except BlockingIOError:
            pass
        while self._letters:
            self._letters.popleft()()

    def wait(self, timeout_s: float) -> None:
        """Wait for post, at most ``timeout_s``, and empty the box; the owner's part."""
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            selector.select(timeout=timeout_s)
        self.empty()
