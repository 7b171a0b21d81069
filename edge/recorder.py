"""The owner of the record log: scans come in, readings go out, deliveries are marked."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from typing import Protocol

from contract.bundle import Bundle
from contract.identity import new_id
from contract.reasons import Reason
from contract.records import Document, Lost, Reading, ReasonGiven, ScanRecord, to_json
from edge import clock
from edge.assessment import CRASHED, FAILED, Assessment, Assessor, Engine, References
from edge.config import Config
from edge.errors import LogError
from edge.log import RecordLog
from edge.readings import ReadingMaker, state_of
from edge.samples import SampleGrouper
from edge.scans import LoggedScan, logged_scan, scan_document
from firmware_bridge.scan import Instrument, Scan
from soil.axis import Axis
from soil.errors import LoamscanError

_LOG = logging.getLogger("loamscan.recorder")

FETCH_RECORDS = 64
"""Records handed to the publisher at a time: a window's worth, well under a megabyte."""


TAKEN_UP_MAX = 3
"""Restarts in which one bundle takes up a sample that ends each run. No fewer than lead back to the bundle
before (`edge.updates.steps.STARTS_MAX`), which then has its own tries. Ours."""


class Outlet(Protocol):
    """Where the recorder tells what is in the log; the publisher. No call may wait."""

    def appended(  # noqa: D102
        self, seq: int, body: bytes, state: Callable[[], bytes] | None = None
    ) -> None: ...
    def happened(self, reason: Reason, details: dict[str, str | int | float]) -> None: ...  # noqa: D102


