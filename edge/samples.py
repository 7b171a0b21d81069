"""Which scans make a sample: replicates that follow each other under one label."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class Grouped(Protocol):
    """A scan that knows what makes it a replicate of another: label, instrument, kind and axis."""

    @property
    def sample_key(self) -> Hashable: ...  # noqa: D102


ScanT = TypeVar("ScanT", bound=Grouped)


@dataclass
class SampleGrouper(Generic[ScanT]):
    """Collects ``wanted`` scans into a sample; one of another sample, or a pause, ends it early."""

    wanted: int
    timeout_s: float
    _open: list[ScanT] = field(default_factory=list)
    _last_s: float = 0.0

    def add(self, scan: ScanT, now_s: float) -> list[Sequence[ScanT]]:
        """Take ``scan``, measured at ``now_s`` on a clock that only rises; the samples now complete."""
        complete: list[Sequence[ScanT]] = self.expired(now_s)
        if self._open and self._open[-1].sample_key != scan.sample_key:
            complete.append(self._take())
        self._open.append(scan)
        self._last_s = now_s
        if len(self._open) >= self.wanted:
            complete.append(self._take())
        return complete

    def expired(self, now_s: float) -> list[Sequence[ScanT]]:
        """The open sample, if its last scan lies longer back than the time-out."""
        if self._open and now_s - self._last_s > self.timeout_s:
            return [self._take()]
        return []

    def _take(self) -> Sequence[ScanT]:
        sample, self._open = self._open, []
        return sample
