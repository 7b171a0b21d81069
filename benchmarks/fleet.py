"""A rollout over many devices: what it costs them and the server, how soon it is there, when it is halted.

`real`: 200 real updaters, each a process of its own, against one static server and one broker, while
`loamscan fleet halt --when` listens; of the devices that take the bundle after the canary one in five is
drawn to fail. What ends a probation, the daemon's part, is played. `model`: the package's own decisions
(rollouts, tallies, clocks) on events, with costs as measured on the real ones; checked against them, then
10,000 devices over a season. On nine days of ten a device is switched on, three of four at seven sharp
and the others by noon, for ten hours; a tenth is away for 10 to 120 days; one clock in twenty is at 1970,
one in a hundred at 2099 for the first ten days. The canary is 5 % for three days, then all. All of this is
synthetic, and kinder than the field: no trial waits for scans, a probation goes on while a device is
switched off, and none falls silent, so the days are the least that it takes. `halted`: of 200 modelled
canaries of 500 devices with that rate of failing ones, those that "failed > 2 %" halted.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from statistics import mean
from typing import Final

import numpy as np

from benchmarks.brokers import brokers
from benchmarks.fleet_devices import (
    Devices,
    Look,
    Operator,
    Served,
    all_look,
    static_server,
    watching,
)
from benchmarks.fleet_model import (
    EPOCH,
    Cost,
    Costs,
    Member,
    Outcome,
    play,
    requests_per_s,
    total,
)
from benchmarks.rows import Goal, Row
from contract.rollout import Rollout, place_pct
from deploy.fleet.reports import Condition, read_condition

REAL: Final = 200
FLEET: Final = 10_000
CANARY_PCT: Final = 20.0
FAILING: Final = 0.2
REAL_CONDITION: Final = "failed > 10 %"
CONDITION: Final = "failed > 2 %"
JUDGE_S: Final = 5.0

DAY_S: Final = 86_400.0
DAYS: Final = 130
PROMOTED_S: Final = 3 * DAY_S

BYTES = Goal("<=", 1.05)
CHECK = Goal("<=", 5.0, "value")
HERD = Goal("<=", 3.0)
NEVER = Goal("<=", 0.0, "value")
ALWAYS = Goal(">=", 100.0, "value")


def measure(quick: bool, tell: Callable[[str], None]) -> list[Row]:
    """Real updaters, the model against them, and the model at scale."""
    with tempfile.TemporaryDirectory() as folder:
        rows, costs, rollout = _real(Path(folder), 24 if quick else REAL, tell)
    tell("a season")
    rows += _season(1000 if quick else FLEET, costs, rollout)
    tell("canaries that fail")
    return rows + _halts(20 if quick else 200, costs, rollout)


def _real(
    folder: Path, count: int, tell: Callable[[str], None]
) -> tuple[list[Row], Costs, Rollout]:
    names = [f"ls-{n:04}" for n in range(count)]
    served = Served()
    operator = Operator(folder / "fleet")
    (folder / "broker").mkdir()
    (folder / "devices").mkdir()
    available = brokers()
    broker = available.get("mosquitto", available["iotcore"])
    with (
        broker(folder / "broker") as broker_port,
        static_server(operator.repository.folder, served) as port,
    ):
        devices = Devices(
            folder / "devices", operator, f"http://127.0.0.1:{port}", broker_port, served
        )
        for name in names:
            devices.provision(name)
        canary = operator.widen(CANARY_PCT)
        inside = {name for name in names if place_pct(canary.id, name) < CANARY_PCT}
        failing = {
            name
            for name in names
            if name not in inside and place_pct("fails", name) < 100 * FAILING
        }
        with watching(operator, REAL_CONDITION, broker_port):
            all_look(devices, names, failing, tell)
            canary_looks = len(devices.looks)
            whole = operator.widen(100.0)
            all_look(devices, names, failing, tell)
            halted = operator.halted
        both = 2 * canary_looks
        few = names[: count // 4]
        # The first of these looks may find that it was halted.
        for _ in range(2):
            all_look(devices, few, failing, tell)
    looks, again = devices.looks[:both], devices.looks[-len(few) :]
    # From every second device; the others are there to check the model on.
    costs = _costs([look for look in looks if int(look.device[3:]) % 2], canary_looks // 2, again)
    took = [look for look in looks if look.took_it]
    members = _members_of(looks, failing)
    changes = [(-1.0, _at_epoch(canary)), (_promoted_s(looks, canary_looks), _at_epoch(whole))]
    told = play(members, changes, costs, read_condition(REAL_CONDITION), JUDGE_S)
    requests = sum(look.requests for look in looks)
    modelled = total(members, told, [_promoted_s(looks, canary_looks)], costs).requests
    apart = 100 * abs(len(told.taken_s) - len(took)) / count
    peers = {"model": float(len(told.taken_s)), "halted": float(halted)}
    rows = [
        Row(
            "real: bytes that a take adds",
            costs.take.bytes_,
            "B",
            operator.bundle_bytes,
            goal=BYTES,
        ),
        Row("real: bytes of a device's first look", costs.first.bytes_, "B"),
        Row("real: requests of a first look", costs.first.requests, ""),
        Row("real: requests of a look with nothing new", costs.same.requests, ""),
        Row("real: devices that took it, until it was halted", float(len(took)), "", peers=peers),
        Row("model: takes off the real", apart, "% of devices", goal=CHECK),
        Row("model: requests off the real", 100 * abs(modelled / requests - 1), "%", goal=CHECK),
    ]
    return rows, costs, whole


def _costs(looks: list[Look], canary_looks: int, again: list[Look]) -> Costs:
    first, changed, same = (
        _cost([look for look in some if not look.took_it])
        for some in (looks[:canary_looks], looks[canary_looks:], again)
    )
    takes = [look for look in looks[canary_looks:] if look.took_it]
    take = _cost(takes)
    return Costs(
        first=first,
        changed=changed,
        same=same,
        take=Cost(take.requests - changed.requests, take.bytes_ - changed.bytes_),
        take_s=mean(look.took_s for look in takes),
        probation_s=0.0,
    )


def _cost(looks: list[Look]) -> Cost:
    return Cost(
        float(mean(look.requests for look in looks)), float(mean(look.bytes_ for look in looks))
    )


def _members_of(looks: list[Look], failing: set[str]) -> dict[str, Member]:
    """Devices that look when the real ones did."""
    origin_s = looks[0].began_s
    by_device: dict[str, list[float]] = {}
    for look in looks:
        by_device.setdefault(look.device, []).append(look.began_s - origin_s)
    return {
        name: Member(np.array(sorted(times)), name in failing) for name, times in by_device.items()
    }


def _promoted_s(looks: list[Look], canary_looks: int) -> float:
    return min(look.began_s for look in looks[canary_looks:]) - looks[0].began_s - 0.1


def _season(count: int, costs: Costs, rollout: Rollout) -> list[Row]:
    costs = costs._replace(probation_s=3600.0)
    members = _members(count, failing=0.005, seed=1)
    changes = _changes(rollout)
    outcome = play(members, changes, costs, read_condition(CONDITION), JUDGE_S)
    changes_s = [PROMOTED_S]
    requests = requests_per_s(members, outcome, changes_s, costs)
    hours = requests[: len(requests) // 3600 * 3600].reshape(-1, 3600)
    busiest = hours[hours.sum(axis=1).argmax()]
    # A second is a small sample: what a server feels is ten of them.
    tens = busiest.reshape(-1, 10).mean(axis=1)
    bytes_each = total(members, outcome, changes_s, costs).bytes_ / count
    there = [name for name, member in members.items() if _was_there(member)]
    peak, mean_rate = float(tens.max()), float(busiest.mean())
    halted = 100.0 * (outcome.halted_s is not None)
    return [
        Row("model: from the promotion to 95 % of those not away", _days_to(outcome, there), "d"),
        Row("model: from the promotion to 95 % of all", _days_to(outcome, list(members)), "d"),
        Row("model: bytes of a device in 130 days", bytes_each, "B", costs.take.bytes_),
        Row("model: requests/s, the busiest ten seconds", peak, "/s", mean_rate, goal=HERD),
        Row("model: halted with 0.5 % failing", halted, "%", goal=NEVER),
    ]


def _halts(runs: int, costs: Costs, rollout: Rollout) -> list[Row]:
    costs = costs._replace(probation_s=3600.0)
    rows = []
    for rate, goal in ((0.01, None), (0.02, None), (0.04, None), (0.08, ALWAYS)):
        outcomes = [_canary(rate, seed, costs, rollout) for seed in range(runs)]
        halted = [outcome for outcome in outcomes if outcome.halted_s is not None]
        rows.append(
            Row(f"halted: {rate:.0%} of devices fail", 100 * len(halted) / runs, "%", goal=goal)
        )
        if goal is not None:
            failed = mean(len(outcome.failed) for outcome in halted)
            rows.append(
                Row("halted: devices that failed by then", failed, "", floor=0.02 * 500 + 1)
            )
    return rows  # fmt: skip


def _canary(rate: float, seed: int, costs: Costs, rollout: Rollout) -> Outcome:
    """The canary's three days, on the 500 devices in it of 10,000."""
    # Of as many names as in the fleet, those in the share.
    members = _members(500, failing=rate, seed=seed, days=3)
    whole = rollout.model_copy(update={"share_pct": 100.0})
    condition: Condition = read_condition(CONDITION)
    return play(members, [(0.0, _at_epoch(whole))], costs, condition, JUDGE_S)


