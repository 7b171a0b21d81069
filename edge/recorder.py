"""The one thread that owns the record log: scans come in, readings go out, deliveries are marked."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Protocol

from contract.bundle import Bundle
from contract.identity import new_id
from contract.reasons import Reason
from contract.records import Lost, Reading, ReasonGiven, ScanRecord
from edge import clock
from edge.assessment import FAILED, Assessment, Assessor, References
from edge.config import Config
from edge.errors import LogError
from edge.log import RecordLog
from edge.predictor import Predictor
from edge.readings import ReadingMaker
from edge.samples import SampleGrouper
from edge.scans import LoggedScan, logged_scan, scan_record, scanner_state
from firmware_bridge.scan import Instrument, Scan
from soil.axis import Axis
from soil.errors import LoamscanError

_LOG = logging.getLogger("loamscan.recorder")

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
        self._outlet = outlet
        self._on_reading = on_reading
        self._replicates = config.sample.replicates
        self._assessor = Assessor(bundle, predictor, config.reference.max_age_s)
        self._maker = ReadingMaker(config, bundle, predictor.engine)
        self._samples: SampleGrouper[LoggedScan] = SampleGrouper(
            config.sample.replicates, config.sample.timeout_s
        )
        self._reference_scans: dict[str, LoggedScan] = {}
        self._references: References | None = None
        self._axes: set[Axis] = set()
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
                self._make_readings(log, self._samples.expired(clock.running_s()))
                continue
            if message is None:
                return
            if isinstance(message, _ScanArrived):
                self._keep(log, message)
            elif isinstance(message, _Fetch):
                self._hand_out(log, message.first)
            elif isinstance(message, _Committed):
                self._mark(log, message.seq)
            elif log.kind(message.seq) != "lost":
                self._give_up(log, message.seq, Reason.RECORD_REFUSED, message.detail)
            self._make_readings(log, self._samples.expired(clock.running_s()))

    def _take_up(self, log: RecordLog) -> None:
        """Go on where an earlier run was cut off: scans without a reading, references in use.

        A scan that can't be read is set aside with an event, or it would end every run.
        """
        for stored in log.open_scans():
            try:
                if not stored.sound:
                    raise LogError("its bytes do not match their checksum")
                record = ScanRecord.model_validate_json(stored.body)
                logged = logged_scan(record, log.axis(record.axis_id))
            except (ValueError, LoamscanError) as error:
                _LOG.error("scan %d of the log is damaged: %s", stored.number, error)
                log.settle_scans([stored.id])
                self._outlet.happened(Reason.RECORD_DAMAGED, {"scan": stored.number})
                continue
            waited_s = max(0.0, (clock.now() - logged.measured_at).total_seconds())
            self._process(log, logged, clock.running_s() - waited_s)
        self._make_readings(log, self._samples.expired(clock.running_s()))

    def _keep(self, log: RecordLog, message: _ScanArrived) -> None:
        scan, instrument = message.scan, message.instrument
        if log.holds_scan(instrument.serial, scan.session, scan.number):
            message.safe.set()
            return
        if scan.axis not in self._axes:
            log.keep_axis(scan.axis)
            self._axes.add(scan.axis)
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
        self._process(log, replace(logged, log_number=number), clock.running_s())

    def _process(self, log: RecordLog, logged: LoggedScan, at_s: float) -> None:
        if logged.scan.role == "sample":
            self._make_readings(log, self._samples.add(logged, at_s))
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
            try:
                self._make_reading(log, scans, *self._assess(scans))
            except LogError:
                raise
            # A scan is in the log before it is judged: one that raised would end every run.
            except Exception:  # noqa: BLE001
                _LOG.exception("sample %r could not be judged", scans[0].label)
                self._make_reading(log, scans, FAILED, None)

    def _assess(self, scans: Sequence[LoggedScan]) -> tuple[Assessment, float | None]:
        """What the scans amount to, and the age of the reference that made reflectance of them."""
        first = scans[0]
        white = self._reference_scans.get("white")
        if (
            first.kind != "counts"
            or self._references is None
            or white is None
            or white.scanner.serial != first.scanner.serial
        ):
            return self._assessor.assess(scans, None, 0.0, self._replicates), None
        age_s = (first.measured_at - white.measured_at).total_seconds()
        if age_s < 0:
            age_s = inf  # the clock was set back in between: nobody knows how old it is
        return self._assessor.assess(scans, self._references, age_s, self._replicates), age_s

    def _make_reading(
        self,
        log: RecordLog,
        scans: Sequence[LoggedScan],
        assessment: Assessment,
        reference_age_s: float | None,
    ) -> None:
        record_id = new_id()
        made: list[Reading] = []

        def make(seq: int) -> bytes:
            reading = self._maker.reading(
                scans, assessment, reference_age_s, record_id=record_id, log_id=log.log_id, seq=seq
            )
            made.append(reading)
            return reading.to_json()

        seq, body = log.append(record_id, "reading", make, settles=[scan.id for scan in scans])
        if not made[0].historical:
            self._outlet.newest_is(made[0])
        self._outlet.appended(seq, body)
        self._on_reading(made[0])

    def _mark(self, log: RecordLog, seq: int) -> None:
        try:
            log.mark_committed(seq)
        except LogError as error:
            # The mark only saves sending again what the collector has.
            _LOG.warning("%s", error)

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
                device=self._maker.device,
                lost_at=clock.now(),
                first=seq,
                last=seq,
                reason=ReasonGiven.of(reason, detail),
            ).to_json(),
            loses=seq,
        )
        self._outlet.appended(new_seq, body)
        self._outlet.happened(reason, {"seq": seq, "detail": detail})
