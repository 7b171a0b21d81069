"""The model of a fleet: shares, halts and clocks come out as the package's own rules have them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from benchmarks.fleet_model import EPOCH, Cost, Costs, Member, play, requests_per_s, total
from contract.rollout import Rollout, place_pct
from deploy.fleet.reports import Condition, read_condition

COSTS = Costs(Cost(6, 100.0), Cost(5, 80.0), Cost(3, 10.0), Cost(1, 1e6), 2.0, 600.0)
NEVER = Condition(100.0)


def rollout(share_pct: float = 100.0) -> Rollout:
    return Rollout.model_validate(
        {
            "id": "autumn", "bundle": "soil", "version": "1.1.0", "share_pct": share_pct,
            "starts_at": EPOCH - timedelta(days=1), "deadline": EPOCH + timedelta(days=30),
        }
    )  # fmt: skip


def members(count: int, failing: int = 0, **habits: object) -> dict[str, Member]:
    return {
        f"ls-{n:04}": Member(np.arange(n % 60, 7200.0, 60.0), n < failing, **habits)
        for n in range(count)
    }


def test_devices_in_the_share_take_it_at_their_first_look() -> None:
    fleet = members(300)
    outcome = play(fleet, [(0.0, rollout(20.0))], COSTS, NEVER, 5.0)
    assert set(outcome.taken_s) == {name for name in fleet if place_pct("autumn", name) < 20.0}
    assert all(at_s == fleet[name].looks_s[0] for name, at_s in outcome.taken_s.items())
    assert outcome.done_s == {name: at + 602.0 for name, at in outcome.taken_s.items()}


def test_the_others_take_it_when_it_is_widened() -> None:
    outcome = play(members(300), [(0.0, rollout(20.0)), (3600.0, rollout())], COSTS, NEVER, 5.0)
    late = [at_s for at_s in outcome.taken_s.values() if at_s >= 3600.0]
    assert len(outcome.taken_s) == 300
    assert len(late) > 200
    assert max(late) < 3660.0


@pytest.mark.parametrize(("failing", "halted"), [(6, False), (7, True)])
def test_it_halts_when_more_than_so_many_have_failed(failing, halted) -> None:
    outcome = play(
        members(300, failing), [(0.0, rollout())], COSTS, read_condition("failed > 2 %"), 5.0
    )
    assert (outcome.halted_s is not None) == halted
    assert len(outcome.failed) == failing


def test_after_a_halt_nobody_begins_not_even_when_it_is_widened() -> None:
    late = {f"late-{n}": Member(np.arange(3000.0 + n, 7200.0, 60.0)) for n in range(50)}
    outcome = play(
        {**members(300, 50), **late}, [(0.0, rollout()), (5000.0, rollout())], COSTS,
        read_condition("failed > 2 %"), 5.0,
    )  # fmt: skip
    assert outcome.halted_s is not None
    assert not set(late) & set(outcome.taken_s)


def test_a_clock_at_1970_takes_it_and_one_at_2099_once_it_is_right() -> None:
    early = members(10, clock_off=timedelta(days=-20_000), clock_right_from_s=np.inf)
    assert len(play(early, [(0.0, rollout())], COSTS, NEVER, 5.0).taken_s) == 10
    late = members(10, clock_off=timedelta(days=26_000), clock_right_from_s=3600.0)
    outcome = play(late, [(0.0, rollout())], COSTS, NEVER, 5.0)
    assert all(3600.0 <= at_s < 3660.0 for at_s in outcome.taken_s.values())
    assert len(outcome.taken_s) == 10


def test_requests_are_those_of_looks_changes_and_takes() -> None:
    fleet = members(100)
    changes = [(0.0, rollout(20.0)), (3600.0, rollout())]
    outcome = play(fleet, changes, COSTS, NEVER, 5.0)
    cost = total(fleet, outcome, [3600.0], COSTS)
    looks = sum(len(member.looks_s) for member in fleet.values())
    assert cost.requests == 6 * 100 + 5 * 100 + 3 * (looks - 200) + 100
    assert cost.bytes_ == 100 * 100 + 80 * 100 + 10 * (looks - 200) + 100 * 1e6
    assert requests_per_s(fleet, outcome, [3600.0], COSTS).sum() == cost.requests
