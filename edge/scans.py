"""A scan on its way into the log and, after a restart, out of it again."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.messages import ScannerSeen
from contract.records import Document, ScanRecord, TimeQuality, rfc3339
from edge.log import RecordLog, axis_id
from firmware_bridge.scan import Instrument, Scan
from soil.axis import Axis

NEWS_S: Final = 600.0
"""A scan whose instrument's clock is further off ours than this is history, or nobody knows. Ours."""


@dataclass(frozen=True)
class LoggedScan:
    """A scan that is safe in the log, with the log's word on it."""

    id: str
    log_number: int
    measured_at: datetime
    time_quality: TimeQuality
    received_at: datetime
    instrument: Instrument
    scan: Scan
    from_earlier_run: bool = False

    @property
    def historical(self) -> bool:
        """Whether what it says is not news: of an earlier run, or out of a file."""
        late_s = (self.received_at - self.measured_at).total_seconds()
        return self.from_earlier_run or abs(late_s) > NEWS_S

    @property
    def label(self) -> str:
        """What the scanner says of the sample; empty for nothing."""
        return self.scan.label

    @property
    def sample_key(self) -> tuple[str, str, str, Axis]:
        """Scans of one sample agree in this."""
        return self.scan.label, self.instrument.serial, self.scan.kind, self.scan.axis

    @property
    def axis(self) -> Axis:
        """Where the values lie."""
        return self.scan.axis

    @property
    def kind(self) -> str:
        """Counts or reflectance."""
        return self.scan.kind

    @property
    def values(self) -> NDArray[np.float32]:
        """The values ``[bands]``, as sent."""
        return self.scan.values

    @property
    def full_scale(self) -> float:
        """Counts at which the detector saturates; 0 if not known."""
        return self.scan.full_scale


def scanner_document(logged: LoggedScan) -> Document:
    """The instrument as it was when it took the scan: a `ScannerState`."""
    instrument, scan = logged.instrument, logged.scan
    return {
        "model": instrument.model,
        "serial": instrument.serial,
        "firmware": instrument.firmware,
        "temperature_c": scan.temperature_c,
        "battery_pct": scan.battery_pct,
    }


def scanner_before(log: RecordLog) -> ScannerSeen | None:
    """The scanner that took the newest scan of the log."""
    stored = log.newest_scan()
    try:
        state = ScanRecord.model_validate_json(stored.body).scanner if stored else None
    except ValueError:  # `take_up` tells of what is damaged
        return None
    return ScannerSeen(model=state.model, serial=state.serial) if state else None


def scan_document(logged: LoggedScan, log_id: str) -> Document:
    """The `ScanRecord` of ``logged``."""
    scan = logged.scan
    return {
        "schema": "loamscan.scan/1",
        "kind": "scan",
        "id": logged.id,
        "log_id": log_id,
        "number": logged.log_number,
        "measured_at": rfc3339(logged.measured_at),
        "time_quality": logged.time_quality,
        "role": scan.role,
        "spectrum_kind": scan.kind,
        "axis_id": axis_id(scan.axis),
        "values": base64.b64encode(scan.values.astype("<f4").tobytes()).decode(),
        "label": scan.label,
        "scanner": scanner_document(logged),
        "scanner_session": scan.session,
        "scanner_number": scan.number,
        "scan_time_ms": scan.scan_time_ms,
        "full_scale": scan.full_scale,
        **({"received_at": rfc3339(logged.received_at)} if scan.measured_at else {}),
    }


def logged_scan(record: ScanRecord, axis: Axis) -> LoggedScan:
    """The scan behind ``record``, to be taken up again after a restart."""
    scan = Scan(
        session=record.scanner_session,
        number=record.scanner_number,
        role=record.role,
        kind=record.spectrum_kind,
        axis=axis,
        values=np.frombuffer(base64.b64decode(record.values), dtype="<f4"),
        scan_time_ms=record.scan_time_ms,
        temperature_c=record.scanner.temperature_c,
        battery_pct=record.scanner.battery_pct,
        full_scale=record.full_scale,
        label=record.label,
        measured_at=record.measured_at if record.received_at else None,
    )
    return LoggedScan(
        id=record.id,
        log_number=record.number,
        measured_at=record.measured_at,
        time_quality=record.time_quality,
        received_at=record.received_at or record.measured_at,
        instrument=Instrument(
            record.scanner.model,
            record.scanner.serial,
            record.scanner.firmware,
            record.scanner_session,
        ),
        scan=scan,
        from_earlier_run=True,
    )
