"""What a device's retained status says of it, and what its will says if it dies."""

from __future__ import annotations

from typing import Any

from contract.messages import Status
from contract.topics import Topics
from edge.link import Message


class Presence:
    """A status that changes. The publisher's thread alone calls it.

    A will is handed over with a connection: one that says what is not so any more needs another.
    """

    def __init__(self, status: Status, topics: Topics) -> None:
        self._status = status
        self._topic = topics.status
        self.will_is_old = False

    def change(self, **changes: Any) -> None:
        """Say something else from now on."""
        before, self._status = self._status, self._status.model_copy(update=changes)
        self.will_is_old |= self._status != before

    def will(self) -> Message:
        """What a connection that begins now is to say when it ends by itself."""
        self.will_is_old = False
        return self.says("offline")

    def says(self, status: str) -> Message:
        """The retained message that the device is ``online`` or ``offline``."""
        payload = self._status.model_copy(update={"status": status}).to_json()
        return Message(self._topic, payload, retain=True)
