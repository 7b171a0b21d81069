"""The steps of an update, each a pure function from one state to the next."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, TypeVar

from contract.messages import UpdateStanding, UpdateStep
from contract.reasons import Reason
from contract.records import Part, ReasonGiven
from edge.updates.state import (
    EVENTS_KEPT,
    FAILED_KEPT,
    Candidate,
    Happened,
    Place,
    Probation,
    Refused,
    Release,
    UpdateState,
)
from edge.updates.trust import below_floor

PartT = TypeVar("PartT", bound=Part)

STARTS_MAX: Final = 3
"""Starts in a row without a healthy minute that a bundle is given in one boot. Ours."""

CRASHES_MAX: Final = 3
"""Daemons that a bundle may end on its probation, however long each was healthy. Ours."""

BOOTS_MAX: Final = 10
"""Boots in a row without one: power that fails is no fault of a bundle, but one may end a machine. Ours."""

TRIES_MAX: Final = 3
"""Faults that may have been the machine's: a process that was ended, a time that was over. Ours."""

RESTING_RUNS: Final = 24
"""Runs of the updater, a day by its timer, of which one fetches what came damaged again and again. Ours."""

_SEEN_ALONE: Final = frozenset(
    reason.value
    for reason in (
        Reason.UPDATE_UNTRUSTED,
        Reason.UPDATE_EXPIRED,
        Reason.UPDATE_REPLAYED,
        Reason.UPDATE_BELOW_FLOOR,
        Reason.UPDATE_UNFIT,
    )
)
"""Hindrances that a look meets and nothing after it does."""

DETAIL_LENGTH_MAX: Final = 200
"""A message's detail comes from anywhere, and goes into an event and a retained status."""

HEALTHY_S: Final = 60.0
"""How long a daemon must have served for its start to count as healthy. Ours."""


def begun(state: UpdateState, release: Release, length: int) -> UpdateState:
    """``release`` is to be fetched into the idle slot, whose old content no longer counts."""
    slot = state.idle_slot
    return _with(
        state,
        candidate=Candidate(release=release, length=length, slot=slot, step="fetching"),
        slots={name: known for name, known in state.slots.items() if name != slot},
        previous="factory" if state.previous == slot else state.previous,
        standing=_standing(release, "fetching"),
    )


def fetched(state: UpdateState, at: datetime) -> UpdateState:
    """The candidate lies in its slot, to the byte."""
    return _candidate_at(state, "proving", Reason.UPDATE_FETCHED, at)


def proved(state: UpdateState, at: datetime, scans: int) -> UpdateState:
    """The candidate runs rightly here; ``scans`` are in the log."""
    state = _candidate_at(state, "trial", Reason.UPDATE_PROVED, at)
    return _with(state, candidate=_with(_candidate(state), scans_before=scans, looks=0))


def waited(state: UpdateState) -> UpdateState:
    """The trial has waited for live scans once more."""
    candidate = _candidate(state)
    return _with(state, candidate=_with(candidate, looks=candidate.looks + 1))


def switched(state: UpdateState, at: datetime, details: dict[str, Any]) -> UpdateState:
    """The candidate runs from now on, on probation; what ran is what it would go back to."""
    candidate = _candidate(state)
    state = _with(
        state,
        running=candidate.slot,
        previous=state.running,
        slots={**state.slots, candidate.slot: candidate.release},
        candidate=None,
        probation=Probation(),
        starts=0,
        boots=0,
    )
    return _told(state, candidate.release, "probation", Reason.UPDATE_SWITCHED, at, details)


def given_up(
    state: UpdateState, reason: Reason, at: datetime, detail: str, *, for_good: bool
) -> UpdateState:
    """The candidate is dropped; ``for_good`` it is not tried again unless told."""
    candidate = _candidate(state)
    step: UpdateStep = "withdrawn" if reason is Reason.UPDATE_WITHDRAWN else "failed"
    state = _with(state, candidate=None)
    if for_good:
        state = _remembered(state, candidate.release, reason)
    return _told(state, candidate.release, step, reason, at, {"detail": detail})


def looked(state: UpdateState) -> UpdateState:
    """A look went well: what stood in the way of looking is news when it comes again."""
    met_by_looks = _SEEN_ALONE if state.candidate else {*_SEEN_ALONE, Reason.UPDATE_NO_ROOM.value}
    return _with(state, hindrance="") if state.hindrance in met_by_looks else state


def rests(state: UpdateState) -> bool:
    """Whether the candidate came damaged so often that this run leaves its fetching be."""
    tries = _candidate(state).tries
    return tries >= TRIES_MAX and tries % RESTING_RUNS != 0


def hindered(state: UpdateState, reason: Reason, at: datetime, detail: str) -> UpdateState:
    """Something stood in the way; said once, until a step was taken, however often it is tried again."""
    if reason.value == state.hindrance:
        return state
    details = {"detail": detail}
    if state.candidate is None:
        state = _noted(state, reason, at, details)
    else:
        state = _told(state, state.candidate.release, state.candidate.step, reason, at, details)
    return _with(state, hindrance=reason.value)


def tried_once(state: UpdateState) -> UpdateState:
    """The candidate met a fault that may have been the machine's, or rests after several."""
    candidate = _candidate(state)
    return _with(state, candidate=_with(candidate, tries=candidate.tries + 1))


