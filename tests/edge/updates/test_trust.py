"""What a device believes of time, and which repositories it takes for replayed."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.reasons import Reason
from contract.rollout import Rollout
from edge.errors import UpdateError
from edge.updates.state import Trust
from edge.updates.trust import Seen, believed_now, below_floor, check_not_older, raised

NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)
YEAR = timedelta(days=365)
moments = st.datetimes(datetime(1970, 1, 1), datetime(2105, 1, 1), timezones=st.just(timezone.utc))  # noqa: DTZ001


def seen(**changes: object) -> Seen:
    known = Seen(1, 1, ["online"], NOW, NOW + YEAR, {"soil": "1.0.0"}, [])
    return known._replace(**changes)


def rollout(name: str, *, halted: bool = False) -> Rollout:
    return Rollout.model_validate(
        {
            "id": name, "bundle": "soil", "version": "1.0.0", "share_pct": 5.0, "halted": halted,
            "starts_at": NOW, "deadline": NOW + YEAR,
        }
    )  # fmt: skip


TRUST = raised(Trust(), seen(), a_copy=False)


def test_without_anything_signed_the_clock_is_all_there_is() -> None:
    assert believed_now(NOW, Trust(), ["online"]) == NOW


def test_a_clock_at_1970_is_taken_to_be_when_the_newest_word_was_signed() -> None:
    assert believed_now(datetime(1970, 1, 1, tzinfo=timezone.utc), TRUST, ["online"]) == NOW


@given(st.lists(moments, max_size=8), moments)
def test_no_clock_moves_the_floor(clocks, then) -> None:
    trust = TRUST
    for clock in [*clocks, datetime(2099, 1, 1, tzinfo=timezone.utc)]:
        believed_now(clock, trust, ["online"])
    assert trust.time_floor == NOW
    assert believed_now(then, trust, ["online"]) == max(then, NOW)


@given(st.lists(st.tuples(moments, moments), min_size=1, max_size=8))
def test_the_floor_never_falls_nor_passes_what_the_safe_signed(told) -> None:
    trust = Trust()
    for issued_at, safe_until in told:
        before = trust.time_floor
        trust = raised(trust, seen(issued_at=issued_at, safe_until=safe_until), a_copy=False)
        assert before is None or trust.time_floor >= before
    assert trust.time_floor <= max(safe for _, safe in told)
    assert trust.time_floor <= max(issued for issued, _ in told)


def test_a_thief_of_the_online_key_blocks_no_device_for_ever() -> None:
    far = NOW.replace(year=2099)
    trust = raised(TRUST, seen(issued_at=far), a_copy=False)
    assert trust.time_floor == NOW + YEAR
    with pytest.raises(UpdateError) as refused:
        check_not_older(seen(), trust, a_copy=False)
    assert refused.value.reason is Reason.UPDATE_REPLAYED
    new_key = seen(root_version=2, online_keys=["another"])
    check_not_older(new_key, trust, a_copy=False)
    assert raised(trust, new_key, a_copy=False).time_floor == NOW


@pytest.mark.parametrize(
    ("older", "what"),
    [
        ({"root_version": 1}, "root has version 1"),
        ({"root_version": 2, "targets_version": 3}, "list of bundles has version 3"),
        ({"root_version": 2, "targets_version": 4, "issued_at": NOW - YEAR}, "was signed at 2025"),
    ],
)
def test_what_was_replaced_since_is_refused(older, what) -> None:
    trust = raised(Trust(), seen(root_version=2, targets_version=4), a_copy=False)
    with pytest.raises(UpdateError, match=what) as refused:
        check_not_older(seen(**older), trust, a_copy=False)
    assert refused.value.reason is Reason.UPDATE_REPLAYED


def test_a_copy_may_be_older_than_the_network_but_not_than_the_safe() -> None:
    trust = raised(Trust(), seen(targets_version=4), a_copy=False)
    older = seen(targets_version=4, issued_at=NOW - timedelta(days=9))
    check_not_older(older, trust, a_copy=True)
    after = raised(trust, older, a_copy=True)
    assert (after.issued_at, after.time_floor) == (NOW, NOW)
    with pytest.raises(UpdateError, match="list of bundles"):
        check_not_older(older._replace(targets_version=3), trust, a_copy=True)


def test_a_newer_copy_does_not_make_the_network_s_word_an_old_one() -> None:
    copy = seen(issued_at=NOW + timedelta(days=1))
    trust = raised(TRUST, copy, a_copy=True)
    assert trust.time_floor == NOW + timedelta(days=1)
    check_not_older(seen(), trust, a_copy=False)


def test_an_older_copy_begins_nothing_that_was_halted() -> None:
    trust = raised(Trust(), seen(rollouts=[rollout("a", halted=True), rollout("b")]), a_copy=False)
    assert trust.halted == ["a"]
    older = seen(issued_at=NOW - timedelta(days=9), rollouts=[rollout("a"), rollout("b")])
    assert raised(trust, older, a_copy=True).halted == ["a"]
    newer = seen(issued_at=NOW + timedelta(days=1), rollouts=[rollout("a"), rollout("b")])
    assert raised(trust, newer, a_copy=True).halted == ["a"]
    assert raised(trust, newer, a_copy=False).halted == []


@given(st.lists(st.dictionaries(st.sampled_from("ab"), st.sampled_from(["1.9.0", "1.10.0"]))))
def test_floors_of_versions_only_rise(told) -> None:
    trust = Trust()
    for floors in told:
        trust = raised(trust, seen(floors=floors), a_copy=False)
    for name in "ab":
        highest = "1.10.0" if any(floors.get(name) == "1.10.0" for floors in told) else "1.9.0"
        assert not below_floor(name, "1.10.0", trust)
        assert below_floor(name, "1.9.0", trust) == ("1.10.0" if highest == "1.10.0" else "")
        assert bool(below_floor(name, "0.1.0", trust)) == any(name in floors for floors in told)
