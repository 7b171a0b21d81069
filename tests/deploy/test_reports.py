"""What devices say of rollouts, counted: who is done, who failed, who is silent."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.identity import new_id
from contract.messages import Event, Status
from contract.reasons import Reason
from contract.records import ReasonGiven
from contract.rollout import Rollout, place_pct
from contract.topics import Topics
from deploy.errors import DeployError
from deploy.fleet.reports import Reports, read_condition, tally, versions

NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)
ROLLOUT = Rollout.model_validate(
    {
        "id": "autumn", "bundle": "soil", "version": "1.1.0", "share_pct": 100.0,
        "starts_at": NOW, "deadline": NOW + timedelta(days=30),
    }
)  # fmt: skip


def status(device: str, step: str | None = None, **more: object) -> bytes:
    update = {"step": step, "bundle": "soil", "version": "1.1.0", "rollout": "autumn"}
    return Status.model_validate(
        {
            "schema": "loamscan.status/1", "status": "online", "device": {"id": device},
            "agent": "0.1.0", "bundle": "soil", "bundle_version": "1.0.0", "engine": "e",
            "log_id": new_id(), "channel": "stable", "device_class": "orin",
            **({"update": update} if step else {}), **more,
        }
    ).to_json()  # fmt: skip


def event(device: str, step: str) -> bytes:
    return Event(
        schema="loamscan.event/1", device={"id": device}, at=NOW,
        reason=ReasonGiven.of(Reason.UPDATE_FETCHED), details={"rollout": "autumn", "step": step},
    ).to_json()  # fmt: skip


def heard(**devices: str | None) -> Reports:
    reports = Reports()
    for device, step in devices.items():
        assert reports.heard(Topics(device).status, status(device, step)) is not None
    return reports


def test_each_device_of_the_share_is_counted_once_by_what_it_said() -> None:
    reports = heard(
        a="committed", b="failed", c="rolled back", d="trial", e=None, f="withdrawn", g="probation"
    )
    found = tally(ROLLOUT, reports, NOW)
    assert found == (["a"], ["b", "c"], ["d", "g"], ["e", "f"], [])
    assert found.failed_pct == pytest.approx(200 / 7)


def test_at_the_deadline_who_is_not_done_has_failed() -> None:
    found = tally(ROLLOUT, heard(a="committed", b="trial", c=None), ROLLOUT.deadline)
    assert (found.committed, found.failed, found.silent) == (["a"], ["b", "c"], [])


@pytest.mark.parametrize(
    "other", [{"channel": "beta"}, {"channel": None}, {"device_class": "nano"}]
)
def test_devices_that_the_rollout_is_not_for_are_not_counted(other) -> None:
    reports = heard(a="committed")
    reports.heard(Topics("b").status, status("b", None, **other))
    constraints = ROLLOUT.constraints.model_copy(update={"device_classes": ["orin"]})
    rollout = ROLLOUT.model_copy(update={"constraints": constraints})
    assert tally(rollout, reports, NOW).devices == 1


@given(st.floats(0, 100))
def test_the_share_is_the_one_that_devices_count_themselves_into(share_pct) -> None:
    names = [f"ls-{n:04}" for n in range(50)]
    found = tally(
        ROLLOUT.model_copy(update={"share_pct": share_pct}), heard(**dict.fromkeys(names)), NOW
    )
    assert found.silent == [name for name in names if place_pct("autumn", name) < share_pct]


def test_a_device_that_went_on_to_a_newer_rollout_is_no_failure_of_an_older_one() -> None:
    reports = heard(a=None, b=None)
    newer = {"step": "committed", "bundle": "soil", "version": "1.2.0", "rollout": "winter"}
    reports.heard(Topics("a").status, status("a", update=newer, bundle_version="1.2.0"))
    found = tally(ROLLOUT, reports, ROLLOUT.deadline, {"winter"})
    assert (found.failed, found.went_on) == (["b"], ["a"])
    assert found.failed_pct == 100.0
    older = tally(ROLLOUT, reports, NOW, set())
    assert older.silent == ["a", "b"]


def test_a_device_that_had_the_version_before_is_done() -> None:
    reports = Reports()
    reports.heard(Topics("a").status, status("a", bundle_version="1.1.0"))
    assert tally(ROLLOUT, reports, ROLLOUT.deadline).committed == ["a"]
    reports.heard(Topics("a").status, status("a", "probation", bundle_version="1.1.0"))
    assert tally(ROLLOUT, reports, NOW).coming == ["a"]


def test_an_event_tells_what_a_status_that_went_on_to_another_rollout_does_not() -> None:
    reports = heard(a="trial")
    reports.heard(Topics("a").events, event("a", "failed"))
    assert tally(ROLLOUT, reports, NOW).failed == ["a"]


def test_a_will_that_is_older_does_not_take_back_what_is_over() -> None:
    reports = heard(a="committed", b="failed", c="rolled back")
    for device in "abc":
        reports.heard(Topics(device).status, status(device, "trial", status="offline"))
    found = tally(ROLLOUT, reports, NOW)
    assert (found.committed, found.failed) == (["a"], ["b", "c"])


def test_what_fails_after_all_has_failed() -> None:
    reports = heard(a="committed", b="committed")
    reports.heard(Topics("a").status, status("a", "rolled back"))
    reports.heard(Topics("b").events, event("b", "failed"))
    assert tally(ROLLOUT, reports, NOW).failed == ["a", "b"]


def test_an_event_that_comes_late_does_not_take_back_what_is_over() -> None:
    reports = heard(a="committed")
    reports.heard(Topics("a").events, event("a", "trial"))
    assert tally(ROLLOUT, reports, NOW).committed == ["a"]


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (Topics("a").status, status("b", "failed")),
        (Topics("a").events, event("b", "failed")),
        (Topics("a").status, b"{"),
        (Topics("a").events, b"\xff"),
        (Topics("a").records, status("a", "failed")),
        ("elsewhere/1/a/status", status("a", "failed")),
    ],
)
def test_a_device_is_believed_about_itself_alone(topic, payload) -> None:
    reports = heard(a="committed", b="committed")
    assert reports.heard(topic, payload) is None
    assert tally(ROLLOUT, reports, NOW).failed == []


@pytest.mark.parametrize(
    ("text", "failed", "holds"),
    [("failed > 2 %", 2, False), ("failed>2%", 3, True), (" failed > 2.5 % ", 3, True)],
)
def test_a_condition_is_on_the_share_of_all_that_are_meant(text, failed, holds) -> None:
    steps = dict.fromkeys((f"d{n}" for n in range(100)), None)
    steps |= dict.fromkeys((f"d{n}" for n in range(failed)), "failed")
    assert read_condition(text).holds(tally(ROLLOUT, heard(**steps), NOW)) is holds


@pytest.mark.parametrize(
    "text", ["", "failed", "failed > x %", "failed < 2 %", "failed > 2", "silent > 2 %"]
)
def test_what_is_no_condition_is_told_with_one_that_is(text) -> None:
    with pytest.raises(DeployError, match="failed > 2 %"):
        read_condition(text)


def test_nobody_has_heard_of_anybody() -> None:
    found = tally(ROLLOUT, Reports(), NOW)
    assert (found.devices, found.failed_pct) == (0, 0.0)
    assert versions([]) == {}


def test_a_device_that_somebody_had_the_broker_forget_is_gone() -> None:
    reports = Reports()
    reports.heard(Topics("ls-0001").status, status("ls-0001"))
    reports.heard(Topics("ls-0002").status, status("ls-0002"))
    assert reports.heard(Topics("ls-0001").status, b"") is None
    assert set(reports.statuses) == {"ls-0002"}
    assert tally(ROLLOUT, reports, NOW + timedelta(days=31)).devices == 1


@pytest.mark.parametrize("text", ["failed > 100 %", "failed > 101 %"])
def test_a_condition_that_can_never_hold_is_told(text) -> None:
    with pytest.raises(DeployError, match="can never hold"):
        read_condition(text)
