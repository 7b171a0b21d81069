"""A fleet as events: devices look, take, and say how it went; an operator halts by a condition.

What decides is the package's own code: `contract.rollout`, `deploy.fleet.reports`, `edge.updates.trust`.
Only network, processors and people are numbers here.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contract.identity import new_id
from contract.messages import Status, UpdateStanding, UpdateStep
from contract.records import Device
from contract.rollout import Fitness, Rollout, offered
from contract.topics import Topics
from deploy.fleet.reports import Condition, Reports, tally
from edge.updates.state import Trust
from edge.updates.trust import believed_now

EPOCH: Final = datetime(2026, 4, 1, tzinfo=timezone.utc)
"""Where time 0 of a run lies."""

KEYS: Final = ["online"]


class Cost(NamedTuple):
    """What the server is asked for, and sends."""

    requests: float
    bytes_: float


class Costs(NamedTuple):
    """As measured on real updaters.

    A look with nothing known yet, after a change, and with nothing new; what taking a bundle adds, how long
    that takes, and how long a probation is.
    """

    first: Cost
    changed: Cost
    same: Cost
    take: Cost
    take_s: float
    probation_s: float


@dataclass(frozen=True)
class Member:
    """A device: when it looks (seconds, in order), how far its clock is off until when, whether it fails."""

    looks_s: NDArray[np.float64]
    fails: bool = False
    clock_off: timedelta = timedelta()
    clock_right_from_s: float = 0.0


@dataclass
class Outcome:
    """What came of a run; times in seconds."""

    taken_s: dict[str, float] = field(default_factory=dict)
    done_s: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    halted_s: float | None = None


def play(
    members: Mapping[str, Member],
    changes: Sequence[tuple[float, Rollout]],
    costs: Costs,
    condition: Condition,
    judge_s: float,
) -> Outcome:
    """Play a rollout that the operator changes at those times, and halts by himself under ``condition``."""
    outcome, reports = Outcome(), Reports()
    for name in members:
        _say(reports, name, changes[0][1], None)
    events: list[tuple[float, int, str, str]] = []
    for name, member in members.items():
        if len(member.looks_s):
            heapq.heappush(events, (float(member.looks_s[0]), 1, "look", name))
    for at, (change_s, _) in enumerate(changes):
        heapq.heappush(events, (change_s, 0, "change", str(at)))
    at_look = dict.fromkeys(members, 0)
    rollout = changes[0][1].model_copy(update={"halted": True})
    told_s = 0.0
    judging = False
    while events:
        now_s, _, what, name = heapq.heappop(events)
        if what == "change":
            if outcome.halted_s is None:
                rollout, told_s = changes[int(name)][1], now_s
        elif what == "judge":
            judging = False
            now = EPOCH + timedelta(seconds=now_s)
            if outcome.halted_s is None and condition.holds(tally(rollout, reports, now)):
                rollout = rollout.model_copy(update={"halted": True})
                outcome.halted_s = told_s = now_s
        elif what == "over":
            step: UpdateStep = "rolled back" if members[name].fails else "committed"
            _say(reports, name, rollout, step)
            if members[name].fails:
                outcome.failed.append(name)
            else:
                outcome.done_s[name] = now_s
            if not judging:
                judging = True
                heapq.heappush(events, (now_s + judge_s, 2, "judge", ""))
        elif _takes(members[name], name, rollout, now_s, told_s):
            outcome.taken_s[name] = now_s
            over_s = now_s + costs.take_s + costs.probation_s
            heapq.heappush(events, (over_s, 1, "over", name))
        else:
            at_look[name] += 1
            looks_s = members[name].looks_s
            if at_look[name] < len(looks_s):
                heapq.heappush(events, (float(looks_s[at_look[name]]), 1, "look", name))
    return outcome


def total(
    members: Mapping[str, Member], outcome: Outcome, changes_s: Sequence[float], costs: Costs
) -> Cost:
    """What all devices together cost the server, which changed what it serves at those times."""
    first, changed, same = _kinds(members, changes_s)
    counts = (len(first), len(changed), len(same), len(outcome.taken_s))
    each = (costs.first, costs.changed, costs.same, costs.take)
    return Cost(
        sum(n * cost.requests for n, cost in zip(counts, each, strict=True)),
        sum(n * cost.bytes_ for n, cost in zip(counts, each, strict=True)),
    )


def requests_per_s(
    members: Mapping[str, Member], outcome: Outcome, changes_s: Sequence[float], costs: Costs
) -> NDArray[np.float64]:
    """Requests that the server gets in each second."""
    seconds = 1 + max(int(member.looks_s[-1]) for member in members.values() if len(member.looks_s))
    found = np.zeros(seconds + 60)
    kinds = (*_kinds(members, changes_s), np.array(list(outcome.taken_s.values())))
    for times_s, cost in zip(
        kinds, (costs.first, costs.changed, costs.same, costs.take), strict=True
    ):
        found += cost.requests * np.bincount(times_s.astype(np.int64), minlength=len(found))
    return found


def _kinds(
    members: Mapping[str, Member], changes_s: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Times of first looks, of those that find a change, and of the others."""
    first, changed, same = [], [], []
    for member in members.values():
        looks_s = member.looks_s
        if not len(looks_s):
            continue
        news = np.zeros(len(looks_s), dtype=bool)
        at = np.searchsorted(looks_s, changes_s)
        news[at[at < len(looks_s)]] = True
        news[0] = False
        first.append(looks_s[:1])
        changed.append(looks_s[news])
        same.append(looks_s[1:][~news[1:]])
    return np.concatenate(first), np.concatenate(changed), np.concatenate(same)


def _takes(member: Member, name: str, rollout: Rollout, now_s: float, told_s: float) -> bool:
    right = now_s >= member.clock_right_from_s
    clock = EPOCH + timedelta(seconds=now_s) + (timedelta() if right else member.clock_off)
    told = EPOCH + timedelta(seconds=told_s)
    now = believed_now(clock, Trust(told_by=KEYS, time_floor=told), KEYS)
    if now > told + timedelta(days=180):
        return False  # the timestamp has expired, by this clock
    fitness = Fitness(name, rollout.channel, "", "0.1.0", 10**10, (1300.0, 2600.0))
    return offered([rollout], fitness, now) is not None


def _say(reports: Reports, name: str, rollout: Rollout, step: UpdateStep | None) -> None:
    reports.heard(Topics(name).status, status(name, rollout, step).to_json())


def status(name: str, rollout: Rollout, step: UpdateStep | None) -> Status:
    """What a device's daemon has retained on the broker."""
    update = (
        UpdateStanding(
            step=step, bundle=rollout.bundle, version=rollout.version, rollout=rollout.id
        )
        if step
        else None
    )
    return Status(
        schema="loamscan.status/1", status="online", device=Device(id=name), agent="0.1.0",
        bundle=rollout.bundle, bundle_version="1.0.0", engine="onnxruntime/fp32", log_id=new_id(),
        channel=rollout.channel, device_class="", update=update,
    )  # fmt: skip
