"""The steps of an update as a machine: wherever it goes, there is a bundle to run and a way back."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from contract.reasons import Reason
from edge.updates import steps
from edge.updates.state import EVENTS_KEPT, Release, Trust, UpdateState

AT = datetime(2026, 11, 1, tzinfo=timezone.utc)


def release(number: int) -> Release:
    return Release(
        bundle="soil", version=f"1.{number}.0", sha256=f"{number:064x}", rollout=f"r-{number}"
    )


def on_trial(state: UpdateState, number: int = 1) -> UpdateState:
    state = steps.begun(state, release(number), 1000)
    state = steps.fetched(state, AT)
    return steps.proved(state, AT, scans=7)


class Device(RuleBasedStateMachine):
    """Anything that may happen, in any order that the updater and the daemon allow."""

    def __init__(self) -> None:
        super().__init__()
        self.state = UpdateState()
        self.numbers = iter(range(1, 10**6))

    def idle(self) -> bool:
        return self.state.candidate is None and self.state.probation is None

    def coming(self) -> bool:
        return self.state.candidate is not None

    def may_go_back(self) -> bool:
        return self.state.previous is not None

    @precondition(idle)
    @rule()
    def begin(self) -> None:
        self.state = steps.begun(self.state, release(next(self.numbers)), 1000)

    @precondition(coming)
    @rule()
    def go_on(self) -> None:
        step = self.state.candidate.step
        if step == "fetching":
            self.state = steps.fetched(self.state, AT)
        elif step == "proving":
            self.state = steps.proved(self.state, AT, scans=3)
        else:
            self.state = steps.switched(self.state, AT, {"scans": 3})

    @precondition(coming)
    @rule(for_good=st.booleans())
    def give_up(self, for_good: bool) -> None:
        self.state = steps.given_up(self.state, Reason.UPDATE_WORSE, AT, "why", for_good=for_good)

    @rule(detail=st.sampled_from("ab"))
    def hinder(self, detail: str) -> None:
        self.state = steps.hindered(self.state, Reason.UPDATE_UNREACHABLE, AT, detail)

    @rule(boot_id=st.sampled_from("ab"))
    def start(self, boot_id: str) -> None:
        before = self.state
        self.state = steps.started(before, AT, boot_id)
        again = boot_id == before.boot_id and before.starts >= steps.STARTS_MAX
        if again and before.previous is not None:
            assert self.state.running == before.previous

    @rule(healthy_s=st.floats(0, 100))
    def live(self, healthy_s: float) -> None:
        self.state = steps.lived(self.state, healthy_s, 60.0, AT)
        assert self.state.starts == 0

    @rule()
    def end_in_order(self) -> None:
        self.state = steps.stopped(self.state)

    @precondition(may_go_back)
    @rule()
    def go_back(self) -> None:
        left, for_good = self.state.release, self.state.probation is not None
        self.state = steps.rolled_back(self.state, Reason.UPDATE_FAILING, AT, "why")
        assert left is None or not for_good or self.state.refusal_of(left) is not None

    @rule(numbers=st.sets(st.integers(1, 100)))
    def tell(self, numbers: set[int]) -> None:
        self.state = steps.told(self.state, numbers)
        assert not numbers & {event.number for event in self.state.events}

    @invariant()
    def what_runs_is_never_written_to(self) -> None:
        if self.state.running != "factory":
            assert self.state.running in self.state.slots
        if self.state.candidate is not None:
            assert self.state.candidate.slot != self.state.running
            assert self.state.candidate.slot not in self.state.slots

    @invariant()
    def the_way_back_leads_to_something_else_that_is_there(self) -> None:
        if self.state.previous is not None:
            assert self.state.previous != self.state.running
            assert self.state.previous == "factory" or self.state.previous in self.state.slots
        if self.state.running != "factory":
            assert self.state.previous is not None

    @invariant()
    def a_probation_has_a_release(self) -> None:
        assert self.state.probation is None or self.state.release is not None

    @invariant()
    def no_probation_outlives_its_crashes(self) -> None:
        if self.state.probation is not None:
            assert self.state.probation.crashes < steps.CRASHES_MAX

    @invariant()
    def events_are_numbered_and_told_in_order(self) -> None:
        numbers = [event.number for event in self.state.events]
        assert numbers == sorted(set(numbers))
        assert len(numbers) <= EVENTS_KEPT
        assert all(number <= self.state.events_made for number in numbers)

    @invariant()
    def it_is_what_was_written(self) -> None:
        written = self.state.model_dump_json(by_alias=True)
        assert UpdateState.model_validate_json(written) == self.state


TestDevice = Device.TestCase
TestDevice.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_what_stands_in_the_way_is_told_once_until_a_step_is_taken() -> None:
    state = steps.begun(UpdateState(), release(1), 1000)
    for _ in range(3):
        state = steps.hindered(state, Reason.UPDATE_UNREACHABLE, AT, "no network")
    assert len(state.events) == 1
    state = steps.fetched(state, AT)
    state = steps.hindered(state, Reason.UPDATE_UNREACHABLE, AT, "no network")
    assert [event.reason for event in state.events] == [
        Reason.UPDATE_UNREACHABLE, Reason.UPDATE_FETCHED, Reason.UPDATE_UNREACHABLE,
    ]  # fmt: skip


def test_probation_counts_healthy_seconds_and_ends_with_a_word() -> None:
    state = steps.switched(on_trial(UpdateState()), AT, {})
    state = steps.lived(state, 40.0, 60.0, AT)
    assert state.probation is not None
    assert state.probation.healthy_s == 40.0
    state = steps.lived(state, 40.0, 60.0, AT)
    assert state.probation is None
    assert state.standing is not None
    assert (state.standing.step, state.standing.version) == ("committed", "1.1.0")


def test_starts_that_ended_in_order_are_no_bad_ones() -> None:
    state = steps.switched(on_trial(UpdateState()), AT, {})
    for _ in range(10):
        state = steps.stopped(steps.started(state, AT, "boot"))
    assert state.release == release(1)
    for _ in range(4):
        state = steps.started(state, AT, "boot")
    assert state.running == "factory"
    assert state.events[-1].reason is Reason.UPDATE_CRASHED


def on_probation() -> UpdateState:
    return steps.switched(on_trial(UpdateState()), AT, {})


def test_a_bundle_that_ends_the_daemon_after_each_healthy_minute_goes_back_all_the_same() -> None:
    state = on_probation()
    for _ in range(steps.CRASHES_MAX):
        state = steps.lived(steps.started(state, AT, "boot"), 80.0, 86_400.0, AT)
        assert state.release == release(1)
    state = steps.started(state, AT, "boot")
    assert state.running == "factory"
    assert state.events[-1].reason is Reason.UPDATE_CRASHED
    assert "3 daemons ended on its probation" in state.events[-1].details["detail"]
    assert state.refusal_of(release(1)) is not None


def test_health_is_counted_from_the_last_crash_on() -> None:
    state = steps.lived(steps.started(on_probation(), AT, "boot"), 50.0, 60.0, AT)
    state = steps.lived(steps.started(state, AT, "boot"), 50.0, 60.0, AT)
    assert state.probation is not None
    assert state.probation.healthy_s == 50.0


@pytest.mark.parametrize("end", ["in order", "power"])
def test_what_ends_in_order_or_with_the_power_is_no_crash(end: str) -> None:
    state = on_probation()
    for number in range(20):
        state = steps.started(state, AT, "boot" if end == "in order" else f"boot-{number}")
        state = steps.lived(state, 10.0, 1000.0, AT)
        if end == "in order":
            state = steps.stopped(state)
    assert state.probation is not None
    assert (state.probation.crashes, state.probation.healthy_s) == (0, 200.0)


@pytest.mark.parametrize(
    ("reason", "events"), [(Reason.UPDATE_EXPIRED, 2), (Reason.UPDATE_UNREACHABLE, 1)]
)
def test_a_look_that_went_well_makes_the_same_hindrance_news_but_not_a_want_of_network(
    reason: Reason, events: int
) -> None:
    state = steps.hindered(UpdateState(), reason, AT, "why")
    state = steps.hindered(steps.looked(state), reason, AT, "why")
    assert len(state.events) == events


def test_what_came_damaged_again_and_again_is_fetched_once_a_day() -> None:
    state = steps.begun(UpdateState(), release(1), 1000)
    fetched = []
    for run in range(3 * steps.RESTING_RUNS):
        if not steps.rests(state):
            fetched.append(run)
        state = steps.tried_once(state)
    assert fetched == [0, 1, 2, 24, 48]
    assert steps.fetched(state, AT).candidate.tries == 0


def test_the_second_update_leaves_the_first_to_go_back_to() -> None:
    state = steps.lived(steps.switched(on_trial(UpdateState()), AT, {}), 99.0, 60.0, AT)
    state = steps.switched(on_trial(state, 2), AT, {})
    assert (state.running, state.previous) == ("b", "a")
    state = steps.rolled_back(state, Reason.UPDATE_FAILING, AT, "why")
    assert state.release == release(1)
    assert state.previous == "factory"


def test_the_way_back_knows_no_floor_and_says_so() -> None:
    state = steps.lived(steps.switched(on_trial(UpdateState()), AT, {}), 99.0, 60.0, AT)
    state = steps.switched(on_trial(state, 2), AT, {})
    state = state.model_copy(update={"trust": Trust(floors={"soil": "1.2.0"})})
    state = steps.rolled_back(state, Reason.UPDATE_FAILING, AT, "why")
    assert state.release == release(1)
    assert state.events[-1].details["detail"] == "why; 1.1.0, before it, lies below the floor 1.2.0"


@pytest.mark.parametrize("reason", [Reason.UPDATE_WITHDRAWN, Reason.UPDATE_NOT_PROVED])
def test_what_is_given_up_is_told_and_forgiven_on_request(reason) -> None:
    state = steps.given_up(
        on_trial(UpdateState()), reason, AT, "why", for_good=reason is Reason.UPDATE_NOT_PROVED
    )
    assert state.standing is not None
    withdrawn = reason is Reason.UPDATE_WITHDRAWN
    assert state.standing.step == ("withdrawn" if withdrawn else "failed")
    assert (state.refusal_of(release(1)) is None) == withdrawn
    assert steps.forgiven(state, release(1)).failed == []


def test_power_that_fails_is_no_fault_of_the_bundle_until_it_fails_too_often() -> None:
    state = steps.switched(on_trial(UpdateState()), AT, {})
    for boot in range(steps.BOOTS_MAX):
        state = steps.started(state, AT, f"boot-{boot}")
        assert state.release == release(1)
    state = steps.started(steps.started(state, AT, "one"), AT, "two")
    assert state.running == "factory"
    assert "boots without a healthy minute" in state.events[-1].details["detail"]


def test_a_healthy_minute_forgives_boots_too() -> None:
    state = steps.switched(on_trial(UpdateState()), AT, {})
    for boot in range(3 * steps.BOOTS_MAX):
        state = steps.started(state, AT, f"boot-{boot}")
        if boot % steps.BOOTS_MAX == 5:
            state = steps.lived(state, 1.0, 60.0, AT)
    assert state.release == release(1)


def test_what_was_well_for_long_is_left_without_being_refused() -> None:
    state = steps.lived(steps.switched(on_trial(UpdateState()), AT, {}), 99.0, 60.0, AT)
    state = steps.rolled_back(state, Reason.UPDATE_CRASHED, AT, "why")
    assert state.refusal_of(release(1)) is None


def test_what_a_stranger_has_us_say_is_cut_short() -> None:
    state = steps.begun(UpdateState(), release(1), 1000)
    state = steps.hindered(state, Reason.UPDATE_UNTRUSTED, AT, "x" * 10**6)
    assert len(state.model_dump_json()) < 3000
