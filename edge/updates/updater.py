"""One run of the updater: looks, and takes an update as far as it gets; the next run goes on from there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from math import inf
from typing import Final

from contract.bundle import Bundle, open_bundle
from contract.errors import BundleError
from contract.reasons import Reason
from contract.rollout import Fitness
from edge import clock
from edge.config import Config, updates_of
from edge.errors import NothingBeforeError, UpdateError
from edge.updates import steps
from edge.updates.choosing import Outlook, choose, withdrawn
from edge.updates.fetching import fetch, part_name
from edge.updates.proving import PROVE_S, prove_release
from edge.updates.repository import Offered, look
from edge.updates.sources import Source
from edge.updates.state import Candidate, UpdateState
from edge.updates.store import BUNDLE_NAME, Store
from edge.updates.trial import newest_axis, newest_scans, tried
from soil.errors import LoamscanError

Tell = Callable[[str], None]

_FOR_GOOD: Final = frozenset({Reason.UPDATE_UNFIT, Reason.UPDATE_NOT_PROVED, Reason.UPDATE_WORSE})
"""What another try of the same bytes would not change. What came damaged were other bytes: whoever sits
in between could have a device refuse for good what it never had."""


class Updater:
    """A device's updates. ``agent`` is the version of loamscan that runs it."""

    def __init__(self, config: Config, agent: str, tell: Tell = lambda _: None) -> None:
        """Raises `ConfigError` where the configuration does not speak of updates."""
        self._config = config
        self.settings = updates_of(config)
        self._agent = agent
        self._tell = tell
        self.store = Store(self.settings.directory)

    def check(self, source: Source) -> Outlook:
        """Look at what is offered, and remember what was seen signed. Raises `UpdateError`."""
        with self.store.updating(), self._told():
            return self._outlook(source)

    def apply(
        self, source: Source | None, *, again: bool = False, without_live: bool = False
    ) -> UpdateState:
        """Go on with what is on its way, or begin what ``source`` offers; the state that this came to.

        ``again`` tries what failed here before. ``without_live`` ends a trial without waiting for scans
        that are yet to come. Raises `UpdateError` where something stood in the way; that is reported.
        """
        with self.store.updating(), self._told():
            state = self.store.read()
            if state.probation is not None:
                return state
            offer = self._looked(source, state, again=again)
            state = self.store.read()
            coming = state.candidate.release if state.candidate else None
            if offer is not None and (coming is None or not offer.release.same_bytes(coming)):
                state = self._begin(offer, again=again)
            if state.candidate is None:
                return state
            if state.candidate.step == "fetching" and not again and steps.rests(state):
                self._tell("what is offered came damaged again and again: it is fetched once a day")
                return self.store.change(steps.tried_once)
            try:
                return self._go_on(source, offer, without_live=without_live)
            except UpdateError as error:
                self._stopped_by(error, state.candidate)
                raise

    def rollback(self) -> UpdateState:
        """Go back to the bundle before; raises `NothingBeforeError` where there is none."""

        def step(state: UpdateState) -> UpdateState:
            if state.previous is None:
                raise NothingBeforeError(
                    "there is no bundle before the one that runs", "see `loamscan update status`"
                )
            return steps.rolled_back(
                state, Reason.UPDATE_ROLLED_BACK, clock.now(), "asked for on the device"
            )

        self.store.check_owner()
        return self.store.change(step)

    def _looked(self, source: Source | None, state: UpdateState, *, again: bool) -> Offered | None:
        if source is None:
            return None
        try:
            outlook = self._outlook(source, again=again)
        except UpdateError as error:
            self._hindered(error)
            # What was fetched already was verified, and needs nobody any more.
            if state.candidate is None or state.candidate.step == "fetching":
                raise
            return None
        self._tell(outlook.why)
        return outlook.offer

    def _outlook(self, source: Source, *, again: bool = False) -> Outlook:
        self._tell(f"looking at {source.name}")
        state = self.store.read()
        cache = self.settings.directory / "metadata"
        view = look(source, self.settings.root, cache, state.trust, clock.now())
        state = self.store.change(lambda now: now.model_copy(update={"trust": view.trust}))
        candidate = state.candidate
        if candidate is not None and (why := withdrawn(candidate.release, view.trust)):
            self._drop(candidate, Reason.UPDATE_WITHDRAWN, why, for_good=False)
        running = self._running(state)
        outlook = choose(view, self._fitness(state, running), state, running, again=again)
        state = self.store.change(steps.looked)
        # A stick says nothing of what the network offers.
        if outlook.offer is None and not (source.is_copy and self.settings.url):
            self._leave(state, outlook.why)
        return outlook

    def _leave(self, state: UpdateState, why: str) -> None:
        """Drop what was to be fetched and is not offered any more; what is here already goes on."""
        if state.candidate is not None and state.candidate.step == "fetching":
            self._drop(state.candidate, Reason.UPDATE_WITHDRAWN, why, for_good=False)

    def _begin(self, offer: Offered, *, again: bool) -> UpdateState:
        def step(state: UpdateState) -> UpdateState:
            if again:
                state = steps.forgiven(state, offer.release)
            return steps.begun(state, offer.release, offer.length)

        state = self.store.change(step)
        assert state.candidate is not None
        self._clear(state.candidate, keep=part_name(offer.release.sha256))
        return state

    def _go_on(
        self, source: Source | None, offer: Offered | None, *, without_live: bool
    ) -> UpdateState:
        state = self.store.read()
        candidate = state.candidate
        assert candidate is not None
        place = self.store.slot(candidate.slot) / BUNDLE_NAME
        if candidate.step == "fetching":
            if source is None:
                self._leave(state, "the copy that it came from is gone")
                return self.store.read()
            if offer is None:
                return state
            self._tell(f"fetching {candidate.release.bundle} {candidate.release.version}")
            fetch(source, offer.path, offer.length, offer.release.sha256, place, self._tell)
            state = self.store.change(lambda now: steps.fetched(now, clock.now()))
        if state.candidate is not None and state.candidate.step == "proving":
            self._tell("proving it on this device")
            engines = self.store.engines(candidate.slot, self._config.model.engines)
            prove_release(place, candidate.release, self._agent, engines, self._tell, PROVE_S)
            scans = newest_scans(self._config.log.directory)
            state = self.store.change(lambda now: steps.proved(now, clock.now(), scans))
        return self._try(state, without_live=without_live)

    def _try(self, state: UpdateState, *, without_live: bool) -> UpdateState:
        candidate = state.candidate
        if candidate is None or candidate.step != "trial":
            return state
        factory = self._config.model.bundle, self._config.model.engines
        running, new = (
            (self.store.bundle(place, factory[0]), self.store.engines(place, factory[1]))
            for place in (state.running, candidate.slot)
        )
        trial = tried(running, new, self._config.log.directory, candidate.scans_before, self._tell)
        if not trial.scans:
            self._tell("this device has no scans to try it on yet")
        waits = trial.live < self.settings.trial_scans
        if waits and not without_live and candidate.looks < self.settings.trial_looks:
            self._tell(f"{trial.live} of {self.settings.trial_scans} live scans so far: it waits")
            return self.store.change(steps.waited)
        return self.store.change(
            lambda now: steps.switched(now, clock.now(), {"live": trial.live, **trial.details})
        )

    def _stopped_by(self, error: UpdateError, candidate: Candidate) -> None:
        if error.reason is Reason.UPDATE_DAMAGED:
            self.store.change(steps.tried_once)
        if error.reason not in _FOR_GOOD:
            self._hindered(error)
            return
        if error.perhaps_machine:
            state = self.store.change(steps.tried_once)
            if state.candidate is not None and state.candidate.tries < steps.TRIES_MAX:
                self._hindered(error)
                return
        self._drop(candidate, error.reason, error.what, for_good=True)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Have the operator hear of what is nobody's word on an update: a setting, or a fault of our own."""
        try:
            yield
        except UpdateError:
            raise
        except Exception as error:
            what = error.what if isinstance(error, LoamscanError) else repr(error)
            self._hindered(UpdateError(Reason.UPDATE_STOPPED, what))
            raise

    def _hindered(self, error: UpdateError) -> None:
        # A disk that is full, or a state that is damaged, can't be told of in the state.
        with suppress(UpdateError):
            self.store.change(
                lambda now: steps.hindered(now, error.reason, clock.now(), error.what)
            )

    def _drop(self, candidate: Candidate, reason: Reason, detail: str, *, for_good: bool) -> None:
        self.store.change(
            lambda now: steps.given_up(now, reason, clock.now(), detail, for_good=for_good)
        )
        self._clear(candidate)

    def _clear(self, candidate: Candidate, keep: str = "") -> None:
        """Empty the candidate's slot, but for what was fetched of it already."""
        slot = self.store.slot(candidate.slot)
        if not slot.is_dir():
            return
        for path in slot.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != keep:
                path.unlink(missing_ok=True)

    def _fitness(self, state: UpdateState, running: Bundle | None) -> Fitness:
        axis = newest_axis(self._config.log.directory)
        if axis is None and running is not None:
            axis = running.axis
        return Fitness(
            device=self._config.device.id,
            channel=self.settings.channel,
            device_class=self.settings.device_class,
            agent=self._agent,
            free_bytes=self._free_bytes(state.candidate),
            # Where nothing is known of the scanner, nothing speaks against a bundle.
            scanner_nm=axis.span_nm if axis else (0.0, inf),
        )

    def _free_bytes(self, candidate: Candidate | None) -> int:
        """What was free before anything came of an update: what is here of it wants no room."""
        free = shutil.disk_usage(self.settings.directory).free
        if candidate is None:
            return free
        here = self.store.slot(candidate.slot).rglob("*")
        return free + sum(path.stat().st_size for path in here if path.is_file())

    def _running(self, state: UpdateState) -> Bundle | None:
        """The bundle that runs; None where it can't be read any more, which an update may put right."""
        try:
            return open_bundle(self.store.bundle(state.running, self._config.model.bundle))
        except BundleError:
            return None


def step_back() -> None:
    """Have this process and those it starts run only when nothing else wants the processor."""
    os.nice(19)
    # Some containers forbid it; the unit file of systemd asks for the same.
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
