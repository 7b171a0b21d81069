"""The one thread that owns the record log: scans come in, readings go out, deliveries are marked."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from contract.bundle import Bundle
from contract.identity import new_id
from contract.reasons import Reason
from contract.records import Device, Lost, Reading, ReasonGiven, Sample, ScanRecord
from edge import clock
from edge.assessment import Assessor, References
from edge.config import Config
from edge.log import RecordLog
from edge.predictor import Predictor
from edge.readings import model_of, properties_of, quality_of, texture_of
from edge.samples import SampleGrouper
from edge.scans import LoggedScan, axis_id, logged_scan, scan_record, scanner_state
from firmware_bridge.scan import Instrument, Scan

FETCH_RECORDS = 64
"""Records handed to the publisher at a time: a window's worth, well under a megabyte."""


class Outlet(Protocol):
    """Where the recorder tells what is in the log; the publisher. No call may wait."""

    def appended(self, seq: int, body: bytes) -> None: ...  # noqa: D102
    def newest_is(self, reading: Reading) -> None: ...  # noqa: D102
    def fetched(self, first: int, last: int, bodies: dict[int, bytes]) -> None: ...  # noqa: D102
    def happened(self, reason: Reason, details: dict[str, str | int | float]) -> None: ...  # noqa: D102


@dataclass(frozen=True)
class _ScanArrived:
    scan: Scan
    instrument: Instrument
    safe: threading.Event


@dataclass(frozen=True)
class _Fetch:
    first: int


@dataclass(frozen=True)
class _Committed:
    seq: int


@dataclass(frozen=True)
class _Refused:
    seq: int
    detail: str