class Recorder:
    """From scans to readings, each on disk before anybody hears of it.

    Any thread may call; one at a time gets in. The scanner's thread works here (`take_up`, `take`,
    `tick`) from a scan to its reading, with nothing to hand over on the way; the publisher's asks
    for records and tells of them. A `LogError` must end the process.
    """

    def __init__(
        self,
        config: Config,
        bundle: Bundle,
        engine: Engine,
        log: RecordLog,
        outlet: Outlet,
        on_reading: Callable[[Reading], None] | None = None,
    ) -> None:
        self._log = log
        self._turn = threading.Lock()
        self._outlet = outlet
        self._on_reading = on_reading
        self._replicates = config.sample.replicates
        self._assessor = Assessor(bundle, engine, config.reference.max_age_s)
        self._maker = ReadingMaker(config, bundle, engine)
        self._samples: SampleGrouper[LoggedScan] = SampleGrouper(
            config.sample.replicates, config.sample.timeout_s
        )
        self._reference_scans: dict[str, LoggedScan] = {}
        self._references: References | None = None
        self._axes: set[Axis] = set()
        self._untold: list[Document] = []
        self._judging_since_s: float | None = None
        self._bundle_sha256 = bundle.sha256

    @property
    def busy_s(self) -> float:
        """How long the sample that is being judged, if one is, has taken so far."""
        since_s = self._judging_since_s
        return 0.0 if since_s is None else time.monotonic() - since_s

    def take_up(self) -> None:
        """Go on where an earlier run was cut off: scans without a reading, references in use.

        A scan that can't be read is set aside with an event, or it would end every run.
        """
        with self._turn:
            for stored in self._log.open_scans():
                try:
                    if not stored.sound:
                        raise LogError("its bytes do not match their checksum")
                    record = ScanRecord.model_validate_json(stored.body)
                    logged = logged_scan(record, self._log.axis(record.axis_id))
                except (ValueError, LoamscanError) as error:
                    _LOG.error("scan %d of the log is damaged: %s", stored.number, error)
                    self._log.settle_scans([stored.number])
                    self._outlet.happened(Reason.RECORD_DAMAGED, {"scan": stored.number})
                    continue
                waited_s = max(0.0, (clock.now() - logged.received_at).total_seconds())
                self._process(logged, clock.running_s() - waited_s)
            self._make_readings(self._samples.expired(clock.running_s()))
        self._tell()

    def take(self, scan: Scan, instrument: Instrument) -> bool:
        """Take in a scan: it is on disk, and its sample's reading too, when this returns.

        False where it was there already.
        """
        with self._turn:
            logged = self._keep(scan, instrument)
            if logged is not None:
                self._process(logged, clock.running_s())
        self._tell()
        return logged is not None

    def tick(self) -> None:
        """Close a sample that nothing has followed for its time-out; call now and then."""
        with self._turn:
            self._make_readings(self._samples.expired(clock.running_s()))
        self._tell()

    def fetch(self, first: int) -> dict[int, bytes]:
        """The next `FETCH_RECORDS` records from ``first`` on, by ``seq``; those absent are lost."""
        with self._turn:
            bodies = {}
            for record in self._log.records(first, FETCH_RECORDS):
                if record.sound:
                    bodies[record.seq] = record.body
                else:
                    detail = f"record {record.seq}"
                    self._give_up(record.seq, Reason.RECORD_DAMAGED, detail)
            return bodies

    def committed(self, seq: int) -> None:
        """Everything up to ``seq`` is confirmed."""
        with self._turn:
            try:
                self._log.mark_committed(seq)
            except LogError as error:
                # The mark only saves sending again what the collector has.
                _LOG.warning("%s", error)

    def refused(self, seq: int, detail: str) -> None:
        """The broker will never take ``seq``: it is declared lost, unless it says so of another."""
        with self._turn:
            if self._log.kind(seq) != "lost":
                self._give_up(seq, Reason.RECORD_REFUSED, detail)

    def _keep(self, scan: Scan, instrument: Instrument) -> LoggedScan | None:
        """``scan`` once it is on disk; None where it was there already."""
        if scan.axis not in self._axes:
            self._log.keep_axis(scan.axis)
            self._axes.add(scan.axis)
        now = clock.now()
        logged = LoggedScan(
            id=new_id(),
            log_number=self._log.scans + 1,
            measured_at=scan.measured_at or now,
            # Of the clock that a file was written by nothing is known here.
            time_quality="unknown" if scan.measured_at else clock.time_quality(),
            received_at=now,
            instrument=instrument,
            scan=scan,
        )
        new = self._log.append_scan(
            logged.log_number,
            instrument.serial,
            scan.session,
            scan.number,
            to_json(scan_document(logged, self._log.log_id)),
        )
        return logged if new else None

    def _process(self, logged: LoggedScan, at_s: float) -> None:
        if logged.scan.role == "sample":
            self._make_readings(self._samples.add(logged, at_s))
            return
        replaced = self._reference_scans.get(logged.scan.role)
        self._reference_scans[logged.scan.role] = logged
        white, dark = self._reference_scans.get("white"), self._reference_scans.get("dark")
        self._references = None
        if white and dark and white.instrument.serial == dark.instrument.serial:
            self._references = References.of(white, dark)
        if replaced is not None:
            self._log.settle_scans([replaced.log_number])

    def _make_readings(self, samples: Sequence[Sequence[LoggedScan]]) -> None:
        for scans in samples:
            first = scans[0]
            if first.from_earlier_run and self._ended_each_run(first):
                _LOG.error("sample %r ended each run that judged it", first.label)
                self._make_reading(scans, CRASHED, None)
                continue
            try:
                self._judging_since_s = time.monotonic()
                assessed = self._assess(scans)
                self._judging_since_s = None
                self._make_reading(scans, *assessed)
            except LogError:
                self._blame_no_more(first)
                raise
            # A scan is in the log before it is judged: one that raised would end every run.
            except Exception:  # noqa: BLE001
                self._judging_since_s = None
                _LOG.exception("sample %r could not be judged", first.label)
                self._make_reading(scans, FAILED, None)

    def _ended_each_run(self, first: LoggedScan) -> bool:
        """Whether a sample ended this process, by whatever no handler sees, as often as is let pass."""
        return self._log.taken_up_again(first.log_number, self._bundle_sha256) > TAKEN_UP_MAX

    def _blame_no_more(self, first: LoggedScan) -> None:
        """A disk that is full ended this run, not the sample."""
        if first.from_earlier_run:
            with suppress(LogError):
                self._log.forget_taken_up(first.log_number)

    def _assess(self, scans: Sequence[LoggedScan]) -> tuple[Assessment, float | None]:
        """What the scans amount to, and the age of the reference that made reflectance of them."""
        first = scans[0]
        white = self._reference_scans.get("white")
        if (
            first.kind != "counts"
            or self._references is None
            or white is None
            or white.instrument.serial != first.instrument.serial
        ):
            return self._assessor.assess(scans, None, 0.0, self._replicates), None
        age_s = (first.measured_at - white.measured_at).total_seconds()
        if age_s < 0:
            age_s = inf  # the clock was set back in between: nobody knows how old it is
        return self._assessor.assess(scans, self._references, age_s, self._replicates), age_s

    def _make_reading(
        self,
        scans: Sequence[LoggedScan],
        assessment: Assessment,
        reference_age_s: float | None,
    ) -> None:
        reading = self._maker.reading(
            scans,
            assessment,
            reference_age_s,
            record_id=new_id(),
            log_id=self._log.log_id,
            seq=self._log.newest + 1,
        )
        seq, body = reading["seq"], to_json(reading)
        self._log.append(seq, "reading", body, settles=[scan.log_number for scan in scans])
        live = not reading["historical"]
        self._outlet.appended(seq, body, (lambda: to_json(state_of(reading))) if live else None)
        if self._on_reading is not None:
            self._untold.append(reading)

    def _tell(self) -> None:
        """Hand on what was made, outside the lock: whoever listens may be slow."""
        untold, self._untold = self._untold, []
        for reading in untold:
            if self._on_reading is not None:
                self._on_reading(Reading.model_validate(reading))

    def _give_up(self, seq: int, reason: Reason, detail: str) -> None:
        lost = Lost(
            schema="loamscan.lost/1",
            kind="lost",
            id=new_id(),
            log_id=self._log.log_id,
            seq=self._log.newest + 1,
            device=self._maker.device,
            lost_at=clock.now(),
            first=seq,
            last=seq,
            reason=ReasonGiven.of(reason, detail),
        )
        body = lost.to_json()
        self._log.append(lost.seq, "lost", body, loses=seq)
        self._outlet.appended(lost.seq, body)
        self._outlet.happened(reason, {"seq": seq, "detail": detail})
