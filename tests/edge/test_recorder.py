"""The recorder makes a reading of every sample, whatever the scans hold and however often it starts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contract.bundle import Bundle
from contract.messages import State
from contract.reasons import Reason
from contract.records import Lost, Reading, read_record
from edge import clock
from edge.assessment import Assessor
from edge.config import Config, parse_config
from edge.errors import LogError
from edge.log import RecordLog
from edge.log_file import open_log
from edge.predictor import Predictor
from edge.recorder import TAKEN_UP_MAX, Recorder
from edge.updates.steps import STARTS_MAX
from firmware_bridge.scan import Instrument, Scan
from soil.axis import Axis

SCANNER = Instrument("NeoSpectra", "S1", "1.0", session=7)


class Outlet:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.records: list[Any] = []
        self.newest: list[State] = []
        self.events: list[Reason] = []

    def appended(self, seq: int, body: bytes, state: Callable[[], bytes] | None = None) -> None:
        self.records.append(read_record(body))
        if state is not None:
            self.newest.append(State.model_validate_json(state()))

    def happened(self, reason: Reason, details: dict[str, str | int | float]) -> None:
        self.events.append(reason)


@pytest.fixture(scope="module")
def predictor(reference_bundle: Bundle) -> Predictor:
    return Predictor(reference_bundle)


@pytest.fixture
def start(tmp_path: Path, reference_bundle: Bundle, predictor: Predictor):
    """Start a recorder on the test's log, as often as wanted; its log is closed at the block's end."""

    @contextmanager
    def started(replicates: int = 1, **settings: Any) -> Iterator[tuple[Recorder, Outlet]]:
        outlet = Outlet()
        opened = open_log(tmp_path)
        config = _config(tmp_path, replicates)
        recorder = Recorder(config, reference_bundle, predictor, opened.log, outlet)
        try:
            recorder.take_up()
            yield recorder, outlet
        finally:
            opened.close()

    return started


def _config(folder: Path, replicates: int) -> Config:
    return parse_config(
        f"""
        [device]
        id = "ls-0001"
        [scanner]
        url = "loamscan:///dev/null"
        [sample]
        replicates = {replicates}
        timeout_s = 3600
        [log]
        directory = "."
        [mqtt]
        host = "127.0.0.1"
        """,
        folder,
    )


@pytest.fixture(scope="module")
def soil(reference_bundle: Bundle) -> Scan:
    values = reference_bundle.array(reference_bundle.manifest.golden.reflectance)[0]
    return Scan(7, 1, "sample", "reflectance", reference_bundle.axis, values, 100, label="F7-031")


def hand_in(recorder: Recorder, *scans: Scan, instrument: Instrument = SCANNER) -> None:
    for scan in scans:
        recorder.take(scan, instrument)


def test_a_scan_that_is_sent_twice_makes_one_reading(start, soil: Scan) -> None:
    with start() as (recorder, outlet):
        hand_in(recorder, soil, soil, soil._replace(number=2))
    assert [record.sample.id for record in outlet.records] == ["F7-031", "F7-031"]


def test_a_sample_that_a_restart_cut_in_two_becomes_one_reading(start, soil: Scan) -> None:
    with start(replicates=3) as (recorder, outlet):
        hand_in(recorder, soil, soil._replace(number=2))
        assert outlet.records == []
    with start(replicates=3) as (recorder, outlet):
        hand_in(recorder, soil._replace(number=3))
    (reading,) = outlet.records
    assert reading.sample.replicates == 3
    assert len(set(reading.scans)) == 3
    assert reading.historical
    assert outlet.newest == []


def test_scans_of_yesterday_are_no_replicates_of_today(start, soil: Scan, monkeypatch) -> None:
    yesterday = clock.now() - timedelta(hours=14)
    with monkeypatch.context() as then:
        then.setattr(clock, "now", lambda: yesterday)
        with start(replicates=3) as (recorder, outlet):
            hand_in(recorder, soil, soil._replace(number=2))
    with start(replicates=3) as (recorder, outlet):
        hand_in(recorder, *(soil._replace(number=n) for n in (3, 4, 5)))
    assert [record.sample.replicates for record in outlet.records] == [2, 3]
    assert [r.code for r in outlet.records[0].quality.reasons] == ["scan.replicates_missing"]


def test_two_instruments_never_share_a_reading(start, soil: Scan) -> None:
    with start(replicates=2) as (recorder, outlet):
        hand_in(recorder, soil)
        hand_in(recorder, soil, soil._replace(number=2), instrument=replace(SCANNER, serial="S2"))
    assert [(r.scanner.serial, r.sample.replicates) for r in outlet.records] == [
        ("S1", 1),
        ("S2", 2),
    ]


@pytest.mark.parametrize(
    "odd",
    [
        {"values": np.where(np.arange(239) % 2, 1e-45, 0.9).astype(np.float32)},
        {"values": np.full(239, np.nan, dtype=np.float32)},
        {"values": np.full(239, np.inf, dtype=np.float32)},
        {"values": np.full(239, 3.4e38, dtype=np.float32)},
        {"values": np.zeros(239, dtype=np.float32)},
        {"kind": "counts", "full_scale": 1.0},
        {"label": "\u0000\U0001f331"},
        {"scan_time_ms": 2**32 - 1},
    ],
)
def test_whatever_a_scan_holds_it_gets_its_reading_and_the_next_one_too(
    start, soil: Scan, odd: dict[str, Any]
) -> None:
    with start() as (recorder, outlet):
        hand_in(recorder, soil._replace(**odd), soil._replace(number=2))
    assert len(outlet.records) == 2
    with start() as (_, outlet):
        pass
    assert outlet.records == []


def test_a_fault_of_the_software_is_a_reading_that_says_so_and_not_the_end(
    start, soil: Scan, monkeypatch
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    with start() as (recorder, outlet):
        monkeypatch.setattr(recorder._assessor, "assess", fail)
        hand_in(recorder, soil)
    (reading,) = outlet.records
    assert reading.quality.verdict == "reject"
    assert [reason.code for reason in reading.quality.reasons] == ["model.failed"]


class Ended(BaseException):
    """Stands for what ends a process: no handler of the daemon's own sees it."""


