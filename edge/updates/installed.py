"""The daemon's side of updates: which bundle to run, whether it is well, and what is to be told."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final

from contract.errors import BundleError
from contract.reasons import Reason
from contract.records import Reading
from edge import clock
from edge.config import Config, updates_of
from edge.daemon import Daemon
from edge.errors import EngineError, UpdateError
from edge.updates import steps
from edge.updates.state import Happened, Place, Release, UpdateState
from edge.updates.store import Store

_LOG = logging.getLogger("loamscan.updates")

_FAILING: Final = frozenset({Reason.MODEL_FAILED.value, Reason.MODEL_NOT_FINITE.value})

OnReading = Callable[[Reading], None]


class Installed:
    """The bundle that is installed, beneath a daemon. Its owner's thread alone calls it."""

    def __init__(self, config: Config, on_reading: OnReading | None = None) -> None:
        """Of a configuration with a section [updates]."""
        self._config = config
        self._settings = updates_of(config)
        self._store = Store(self._settings.directory)
        self._on_reading = on_reading
        self._beat_s = min(steps.HEALTHY_S, max(self._settings.probation_s, 0.5))
        self._handed: set[int] = set()
        self._taken: deque[int] = deque()
        self._failing = ""
        self._owed: tuple[UpdateState, UpdateState] | None = None
        """A state on disk, and the one that is to take its place as soon as the disk lets it."""

    def daemon(self) -> Daemon:
        """A daemon with the bundle that is to run; one that can't be loaded gives way to the one before.

        Raises `LoamscanError` where none can serve.
        """
        state = self._begun()
        self._runs = _runs(state)
        self._probation = state.probation is not None
        self._read: tuple[int, int] | None = None
        self._beat_at_s = 0.0
        self._handed.clear()
        self._failing = ""
        model = self._config.model.model_copy(
            update={
                "bundle": self._store.bundle(state.running, self._config.model.bundle),
                "engines": self._store.engines(state.running, self._config.model.engines),
            }
        )
        config = self._config.model_copy(update={"model": model})
        try:
            on_reading = self._watch if self._probation else self._on_reading
            return Daemon(config, on_reading, state.standing)
        except (BundleError, EngineError) as error:
            if not self._gives_way(error.what):
                raise
        return self.daemon()

    def tend(self, daemon: Daemon) -> bool:
        """Call now and then. Whether another bundle is to run, for which this daemon must end."""
        now_s = clock.running_s()
        if self._probation and daemon.hangs:
            self._failing = f"a sample has been judged for {daemon.busy_s:.0f} s"
        if self._failing and self._gives_way(self._failing, probation_alone=True):
            return True
        if not self._beat_at_s:
            self._beat_at_s = now_s + self._beat_s
        # A sample that is being judged may hang: whether this was well is known when it is done.
        elif now_s >= self._beat_at_s and not daemon.busy_s:
            self._beat_at_s = now_s + self._beat_s
            self._change(self._lived)
        self._write_down_what_was_taken()
        if self._owed is not None and self._change(lambda state: state) is None:
            return False
        version = self._store.version
        if version == self._read:
            return False
        self._read = version
        return self._take_in(daemon)

    def stopped(self) -> None:
        """The daemon has ended in order."""
        self._write_down_what_was_taken()
        self._change(steps.stopped)

    def _lived(self, state: UpdateState) -> UpdateState:
        if _runs(state) != self._runs:
            return state  # switched meanwhile: that was not well yet
        return steps.lived(state, self._beat_s, self._settings.probation_s, clock.now())

    def _write_down_what_was_taken(self) -> None:
        taken: set[int] = set()
        while self._taken:
            taken.add(self._taken.popleft())
        if taken:
            self._change(lambda state: steps.told(state, taken))
            self._handed -= taken

    def _take_in(self, daemon: Daemon) -> bool:
        try:
            state = self._store.read()
        except UpdateError as error:
            _LOG.error("%s", error)
            details: dict[str, str | int | float] = {"detail": error.what}
            event = Happened(number=0, at=clock.now(), reason=error.reason, details=details)
            daemon.report(event, lambda: None)
            return False
        if _runs(state) != self._runs:
            # The next daemon tells of it.
            return True
        daemon.stand(state.standing)
        for event in state.events:
            if event.number not in self._handed:
                self._handed.add(event.number)
                _LOG.info("%s (%s) %s", event.reason.text, event.reason.value, event.details)
                # On the publisher's thread: `tend` writes it down.
                daemon.report(event, partial(self._taken.append, event.number))
        return False

    def _watch(self, reading: Reading) -> None:
        """On the scanner's thread: a bundle on probation must not fail at work."""
        for reason in reading.quality.reasons:
            if reason.code in _FAILING:
                self._failing = f"{reason.text}, at sample {reading.sample.id!r}"
        if self._on_reading is not None:
            self._on_reading(reading)

    def _begun(self) -> UpdateState:
        begun = self._change(lambda state: steps.started(state, clock.now(), clock.boot_id()))
        if begun is not None:
            return begun
        if self._owed is not None:
            return self._owed[1]
        try:
            return self._store.read()
        except UpdateError:
            _LOG.error("the configured bundle is used")
            return UpdateState()

    def _gives_way(self, why: str, *, probation_alone: bool = False) -> bool:
        """Whether there was another bundle to go back to.

        With ``probation_alone`` a bundle that was committed stays.
        """

        def step(state: UpdateState) -> UpdateState:
            if state.previous is None or _runs(state) != self._runs:
                return state
            if probation_alone and state.probation is None:
                return state
            return steps.rolled_back(state, Reason.UPDATE_FAILING, clock.now(), why)

        _LOG.error("%s", why)
        self._failing, self._probation = "", False
        state = self._change(step) or self._change_owed(step)
        return state is not None and _runs(state) != self._runs

    def _change(self, step: Callable[[UpdateState], UpdateState]) -> UpdateState | None:
        def with_what_is_owed(state: UpdateState) -> UpdateState:
            before, after = self._owed or (None, state)
            return step(after if state == before else state)

        try:
            state = self._store.change(with_what_is_owed)
        except UpdateError as error:
            # Scanning goes on whatever becomes of updates.
            _LOG.error("%s", error)
            return None
        self._owed = None
        return state

    def _change_owed(self, step: Callable[[UpdateState], UpdateState]) -> UpdateState | None:
        """The step in memory: a disk that is full must not keep a bundle that is broken."""
        try:
            before = self._store.read()
        except UpdateError:
            return None
        self._owed = before, step(before if self._owed is None else self._owed[1])
        return self._owed[1]


def _runs(state: UpdateState) -> tuple[Place, Release | None]:
    return state.running, state.release
