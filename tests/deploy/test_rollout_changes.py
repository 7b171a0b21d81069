"""Rollouts begun and widened: what is signed can be read, or is refused before."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contract.fleet_repository import BundleWord
from contract.rollout import Rollout, Rollouts, read_rollouts
from deploy.errors import RepositoryError
from deploy.fleet.rollout_changes import begun, below_floor, changed, widened

NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)
NONE = Rollouts(schema="loamscan.rollouts/1", rollouts=[])
WORD = BundleWord(
    name="soil", version="1.1.0", minimum_agent="0.1.0",
    scanner_covers_nm=(1355.0, 2545.0), synthetic=True,
)  # fmt: skip


def begin(**changes: object) -> tuple[Rollouts, Rollout]:
    settings = {
        "share_pct": 5.0, "channel": "stable", "starts_at": NOW, "days": 30.0,
        "device_classes": [], "minimum_free_bytes": 0, **changes,
    }  # fmt: skip
    return begun(NONE, WORD, "0.0.0", **settings)


@given(
    days=st.floats(min_value=0, exclude_min=True, allow_nan=False, allow_infinity=False),
    starts_at=st.datetimes(timezones=st.just(timezone.utc)),
    channel=st.text(max_size=40),
    device_classes=st.lists(st.text(max_size=70), max_size=3),
)
@example(days=1e-8, starts_at=NOW, channel="stable", device_classes=[])
@example(days=30.0, starts_at=NOW, channel="stable", device_classes=["orin", "orin"])
def test_what_is_begun_is_read_back_by_devices_or_refused(**settings: object) -> None:
    try:
        rollouts, new = begin(**settings)
    except RepositoryError:
        return
    (read,) = read_rollouts(rollouts.to_json()).rollouts
    assert read.model_copy(update={"starts_at": new.starts_at}) == new
    assert abs(read.starts_at - new.starts_at) < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"days": 1e-8}, "over as it begins"),
        ({"days": 1e9}, "beyond every calendar"),
        ({"channel": "Stable"}, "channel"),
        ({"device_classes": [" "]}, "has no name"),
    ],
)
def test_what_is_no_rollout_is_told_in_few_words(settings, why) -> None:
    with pytest.raises(RepositoryError, match=why) as refused:
        begin(**settings)
    assert len(str(refused.value)) < 300


def test_a_rollout_that_is_over_is_not_widened() -> None:
    rollouts, new = begin(days=1.0)
    late = NOW + timedelta(days=1)
    with pytest.raises(RepositoryError, match="is over since 2026-11-02 00:00 UTC"):
        widened(rollouts, new.id, 100.0, {}, late, resume=True)
    just = late - timedelta(seconds=1)
    assert widened(rollouts, new.id, 100.0, {}, just, resume=True)[1].share_pct == 100


def test_rollouts_that_a_floor_stops_are_those_that_go_on_below_it() -> None:
    rollouts, new = begin()
    assert below_floor(rollouts, {"soil": "1.1.0", "other": "9.0.0"}, NOW) == []
    assert below_floor(rollouts, {"soil": "1.2.0"}, NOW) == [new]
    assert below_floor(rollouts, {"soil": "1.2.0"}, new.deadline) == []
    halted, _ = changed(rollouts, new.id, halted=True)
    assert below_floor(halted, {"soil": "1.2.0"}, NOW) == []
