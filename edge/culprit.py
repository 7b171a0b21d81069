"""Which record makes a broker hang up: some drop the link on what they won't take, and say nothing."""

from __future__ import annotations

from dataclasses import dataclass

DROPS_TO_CONVICT = 5
PROMPT_S = 5.0
"""A broker that refuses by hanging up does so at once; a bad network takes its time."""


@dataclass
class Culprit:
    """Suspects the first record in flight when a proven connection is closed right after sending.

    A connection is proven once the broker has taken something else on it, so that a network that
    fails as such convicts nobody. While somebody is suspected records go one at a time. After a
    conviction some record must be taken before the next: a broker that refuses them all, because
    of its access list say, costs one record and no more.
    """

    suspect: int | None = None
    _drops: int = 0
    _convicted_last: bool = False

    @property
    def one_at_a_time(self) -> bool:
        """Whether the next records should be sent alone."""
        return self.suspect is not None

    def dropped(
        self, proven: bool, first_in_flight: int | None, alone: bool, age_s: float
    ) -> int | None:
        """The connection ended ``age_s`` after the newest send; the ``seq`` convicted, if any."""
        if not proven or first_in_flight is None or age_s > PROMPT_S:
            return None
        if first_in_flight != self.suspect:
            self.suspect, self._drops = first_in_flight, 0
        if alone:
            self._drops += 1
        if self._drops < DROPS_TO_CONVICT or self._convicted_last:
            return None
        self.suspect, self._drops, self._convicted_last = None, 0, True
        return first_in_flight

    def cleared(self, seq: int) -> None:
        """``seq`` was taken."""
        self._convicted_last = False
        if seq == self.suspect:
            self.suspect, self._drops = None, 0
