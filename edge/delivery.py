"""Which record to send next: the log's window on the broker, pure, with the clock handed in.

Sent in ``seq`` order, at most ``size`` without PUBACK. A record is delivered when the one whose
word counts confirms it: the collector (its acknowledgement), or, by setting, the broker (PUBACK).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from contract.acknowledgement import Acknowledgement, Receipts, wanted_again

PROBE_WAIT_MAX_S = 3600.0
"""Longest wait between two probes of a collector that is silent."""


@dataclass
class Delivery:
    """The state of one log's delivery. ``seq`` numbers only; whoever owns the log has the bytes."""

    confirm: Literal["collector", "broker"]
    size: int
    resend_after_s: float
    newest: int = 0
    committed: int = 0
    _next: int = 1
    _again: deque[int] = field(default_factory=deque)
    _in_flight: set[int] = field(default_factory=set)
    _sent_s: dict[int, float] = field(default_factory=dict)
    _taken: Receipts = field(default_factory=Receipts)
    _progress_s: float = 0.0
    _patience_s: float = 0.0
    _probing: bool = False

    def __post_init__(self) -> None:
        self._next = self.committed + 1
        self._taken = Receipts(self.committed)
        self._patience_s = self.resend_after_s

    def connected(self, window: int, now_s: float, *, goes_on: bool = False) -> None:
        """A new connection that takes ``window`` messages at a time: what is not confirmed goes again.

        Not where it ``goes_on`` from one that was ended when the broker had taken all: confirmations
        that were missed meanwhile come after the next record or probe.
        """
        self.size = window
        if not goes_on:
            self._in_flight.clear()
            self._rewind()
        self._progress_s = now_s

    def appended(self, seq: int) -> None:
        """The log holds records up to ``seq``."""
        self.newest = max(self.newest, seq)

    def next_to_send(self) -> int | None:
        """The ``seq`` to send now; None while the window is full or nothing is left."""
        if len(self._in_flight) >= self.size:
            return None
        while self._again and self._again[0] <= self.committed:
            self._again.popleft()
        if self._again:
            return self._again[0]
        return self._next if self._next <= self.newest else None

    def sent(self, seq: int, now_s: float) -> None:
        """``seq`` was handed to the connection."""
        self._advance(seq)
        self._in_flight.add(seq)
        self._sent_s[seq] = now_s
        self._progress_s = now_s

    def skipped(self, seq: int, now_s: float) -> bool:
        """``seq`` was declared lost and is not sent; whether ``committed`` rose."""
        self._advance(seq)
        self._sent_s[seq] = now_s
        return self.taken_by_broker(seq, now_s)

    @property
    def in_flight(self) -> list[int]:
        """Every ``seq`` without PUBACK, lowest first."""
        return sorted(self._in_flight)

    def taken_by_broker(self, seq: int, now_s: float, *, heard: bool = True) -> bool:
        """PUBACK with success for ``seq``; whether ``committed`` rose.

        One that says that nobody subscribes (not ``heard``) moves the window and confirms nothing.
        """
        self._in_flight.discard(seq)
        self._progress_s = now_s
        if self.confirm == "collector" or not heard:
            return False
        self._taken.settle(seq)
        return self._commit(self._taken.committed, now_s)

    def acknowledged(self, ack: Acknowledgement, now_s: float) -> bool:
        """The collector's word; whether ``committed`` rose. One beyond the newest record is ignored."""
        if self.confirm != "collector" or ack.committed > self.newest:
            return False
        self._sign_of_life()
        wanted = {
            seq
            for seq in wanted_again(ack, self._next - 1)
            if seq not in self._in_flight
            and now_s - self._sent_s.get(seq, -inf) >= self.resend_after_s / 10
        }
        if wanted:
            self._again = deque(sorted(wanted.union(self._again)))
        return self._commit(ack.committed, now_s)

    def stalled(self, now_s: float) -> bool:
        """Whether all were taken and none confirmed for long; one record then goes again as a probe.

        Each probe waits twice as long as the one before. The first sign of life sends the rest: a
        collector that is away must not cost the whole backlog again and again.
        """
        if self._in_flight or self._again or self._next <= self.newest:
            return False
        if self.committed >= self.newest:
            return False
        if now_s - self._progress_s < self._patience_s:
            return False
        self._again = deque([self.committed + 1])
        self._probing = True
        self._patience_s = min(2 * self._patience_s, max(PROBE_WAIT_MAX_S, self.resend_after_s))
        self._progress_s = now_s
        return True

    def _commit(self, seq: int, now_s: float) -> bool:
        if seq <= self.committed:
            return False
        self.committed = seq
        self._sign_of_life()
        self._next = max(self._next, seq + 1)
        self._progress_s = now_s
        while self._sent_s and (oldest := next(iter(self._sent_s))) <= seq:
            del self._sent_s[oldest]
        return True

    def _sign_of_life(self) -> None:
        self._patience_s = self.resend_after_s
        if self._probing:
            self._rewind()

    def _rewind(self) -> None:
        self._probing = False
        self._again.clear()
        self._sent_s.clear()
        self._next = self.committed + 1

    def _advance(self, seq: int) -> None:
        if self._again and self._again[0] == seq:
            self._again.popleft()
        else:
            self._next = max(self._next, seq + 1)
