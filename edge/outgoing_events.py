"""Events on their way to a broker: the newest are kept, and one that was not taken goes again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

EVENTS_KEPT: Final = 64


class OutgoingEvent(NamedTuple):
    """A message; ``on_taken`` is called when a broker has it."""

    payload: bytes
    on_taken: Callable[[], None] | None = None


class OutgoingEvents:
    """At most `EVENTS_KEPT`, of which one at a time is on its way. The publisher's thread alone calls it."""

    def __init__(self) -> None:
        self._kept: deque[OutgoingEvent] = deque(maxlen=EVENTS_KEPT)
        self._flying: tuple[int, OutgoingEvent] | None = None

    def keep(self, event: OutgoingEvent) -> None:
        """Remember ``event``; the oldest goes where there are too many."""
        self._kept.append(event)

    def next(self) -> OutgoingEvent | None:
        """The oldest, which is not kept any longer; None for none."""
        return self._kept.popleft() if self._kept else None

    def sent(self, mid: int, event: OutgoingEvent) -> None:
        """``event`` is on its way as message ``mid``."""
        self._flying = mid, event

    def taken(self, mid: int) -> None:
        """The broker has message ``mid``, whatever that was."""
        if self._flying is not None and self._flying[0] == mid:
            on_taken, self._flying = self._flying[1].on_taken, None
            if on_taken is not None:
                on_taken()

    def disconnected(self) -> None:
        """What was on its way may be lost: it goes first, unless newer ones fill the room."""
        if self._flying is not None and len(self._kept) < EVENTS_KEPT:
            self._kept.appendleft(self._flying[1])
        self._flying = None
