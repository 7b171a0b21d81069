"""What goes out beside the records: a status to begin with, the live state, events."""

from __future__ import annotations

import logging
from collections.abc import Callable

from contract.topics import Topics
from edge.link import Link, Message
from edge.outgoing_events import OutgoingEvent, OutgoingEvents

_LOG = logging.getLogger("loamscan.publisher")

PACKET_OVERHEAD_BYTES = 16
"""What a message's packet holds beside its topic and payload, at most."""


class Asides:
    """One message at a time, so that records keep their room. The publisher's thread alone calls it.

    Of the live state only the newest goes out, made when it is sent; what was on its way when a connection
    ended goes again.
    """

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._state: Callable[[], bytes] | None = None
        self._flying_state: tuple[int, Callable[[], bytes]] | None = None
        self._events = OutgoingEvents()
        self._flying: set[int] = set()

    def __len__(self) -> int:
        """How many messages wait for the broker's answer."""
        return len(self._flying)

    def keep_state(self, make: Callable[[], bytes]) -> None:
        """Have ``make`` say the live state, instead of what was kept to say it."""
        self._state = make

    def keep_event(self, event: OutgoingEvent) -> None:
        """Have ``event`` go out; the oldest goes where there are too many."""
        self._events.keep(event)

    def disconnected(self) -> None:
        """Nobody answers any more: what was on its way may be lost, and goes again."""
        if self._flying_state is not None:
            self._state = self._state or self._flying_state[1]
        self._flying_state = None
        self._events.disconnected()
        self._flying.clear()

    def begin(self, link: Link, status: Message) -> None:
        """Send ``status``, which a connection begins with."""
        self._flying.add(link.publish(status))

    def send(self, link: Link) -> None:
        """Send the next there is, unless one is on its way."""
        if self._flying:
            return
        if self._state is not None:
            make, self._state = self._state, None
            mid = link.publish(Message(self._topics.state, make(), retain=True))
            self._flying_state = mid, make
        elif (event := self._events.next()) is not None:
            limit = link.maximum_packet_bytes
            bytes_beside = len(self._topics.events) + PACKET_OVERHEAD_BYTES
            if limit is not None and len(event.payload) + bytes_beside > limit:
                _LOG.error("an event is larger than the %d bytes that the broker takes", limit)
                return
            mid = link.publish(Message(self._topics.events, event.payload))
            self._events.sent(mid, event)
        else:
            return
        self._flying.add(mid)

    def taken(self, mid: int) -> bool:
        """The broker has message ``mid``; whether that was one of these."""
        if mid not in self._flying:
            return False
        self._flying.discard(mid)
        if self._flying_state is not None and self._flying_state[0] == mid:
            self._flying_state = None
        self._events.taken(mid)
        return True
