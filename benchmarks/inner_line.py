"""The product's own recorder, log, predictor and publisher in this process, timed from outside."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.soils import INSTRUMENT, decoded_scans
from contract.bundle import Bundle
from contract.messages import Status
from contract.records import Device
from edge.config import Config, parse_config
from edge.log import RecordLog
from edge.log_file import FILE_NAME
from edge.predictor import Predictor
from edge.publisher import Publisher
from edge.recorder import Recorder
from firmware_bridge.scan import Scan

_PATIENCE_S = 20.0


class InnerLine:
    """Takes decoded scans and tells when the broker took the reading of each.

    The publisher runs on a thread of its own, as in the daemon; the caller's thread plays the
    scanner's. The only addition is a time stamp on entry of the publisher's PUBACK handler.
    """

    def __init__(self, recorder: Recorder, publisher: _StampedPublisher, log: RecordLog) -> None:
        self._recorder = recorder
        self._publisher = publisher
        self._log = log
        self._scans = decoded_scans()
        self._readings = 0
        for _reference in range(2):
            self._feed(next(self._scans))

    def once(self) -> float:
        """Seconds from a decoded scan to the PUBACK of its reading; returns when all is confirmed."""
        scan = next(self._scans)
        began_s = time.perf_counter()
        self._feed(scan)
        self._readings += 1
        took_s = self._publisher.taken_s(self._readings) - began_s
        self.settle()
        return took_s

    def burst(self, readings: int) -> float:
        """Seconds for ``readings`` scans, each handed in as soon as the one before is taken."""
        scans = list(islice(self._scans, readings))
        began_s = time.perf_counter()
        for scan in scans:
            self._feed(scan)
        self._readings += readings
        took_s = self._publisher.taken_s(self._readings) - began_s
        self.settle()
        return took_s

    def settle(self) -> None:
        """Wait until the collector's word on every reading is in the log."""
        until_s = time.monotonic() + _PATIENCE_S
        while self._log.committed < self._readings:
            if time.monotonic() > until_s:
                raise BenchmarkError("readings are not acknowledged", "see that the broker runs")
            time.sleep(0.0005)

    def _feed(self, scan: Scan) -> None:
        self._recorder.take(scan, INSTRUMENT)


class _StampedPublisher(Publisher):
    """The publisher, with a note of when the broker took each record."""

    def __init__(self, config: Config, status: Status) -> None:
        super().__init__(config.mqtt, status, confirmed=0, newest=0)
        self._stamps: dict[int, float] = {}
        self._stamped = threading.Condition()

    def taken_s(self, seq: int) -> float:
        """When PUBACK for ``seq`` came, on the performance counter; waits for it."""
        with self._stamped:
            if not self._stamped.wait_for(lambda: seq in self._stamps, _PATIENCE_S):
                raise BenchmarkError(f"no PUBACK for reading {seq}", "see that the broker runs")
            stamp_s = self._stamps[seq]
            self._stamps.clear()
            return stamp_s

    def _taken(self, mid: int, heard: bool) -> None:
        now_s = time.perf_counter()
        seq = self._records.get(mid)
        super()._taken(mid, heard)
        if seq is not None:
            with self._stamped:
                self._stamps[seq] = now_s
                self._stamped.notify()


DEVICE = "bench"
_CONFIGURATION = f"""
[device]
id = "{DEVICE}"
[scanner]
url = "none"
[sample]
replicates = 1
[log]
directory = "."
[mqtt]
host = "127.0.0.1"
port = {{port}}
"""


@contextmanager
def inner_line(
    bundle: Bundle,
    folder: Path,
    port: int,
    predictor: Predictor | None = None,
    on_statement: Callable[[str], None] | None = None,
) -> Iterator[InnerLine]:
    """A line with its log in ``folder`` and its broker at ``port``, stopped at the end.

    ``on_statement`` hears every statement that SQLite runs.
    """
    config = parse_config(_CONFIGURATION.format(port=port), folder)
    predictor = predictor or Predictor(bundle)
    database = sqlite3.connect(folder / FILE_NAME, isolation_level=None, check_same_thread=False)
    database.set_trace_callback(on_statement)
    log = RecordLog(database)
    publisher = _StampedPublisher(config, _status(bundle, predictor.engine, log.log_id))
    recorder = Recorder(config, bundle, predictor, log, publisher)
    thread = threading.Thread(target=publisher.run, args=(recorder,), name="publisher", daemon=True)
    thread.start()
    try:
        yield InnerLine(recorder, publisher, log)
    finally:
        publisher.stop()
        thread.join(_PATIENCE_S)
        log.close()


def _status(bundle: Bundle, engine: str, log_id: str) -> Status:
    return Status(
        schema="loamscan.status/1",
        status="offline",
        device=Device(id=DEVICE, site="", boot_id=""),
        agent="0.0.0",
        bundle=bundle.manifest.name,
        bundle_version=bundle.manifest.version,
        engine=engine,
        log_id=log_id,
    )