class Recorder:
    """From scans to readings, each on disk before anybody hears of it.

    `run` is the owning thread's body. The other methods may be called from any thread and never
    wait.
    """

    def __init__(
        self,
        config: Config,
        bundle: Bundle,
        predictor: Predictor,
        outlet: Outlet,
        on_reading: Callable[[Reading], None] = lambda _: None,
    ) -> None:
        self._config = config
        self._outlet = outlet
        self._on_reading = on_reading
        self._level = bundle.manifest.intervals.level
        self._model = model_of(bundle, predictor.engine)
        self._assessor = Assessor(bundle, predictor, config.reference.max_age_s)
        self._device = Device(id=config.device.id, site=config.device.site, boot_id=clock.boot_id())
        self._samples: SampleGrouper[LoggedScan] = SampleGrouper(
            config.sample.replicates, config.sample.timeout_s
        )
        self._reference_scans: dict[str, LoggedScan] = {}
        self._references: References | None = None
        self._axes: set[str] = set()
        # Bounded by its senders: the scanner waits for each scan to be safe, and the publisher has
        # one fetch under way and a word on each acknowledgement.
        self._inbox: queue.SimpleQueue[_ScanArrived | _Fetch | _Committed | _Refused | None] = (
            queue.SimpleQueue()
        )

    def scan_arrived(self, scan: Scan, instrument: Instrument) -> threading.Event:
        """Hand in a scan; the event is set once it is on disk and may be acknowledged."""
        safe = threading.Event()
        self._inbox.put(_ScanArrived(scan, instrument, safe))
        return safe

    def fetch(self, first: int) -> None:
        """Have the next `FETCH_RECORDS` records from ``first`` on handed to the outlet."""
        self._inbox.put(_Fetch(first))

    def committed(self, seq: int) -> None:
        """Everything up to ``seq`` is confirmed."""
        self._inbox.put(_Committed(seq))

    def refused(self, seq: int, detail: str) -> None:
        """The broker will never take ``seq``."""
        self._inbox.put(_Refused(seq, detail))

    def stop(self) -> None:
        """Let `run` return after what is in the queue."""
        self._inbox.put(None)

    def run(self, log: RecordLog) -> None:
        """Own ``log`` until `stop`; an error that it raises must end the process."""
        self._take_up(log)
        while True:
            try:
                message = self._inbox.get(timeout=1.0)
            except queue.Empty:
                self._make_readings(log, self._samples.expired(time.monotonic()))
                continue
            if message is None:
                return
            if isinstance(message, _ScanArrived):
                self._keep(log, message)
            elif isinstance(message, _Fetch):
                self._hand_out(log, message.first)
            elif isinstance(message, _Committed):
                log.mark_committed(message.seq)
            else:
                self._give_up(log, message.seq, Reason.RECORD_REFUSED, message.detail)

    def _take_up(self, log: RecordLog) -> None:
        """Go on where an earlier run was cut off: scans without a reading, references in use."""
        for stored in log.open_scans():
            if not stored.sound:
                self._outlet.happened(Reason.RECORD_DAMAGED, {"scan": stored.number})
                continue
            record = ScanRecord.model_validate_json(stored.body)
            self._process(log, logged_scan(record, log.axis(record.axis_id)))

    def _keep(self, log: RecordLog, message: _ScanArrived) -> None:
        scan, instrument = message.scan, message.instrument
        if log.holds_scan(instrument.serial, scan.session, scan.number):
            message.safe.set()
            return
        name = axis_id(scan.axis)
        if name not in self._axes:
            log.keep_axis(name, scan.axis)
            self._axes.add(name)
        logged = LoggedScan(
            id=new_id(),
            log_number=0,
            measured_at=clock.now(),
            time_quality=clock.time_quality(),
            scanner=scanner_state(instrument, scan),
            scan=scan,
        )
        number = log.append_scan(
            logged.id,
            instrument.serial,
            scan.session,
            scan.number,
            lambda number: scan_record(replace(logged, log_number=number), log.log_id).to_json(),
        )
        message.safe.set()
        self._process(log, replace(logged, log_number=number))

    def _process(self, log: RecordLog, logged: LoggedScan) -> None:
        if logged.scan.role == "sample":
            self._make_readings(log, self._samples.add(logged, time.monotonic()))
            return
        replaced = self._reference_scans.get(logged.scan.role)
        self._reference_scans[logged.scan.role] = logged
        white, dark = self._reference_scans.get("white"), self._reference_scans.get("dark")
        self._references = None
        if white and dark and white.scanner.serial == dark.scanner.serial:
            self._references = References.of(white, dark)
        if replaced is not None:
            log.settle_scans([replaced.id])

    def _make_readings(self, log: RecordLog, samples: Sequence[Sequence[LoggedScan]]) -> None:
        for scans in samples:
            self._make_reading(log, scans)

    def _make_reading(self, log: RecordLog, scans: Sequence[LoggedScan]) -> None:
        first = scans[0]
        scanner = first.scanner
        references, age_s = self._references_for(first)
        if references is not None:
            scanner = scanner.model_copy(update={"reference_age_s": round(age_s, 1)})
        assessment = self._assessor.assess(scans, references, age_s, self._config.sample.replicates)
        include_rejected = self._config.model.include_rejected
        settings = self._config.sample
        historical = any(scan.from_earlier_run for scan in scans)
        record_id = new_id()
        made: list[Reading] = []

        def make(seq: int) -> bytes:
            reading = Reading(
                schema="loamscan.reading/1",
                kind="reading",
                id=record_id,
                log_id=log.log_id,
                seq=seq,
                device=self._device,
                measured_at=first.measured_at,
                time_quality=first.time_quality,
                sample=Sample(
                    id=first.label or f"scan-{first.log_number}",
                    field=settings.field,
                    preparation=settings.preparation,
                    operator=settings.operator,
                    replicates=len(scans),
                ),
                scanner=scanner,
                model=self._model,
                properties=properties_of(assessment, self._level, include_rejected),
                texture=texture_of(assessment, include_rejected),
                quality=quality_of(assessment),
                scans=[scan.id for scan in scans],
                historical=historical,
            )
            made.append(reading)
            return reading.to_json()

        seq, body = log.append(record_id, "reading", make, settles=[scan.id for scan in scans])
        if not historical:
            self._outlet.newest_is(made[0])
        self._outlet.appended(seq, body)
        self._on_reading(made[0])

    def _references_for(self, scan: LoggedScan) -> tuple[References | None, float]:
        """What makes reflectance of ``scan``, and its age in seconds."""
        white = self._reference_scans.get("white")
        if scan.kind != "counts" or white is None or white.scanner.serial != scan.scanner.serial:
            return None, 0.0
        return self._references, max(0.0, (scan.measured_at - white.measured_at).total_seconds())

    def _hand_out(self, log: RecordLog, first: int) -> None:
        bodies = {}
        for record in log.records(first, FETCH_RECORDS):
            if record.sound:
                bodies[record.seq] = record.body
            else:
                self._give_up(log, record.seq, Reason.RECORD_DAMAGED, f"record {record.seq}")
        self._outlet.fetched(first, min(first + FETCH_RECORDS - 1, log.newest), bodies)

    def _give_up(self, log: RecordLog, seq: int, reason: Reason, detail: str) -> None:
        record_id = new_id()
        new_seq, body = log.append(
            record_id,
            "lost",
            lambda own: Lost(
                schema="loamscan.lost/1",
                kind="lost",
                id=record_id,
                log_id=log.log_id,
                seq=own,
                device=self._device,
                lost_at=clock.now(),
                first=seq,
                last=seq,
                reason=ReasonGiven.of(reason, detail),
            ).to_json(),
            loses=seq,
        )
        self._outlet.appended(new_seq, body)
        self._outlet.happened(reason, {"seq": seq, "detail": detail})
