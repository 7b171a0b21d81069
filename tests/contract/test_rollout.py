"""Rollouts: who is in a share, and why a device is not meant."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contract.errors import ContractError
from contract.rollout import (
    Fitness,
    Rollout,
    Rollouts,
    offered,
    place_pct,
    read_rollouts,
    refusal,
)

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)
FIT = Fitness("ls-0042", "stable", "orin-nano", "1.4.0", 10**9, (1350.0, 2550.0))
names = st.text("abcdefghij0123456789-", min_size=1, max_size=20).map(lambda text: "x" + text)


def rollout(**changes) -> Rollout:
    fields = {
        "id": "autumn", "bundle": "reference-neospectra", "version": "1.1.0", "share_pct": 100.0,
        "starts_at": NOW - timedelta(days=1), "deadline": NOW + timedelta(days=30),
    }  # fmt: skip
    return Rollout.model_validate({**fields, **changes})


def test_a_device_that_is_meant_is_offered_the_newest_rollout() -> None:
    older, newer = rollout(id="older"), rollout(id="newer", version="1.2.0")
    assert refusal(older, FIT, NOW) is None
    assert offered([older, newer], FIT, NOW) == newer
    assert offered([older, rollout(halted=True)], FIT, NOW) == older
    assert offered([], FIT, NOW) is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"halted": True}, "halted"),
        ({"share_pct": 0.0}, "not in the share"),
        ({"channel": "beta"}, "another channel"),
        ({"starts_at": NOW + timedelta(seconds=1)}, "not begun"),
        ({"deadline": NOW}, "past its deadline"),
        ({"constraints": {"device_classes": ["agx-orin"]}}, "another device class"),
        ({"constraints": {"minimum_agent": "1.10.0"}}, "needs a newer agent"),
        ({"constraints": {"minimum_free_bytes": 10**9 + 1}}, "too little room"),
        ({"constraints": {"scanner_covers_nm": [1355.0, 2551.0]}}, "another scanner axis"),
        ({"constraints": {"scanner_covers_nm": [900.0, 1700.0]}}, "another scanner axis"),
    ],
)
def test_a_device_that_is_not_meant_is_told_why(changes, why) -> None:
    assert refusal(rollout(**changes), FIT, NOW) == why


def test_what_a_rollout_asks_for_and_a_device_has_is_no_refusal() -> None:
    wanted = {
        "device_classes": ["orin-nano"], "minimum_agent": "1.4.0", "minimum_free_bytes": 10**9,
        "scanner_covers_nm": [1355.0, 2545.0],
    }  # fmt: skip
    assert refusal(rollout(constraints=wanted), FIT, NOW) is None


@given(rollout_id=names, device=names, share=st.floats(0, 100), more=st.floats(0, 100))
def test_who_is_in_a_share_stays_in_when_it_grows(rollout_id, device, share, more) -> None:
    place = place_pct(rollout_id, device)
    assert 0 <= place < 100
    small, large = sorted((share, more))
    assert not (place < small and not place < large)


def test_a_share_is_that_share_of_a_fleet_and_another_one_each_time() -> None:
    fleet = [f"ls-{number:05d}" for number in range(10_000)]
    inside = {
        name: {device for device in fleet if place_pct(name, device) < 5} for name in ("a", "b")
    }
    for devices in inside.values():
        assert 430 <= len(devices) <= 570  # 500 within 3.2 standard deviations
    assert len(inside["a"] & inside["b"]) < 60


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "Autumn 1"}, {"version": "1.1"}, {"share_pct": 101}, {"share_pct": float("nan")},
        {"deadline": NOW - timedelta(days=1)}, {"starts_at": "tomorrow"}, {"bundle": "../x"},
        {"constraints": {"minimum_free_bytes": -1}},
    ],
)  # fmt: skip
def test_what_is_no_rollout_is_refused(changes) -> None:
    with pytest.raises(ValidationError):
        rollout(**changes)


def test_a_file_of_rollouts_is_read_as_it_was_written_and_keeps_what_it_does_not_know() -> None:
    made = Rollouts.model_validate(
        {"schema": "loamscan.rollouts/1.3", "rollouts": [rollout(id="a"), rollout(id="b")], "x": 1}
    )
    assert read_rollouts(made.to_json()) == made


@pytest.mark.parametrize(
    "text",
    [
        b"", b"\xff", b"[]", b"{}", b'{"schema": "loamscan.rollouts/2", "rollouts": []}', b"[" * 10**5,
    ],
)  # fmt: skip
def test_what_is_no_file_of_rollouts_is_refused(text) -> None:
    with pytest.raises(ContractError, match="no file of rollouts"):
        read_rollouts(text)


def test_a_rollout_is_named_once() -> None:
    text = b'{"schema": "loamscan.rollouts/1", "rollouts": [%s, %s]}' % (
        rollout().to_json(), rollout().to_json(),
    )  # fmt: skip
    with pytest.raises(ContractError, match="same id"):
        read_rollouts(text)