@pytest.fixture
def killer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample F7-031 ends every process that judges it."""
    assess = Assessor.assess

    def end_at_this_label(self: Assessor, scans: Any, *rest: Any) -> Any:
        if scans[0].label == "F7-031":
            raise Ended
        return assess(self, scans, *rest)

    monkeypatch.setattr(Assessor, "assess", end_at_this_label)


@pytest.mark.usefixtures("killer")
def test_a_sample_that_ends_every_run_is_rejected_at_last_and_the_others_are_judged(
    start, soil: Scan
) -> None:
    with pytest.raises(Ended), start() as (recorder, _):
        hand_in(recorder, soil)
    for _ in range(TAKEN_UP_MAX):
        with pytest.raises(Ended), start():
            pass
    with start() as (recorder, outlet):
        hand_in(recorder, soil._replace(number=2, label="F7-032"))
    assert [(r.sample.id, r.quality.verdict == "reject") for r in outlet.records] == [
        ("F7-031", True),
        ("F7-032", False),
    ]
    assert [reason.code for reason in outlet.records[0].quality.reasons] == ["model.crashed"]


def test_the_bundle_before_has_its_tries_first() -> None:
    assert TAKEN_UP_MAX >= STARTS_MAX


@pytest.mark.usefixtures("killer")
def test_a_clock_that_was_set_back_keeps_no_device_in_such_a_sample(
    start, soil: Scan, monkeypatch
) -> None:
    with start(replicates=3) as (recorder, _):
        hand_in(recorder, soil, soil._replace(number=2))
    long_ago = datetime(1970, 1, 1, tzinfo=timezone.utc)
    monkeypatch.setattr(clock, "now", lambda: long_ago)
    running_s = clock.running_s
    monkeypatch.setattr(clock, "running_s", lambda: running_s() + later_s)
    for _ in range(TAKEN_UP_MAX):
        later_s = 0
        with start(replicates=3) as (recorder, _):
            later_s = 4000
            with pytest.raises(Ended):
                recorder.tick()
    later_s = 0
    with start(replicates=3) as (recorder, outlet):
        later_s = 4000
        recorder.tick()
    assert [reason.code for reason in outlet.records[0].quality.reasons] == ["model.crashed"]


def test_a_disk_that_is_full_is_no_fault_of_the_sample(start, soil: Scan, monkeypatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise LogError("the record log can't be written")

    with monkeypatch.context() as patch:
        patch.setattr(RecordLog, "append", full)
        for number in range(2 * TAKEN_UP_MAX):
            with pytest.raises(LogError), start() as (recorder, _):
                hand_in(recorder, *([] if number else [soil]))
    with start() as (_, outlet):
        pass
    (reading,) = outlet.records
    assert reading.quality.verdict != "reject"


def test_a_sample_is_blamed_for_no_run_that_did_not_judge_it(start, soil: Scan) -> None:
    with start(replicates=3) as (recorder, _):
        hand_in(recorder, soil)
    for _ in range(2 * TAKEN_UP_MAX):
        with start(replicates=3):
            pass
    with start(replicates=3) as (recorder, outlet):
        hand_in(recorder, soil._replace(number=2), soil._replace(number=3))
    (reading,) = outlet.records
    assert reading.quality.verdict != "reject"


def test_a_damaged_scan_in_the_log_is_reported_once_and_ends_nothing(
    start, soil: Scan, tmp_path
) -> None:
    with start(replicates=3) as (recorder, _):
        hand_in(recorder, soil, soil._replace(number=2))
    opened = open_log(tmp_path)
    opened.log._db.execute("UPDATE scan SET body=? WHERE number=1", (b"{}",))
    opened.close()
    with start(replicates=3) as (_, outlet):
        pass
    assert outlet.events == [Reason.RECORD_DAMAGED]
    with start(replicates=3) as (_, outlet):
        pass
    assert outlet.events == []


def test_a_reference_taken_after_the_clock_was_set_back_is_of_unknown_age(
    start, soil: Scan, monkeypatch
) -> None:
    axis = Axis("nm", soil.axis.values)
    dark = Scan(
        7, 1, "dark", "counts", axis, np.full(239, 1e3, np.float32), 100, full_scale=65535.0
    )
    white = dark._replace(number=2, role="white", values=np.full(239, 5e4, np.float32))
    counts = (1e3 + soil.values * 4.9e4).astype(np.float32)
    with start() as (recorder, outlet):
        hand_in(recorder, dark, white)
        earlier = clock.now() - timedelta(days=1)
        monkeypatch.setattr(clock, "now", lambda: earlier)
        hand_in(recorder, dark._replace(number=3, role="sample", values=counts))
    (reading,) = outlet.records
    assert [reason.code for reason in reading.quality.reasons] == ["reference.expired"]
    assert "of unknown age" in reading.quality.reasons[0].text


def test_references_survive_a_restart(start, soil: Scan) -> None:
    dark = Scan(
        7, 1, "dark", "counts", soil.axis, np.full(239, 1e3, np.float32), 9, full_scale=65535.0
    )
    white = dark._replace(number=2, role="white", values=np.full(239, 5e4, np.float32))
    counts = (1e3 + soil.values * 4.9e4).astype(np.float32)
    with start() as (recorder, _):
        hand_in(recorder, dark, white)
    with start() as (recorder, outlet):
        hand_in(recorder, dark._replace(number=3, role="sample", values=counts))
    assert outlet.records[0].quality.verdict == "ok"


def test_a_refused_record_is_declared_lost_and_one_that_says_so_never_is(start, soil: Scan) -> None:
    with start() as (recorder, outlet):
        hand_in(recorder, soil)
        recorder.refused(1, "too large")
        recorder.refused(2, "too large")
        bodies = recorder.fetch(1)
    assert [type(record) for record in outlet.records] == [Reading, Lost]
    assert (outlet.records[1].first, outlet.records[1].last) == (1, 1)
    assert sorted(bodies) == [2]


def test_a_record_whose_bytes_changed_is_declared_lost(start, soil: Scan, tmp_path: Path) -> None:
    with start() as (recorder, _):
        hand_in(recorder, soil, soil._replace(number=2))
    opened = open_log(tmp_path)
    opened.log._db.execute("UPDATE record SET body=? WHERE seq=1", (b"{}",))
    opened.close()
    with start() as (recorder, outlet):
        recorder.fetch(1)
    (lost,) = outlet.records
    assert (lost.first, lost.seq, lost.reason.code) == (1, 3, "record.damaged")
    assert outlet.events == [Reason.RECORD_DAMAGED]


def test_a_sample_that_nothing_follows_closes_after_its_time_out(
    start, soil: Scan, monkeypatch
) -> None:
    with start(replicates=3) as (recorder, outlet):
        hand_in(recorder, soil, soil._replace(number=2))
        recorder.tick()
        assert outlet.records == []
        later_s = clock.running_s() + 3601
        monkeypatch.setattr(clock, "running_s", lambda: later_s)
        recorder.tick()
    (reading,) = outlet.records
    assert reading.sample.replicates == 2
    assert [reason.code for reason in reading.quality.reasons] == ["scan.replicates_missing"]


def test_scanner_and_publisher_work_at_once_and_leave_no_gap(start, soil: Scan) -> None:
    with start() as (recorder, outlet):
        done = threading.Event()
        failures: list[BaseException] = []

        def publish() -> None:
            try:
                while not done.is_set():
                    bodies = recorder.fetch(1)
                    recorder.committed(max(bodies, default=0))
                    if 3 in bodies:
                        recorder.refused(3, "too large")
            except BaseException as error:  # noqa: BLE001
                failures.append(error)

        publisher = threading.Thread(target=publish)
        publisher.start()
        hand_in(recorder, *(soil._replace(number=n) for n in range(1, 41)))
        done.set()
        publisher.join(20)
        assert not failures
        kept = recorder.fetch(1)
    assert sorted(record.seq for record in outlet.records) == list(
        range(1, len(outlet.records) + 1)
    )
    lost = [record for record in outlet.records if isinstance(record, Lost)]
    assert [record.first for record in lost] in ([], [3])
    assert sorted(kept) == [r.seq for r in sorted(outlet.records, key=lambda r: r.seq)
                            if not (lost and r.seq == 3)]  # fmt: skip


def test_who_listens_to_readings_is_told_outside_the_lock_and_can_cost_no_reading(
    tmp_path: Path, reference_bundle: Bundle, predictor: Predictor, soil: Scan
) -> None:
    heard: list[Reading] = []
    outlet = Outlet()
    opened = open_log(tmp_path)

    def listen(reading: Reading) -> None:
        recorder.tick()  # would wait for ever for a lock that is held
        heard.append(reading)
        raise ZeroDivisionError

    recorder = Recorder(
        _config(tmp_path, 1), reference_bundle, predictor, opened.log, outlet, listen
    )
    with pytest.raises(ZeroDivisionError):
        recorder.take(soil, SCANNER)
    assert [record.quality.verdict for record in outlet.records] == ["ok"]
    assert [reading.seq for reading in heard] == [1]
    opened.close()
