"""The trial: two bundles judge the same scans, and the new one must not be worse."""

from __future__ import annotations

import numpy as np
import pytest

from contract.reasons import Reason
from edge.config import REFERENCE_BUNDLE
from edge.errors import UpdateError
from edge.updates.trial import Judged, compared, judge, newest_axis, newest_scans, tried
from fleet_devices import Device, bundle, reference

OLD = Judged(
    values=np.full((8, 9), 10.0), half_widths=np.full((8, 9), 2.0), failed=0, p50_s=0.001,
    memory_bytes=200_000_000, synthetic=False,
)  # fmt: skip


def moved(by: float) -> Judged:
    values = OLD.values.copy()
    values[:, 4] += by
    return OLD._replace(values=values)


def rejecting(count: int) -> Judged:
    values = OLD.values.copy()
    values[:count] = np.nan
    return OLD._replace(values=values)


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (moved(2.1), "1.1 half widths apart"),
        (moved(-2.1), "1.1 half widths apart"),
        (rejecting(3), "rejects 38% more"),
        (OLD._replace(failed=1), "fails on 1 scans, the running one on 0"),
        (OLD._replace(p50_s=0.06), "60 times as long"),
        (OLD._replace(memory_bytes=500_000_000), "2.5 times the memory"),
    ],
)
def test_what_is_worse_is_refused_in_words(new, why) -> None:
    with pytest.raises(UpdateError, match=why) as refused:
        compared(OLD, new)
    assert refused.value.reason is Reason.UPDATE_WORSE


@pytest.mark.parametrize(
    "new",
    [
        OLD, moved(1.9), rejecting(2), OLD._replace(p50_s=0.05), OLD._replace(failed=0),
        OLD._replace(memory_bytes=460_000_000),
    ],
)  # fmt: skip
def test_what_is_as_good_or_nearly_is_taken_with_its_figures(new) -> None:
    details = compared(OLD, new)
    assert details["scans"] == 8
    assert set(details) == {"scans", "rejected_more", "slower", "larger", "apart"}


def test_what_was_learnt_from_synthetic_soils_says_nothing_against_real_ones() -> None:
    synthetic = OLD._replace(synthetic=True)
    assert compared(synthetic, moved(9.0))["apart"] == 4.5
    with pytest.raises(UpdateError):
        compared(synthetic, moved(9.0)._replace(synthetic=True))
    with pytest.raises(UpdateError):
        compared(OLD, moved(9.0)._replace(synthetic=True))


def test_too_few_scans_say_nothing_of_agreement() -> None:
    few = rejecting(6)
    assert "apart" not in compared(few, few)


@pytest.fixture
def device(tmp_path) -> Device:
    (tmp_path / "fleet" / "metadata").mkdir(parents=True)
    (tmp_path / "fleet" / "metadata" / "1.root.json").write_text("{}")
    return Device(tmp_path / "device", tmp_path / "fleet")


def test_a_device_without_a_log_has_no_scans(device) -> None:
    log = device.folder / "log"
    assert newest_scans(log) == 0
    assert newest_axis(log) is None
    assert tried((REFERENCE_BUNDLE, None), (REFERENCE_BUNDLE, None), log, 0, print).scans == 0


def test_scans_that_came_since_are_live_and_both_judge_the_same(device, tmp_path) -> None:
    device.scanned(5)
    before = newest_scans(device.folder / "log")
    device.scanned(2)
    log = device.folder / "log"
    assert newest_axis(log) == reference().axis
    path = tmp_path / "new.loam"
    path.write_bytes(bundle("1.1.0"))
    trial = tried((REFERENCE_BUNDLE, None), (path, None), log, before, lambda _: None)
    assert (trial.scans, trial.live) == (7, 2)
    assert trial.details["apart"] == 0.0


def test_a_bundle_that_can_t_be_judged_with_is_worse(device, tmp_path) -> None:
    device.scanned(3)
    path = tmp_path / "bad.loam"
    path.write_bytes(bundle(golden_off=1.0))
    with pytest.raises(UpdateError, match="does not reproduce the golden") as refused:
        tried((REFERENCE_BUNDLE, None), (path, None), device.folder / "log", 0, lambda _: None)
    assert refused.value.reason is Reason.UPDATE_WORSE


def test_a_scan_is_judged_as_the_daemon_would(device) -> None:
    device.scanned(4)
    judged = judge(REFERENCE_BUNDLE, None, device.folder / "log", 4, lambda _: None)
    assert judged.values.shape == judged.half_widths.shape == (4, 9)
    assert not judged.rejected.any()
    assert judged.synthetic
    assert judged.memory_bytes > 10_000_000