def _members(count: int, failing: float, seed: int, days: int = DAYS) -> Mapping[str, Member]:
    chance = np.random.default_rng(seed)
    members = {}
    for n in range(count):
        off = timedelta()
        right_s = 0.0
        draw = chance.random()
        if draw < 0.05:
            off, right_s = timedelta(days=-20_000), np.inf
        elif draw < 0.06:
            off, right_s = timedelta(days=26_000), 10 * DAY_S
        away_s = chance.uniform(10, 120) * DAY_S if chance.random() < 0.1 else 0.0
        delay_s = chance.uniform(0, 3600)
        used = np.flatnonzero(chance.random(days) < 0.9)
        on_s = used * DAY_S + 7 * 3600.0
        on_s = on_s + np.where(
            chance.random(len(used)) < 0.75, 0.0, chance.uniform(0, 5 * 3600, len(used))
        )
        first_s = on_s + 300.0 + delay_s
        looks_s = (first_s[:, None] + 3600.0 * np.arange(10)).ravel()
        looks_s = looks_s[looks_s >= away_s]
        members[f"ls-{n:05}"] = Member(looks_s, bool(chance.random() < failing), off, right_s)
    return members


def _was_there(member: Member) -> bool:
    return bool(len(member.looks_s)) and float(member.looks_s[0]) < PROMOTED_S


def _changes(rollout: Rollout) -> list[tuple[float, Rollout]]:
    days = {"deadline": EPOCH + timedelta(days=DAYS), "starts_at": EPOCH - timedelta(days=1)}
    known = rollout.model_copy(update=days)
    canary, whole = (known.model_copy(update={"share_pct": pct}) for pct in (5.0, 100.0))
    return [(0.0, canary), (PROMOTED_S, whole)]


def _at_epoch(rollout: Rollout) -> Rollout:
    days = {"starts_at": EPOCH - timedelta(days=1), "deadline": EPOCH + timedelta(days=30)}
    return rollout.model_copy(update=days)


def _days_to(outcome: Outcome, names: list[str]) -> float:
    """Days from the promotion until 95 % of ``names`` have it; infinite where they never do."""
    done_s = sorted(outcome.done_s.get(name, np.inf) for name in names)
    return (done_s[int(np.ceil(0.95 * len(names))) - 1] - PROMOTED_S) / DAY_S
