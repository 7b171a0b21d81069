"""The bytes of records that are to be sent next, kept so that the log need not be asked for each."""

from __future__ import annotations

BODIES_KEPT = 256


class Bodies:
    """At most `BODIES_KEPT` bodies by ``seq``: the lowest, since they go first and have to get in."""

    def __init__(self) -> None:
        self._bodies: dict[int, bytes] = {}
        self._forgotten = 0

    def keep(self, seq: int, body: bytes) -> None:
        """Remember ``body``, unless it is confirmed or there are enough with a lower ``seq``."""
        if seq <= self._forgotten:
            return
        if len(self._bodies) >= BODIES_KEPT:
            highest = max(self._bodies)
            if highest < seq:
                return
            del self._bodies[highest]
        self._bodies[seq] = body

    def take(self, seq: int) -> bytes | None:
        """The body of ``seq``, which is not kept any longer; None if it is not here."""
        return self._bodies.pop(seq, None)

    def forget(self, confirmed: int) -> None:
        """Everything up to ``confirmed`` is never wanted again."""
        self._forgotten = confirmed
        for seq in [seq for seq in self._bodies if seq <= confirmed]:
            del self._bodies[seq]
