"""How fast a fit goes and how long it may still take: a line every few seconds, and one at its end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

Progress = Callable[[str], None]

LINE_EVERY_S = 5.0
SECONDS_MAX = 90
MINUTES_MAX = 90
"""Above these a time is said in the next larger unit."""


class Pace:
    """Counts what ``what`` has learnt from in ``epochs`` of ``samples``, and tells it to ``progress``.

    ``measured`` names the figure that a line gives beside it.
    """

    def __init__(
        self,
        what: str,
        samples: int,
        epochs: int,
        progress: Progress,
        measured: str = "validation",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what, self._samples, self._epochs = what, samples, epochs
        self._progress, self._measured, self._clock = progress, measured, clock
        self._began_s = self._told_s = clock()
        self._seen = 0

    def learnt(self, samples: int, epoch: int, reached: float, left: int) -> None:
        """Another ``samples`` are done in ``epoch``, at most ``left`` are to come."""
        self._seen += samples
        now_s = self._clock()
        if now_s - self._told_s < LINE_EVERY_S:
            return
        self._told_s = now_s
        per_s = self._seen / (now_s - self._began_s)
        measured = f", {self._measured} {reached:.4f}" if math.isfinite(reached) else ""
        self._progress(
            f"{self._what}: epoch {epoch}/{self._epochs}{measured}, "
            f"{per_s:,.0f} spectra/s, at most {_words(left / per_s)} left"
        )

    def ended(self, epoch: int, kept: float) -> None:
        """The fit is over, after ``epoch`` epochs; the figure of the weights that are kept."""
        took_s = self._clock() - self._began_s
        speed = f", {self._seen / took_s:,.0f} spectra/s" if self._seen and took_s else ""
        self._progress(
            f"{self._what}: done after epoch {epoch}/{self._epochs}, "
            f"with {self._measured} {kept:.4f}{speed}"
        )


def _words(seconds: float) -> str:
    if seconds <= SECONDS_MAX:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < MINUTES_MAX else f"{minutes / 60:.1f} h"