def started(state: UpdateState, at: datetime, boot_id: str) -> UpdateState:
    """A daemon starts; what ended too often goes back first."""
    if boot_id != state.boot_id:
        state = _with(state, boot_id=boot_id, boots=state.boots + (state.starts > 0), starts=0)
    elif state.probation is not None and state.probation.serving:
        crashed = Probation(crashes=state.probation.crashes + 1)
        state = _with(state, probation=crashed)
    if state.previous is not None and (why := _ended_too_often(state)):
        state = rolled_back(state, Reason.UPDATE_CRASHED, at, why)
    if state.probation is not None:
        state = _with(state, probation=_with(state.probation, serving=True))
    return _with(state, starts=state.starts + 1)


def stopped(state: UpdateState) -> UpdateState:
    """The daemon ended in order: its start was no bad one."""
    if state.probation is not None:
        state = _with(state, probation=_with(state.probation, serving=False))
    return _with(state, starts=max(0, state.starts - 1))


def lived(state: UpdateState, healthy_s: float, probation_s: float, at: datetime) -> UpdateState:
    """The daemon has served well for ``healthy_s`` more seconds."""
    state = _with(state, starts=0, boots=0)
    if state.probation is None or state.release is None:
        return state
    total_s = state.probation.healthy_s + healthy_s
    if total_s < probation_s:
        return _with(state, probation=_with(state.probation, healthy_s=total_s))
    state = _with(state, probation=None)
    assert state.release is not None
    return _told(state, state.release, "committed", Reason.UPDATE_COMMITTED, at, {})


def rolled_back(state: UpdateState, reason: Reason, at: datetime, detail: str) -> UpdateState:
    """What was before runs; it must be there.

    What ran is remembered as failed where it was on probation, or somebody asked for this: what was well for
    long may have been left for a fault of the machine. Floors are for what is rolled out: one that lies below
    is better than none, and is told.
    """
    assert state.previous is not None
    release = state.release
    for_good = state.probation is not None or reason is Reason.UPDATE_ROLLED_BACK
    before: Place = state.previous
    last_resort: Place | None = None if before == "factory" else "factory"
    state = _with(state, running=before, previous=last_resort, probation=None, starts=0, boots=0)
    now = state.release
    if now is not None and (floor := below_floor(now.bundle, now.version, state.trust)):
        detail = f"{detail}; {now.version}, before it, lies below the floor {floor}"
    if release is None:
        return _noted(state, reason, at, {"detail": detail})
    if for_good:
        state = _remembered(state, release, reason)
    return _told(state, release, "rolled back", reason, at, {"detail": detail})


def forgiven(state: UpdateState, release: Release) -> UpdateState:
    """``release`` may be tried again."""
    kept = [known for known in state.failed if not known.release.same_bytes(release)]
    return _with(state, failed=kept)


def told(state: UpdateState, numbers: Collection[int]) -> UpdateState:
    """Events of these numbers are with the broker."""
    kept = [event for event in state.events if event.number not in numbers]
    return _with(state, events=kept)


def _candidate(state: UpdateState) -> Candidate:
    assert state.candidate is not None
    return state.candidate


def _ended_too_often(state: UpdateState) -> str:
    """Why what runs must go back; empty where it need not."""
    crashes = state.probation.crashes if state.probation else 0
    if state.starts >= STARTS_MAX:
        return f"{state.starts} starts without a healthy minute"
    if crashes >= CRASHES_MAX:
        return f"{crashes} daemons ended on its probation"
    if state.boots >= BOOTS_MAX:
        return f"{state.boots} boots without a healthy minute"
    return ""


def _candidate_at(
    state: UpdateState, step: UpdateStep, reason: Reason, at: datetime
) -> UpdateState:
    candidate = _with(_candidate(state), step=step, tries=0)
    return _told(_with(state, candidate=candidate), candidate.release, step, reason, at, {})


def _remembered(state: UpdateState, release: Release, reason: Reason) -> UpdateState:
    state = forgiven(state, release)
    failed = [*state.failed, Refused(release=release, reason=reason)][-FAILED_KEPT:]
    return _with(state, failed=failed)


def _told(
    state: UpdateState,
    release: Release,
    step: UpdateStep,
    reason: Reason,
    at: datetime,
    details: dict[str, Any],
) -> UpdateState:
    standing = _standing(release, step, reason, _short(details.get("detail", "")))
    named = {"bundle": release.bundle, "version": release.version, "step": step}
    rollout = {"rollout": release.rollout} if release.rollout else {}
    state = _with(state, standing=standing, hindrance="")
    return _noted(state, reason, at, {**named, **rollout, **details})


def _noted(
    state: UpdateState, reason: Reason, at: datetime, details: dict[str, Any]
) -> UpdateState:
    if "detail" in details:
        details = {**details, "detail": _short(details["detail"])}
    number = state.events_made + 1
    event = Happened(number=number, at=at, reason=reason, details=details)
    return _with(state, events=[*state.events, event][-EVENTS_KEPT:], events_made=number)


def _short(detail: object) -> str:
    text = str(detail)
    return text if len(text) <= DETAIL_LENGTH_MAX else f"{text[: DETAIL_LENGTH_MAX - 1]}…"


def _standing(
    release: Release, step: UpdateStep, reason: Reason | None = None, detail: str = ""
) -> UpdateStanding:
    return UpdateStanding(
        step=step,
        bundle=release.bundle,
        version=release.version,
        rollout=release.rollout,
        reason=ReasonGiven.of(reason, detail) if reason else None,
    )


def _with(part: PartT, **changes: Any) -> PartT:
    return part.model_copy(update=changes)
