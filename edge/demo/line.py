"""The demonstration: broker, virtual scanner, daemon and subscriber, and what came of it."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from contract.records import Reading
from edge.demo.broker import embedded_broker
from edge.demo.subscriber import Subscriber
from edge.errors import DemoError
from edge.log_file import log_progress
from edge.stop_signals import StopSignals
from firmware_bridge.files.spectra_files import SpectraFile
from firmware_bridge.scan import ScanKind
from firmware_bridge.wire.virtual_scanner import VirtualScanner

_QUIET_S = 60.0
"""Longest time without a reading before the demonstration calls it a failure."""

_SETTLE_S = 15.0
"""Longest wait at the end for what is still on its way."""

_DEVICE = "demo"


@dataclass
class Outcome:
    """What the demonstration did."""

    readings: int = 0
    written: int = 0
    acknowledged: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)

    @property
    def complete(self) -> bool:
        """Whether everything that was written was acknowledged, and came."""
        return self.readings <= self.written == self.acknowledged

    @property
    def summary(self) -> str:
        """One line for people."""
        if not self.written:
            return "Stopped before the first reading."
        verdicts = ", ".join(f"{n} {verdict}" for verdict, n in sorted(self.verdicts.items()))
        readings = "1 reading" if self.readings == 1 else f"{self.readings} readings"
        return (
            f"{readings} ({verdicts}), {self.acknowledged} of {self.written} records acknowledged."
        )


@dataclass(frozen=True)
class Line:
    """What runs on the line, and how fast."""

    spectra: SpectraFile
    kind: ScanKind
    bundle: Path
    include_rejected: bool = False
    scan_time_ms: int = 400
    interval_s: float = 0.6
    baud: int | None = 115200


def run_line(
    line: Line,
    limit: int | None,
    on_reading: Callable[[bytes, Reading], None],
    signals: StopSignals,
) -> Outcome:
    """Run until ``limit`` readings came back or a signal; ``on_reading`` gets each.

    Raises `DemoError` where a part fails or nothing comes for long.
    """
    outcome = Outcome()
    news = threading.Event()

    def take(payload: bytes, record: object) -> None:
        if isinstance(record, Reading):
            outcome.readings += 1
            outcome.verdicts[record.quality.verdict] += 1
            on_reading(payload, record)
            news.set()

    with tempfile.TemporaryDirectory(prefix="loamscan-demo-") as name:
        folder = Path(name)
        with (
            embedded_broker(folder) as port,
            Subscriber("127.0.0.1", port, take) as subscriber,
        ):
            scanner = VirtualScanner(
                line.spectra,
                baud=line.baud,
                mode=line.kind,
                scan_time_ms=line.scan_time_ms,
                interval_s=line.interval_s,
                limit=limit,
            )
            with scanner, _daemon(folder, _configuration(line, scanner.url, port)) as daemon:
                last_s = time.monotonic()
                while limit is None or outcome.readings < limit:
                    if signals.wait(0.1):
                        break
                    if news.is_set():
                        news.clear()
                        last_s = time.monotonic()
                    subscriber.check()
                    _check(daemon, folder, time.monotonic() - last_s)
                scanner.close()
                _settle(folder)
        outcome.written, outcome.acknowledged = log_progress(folder / "log")
    return outcome


def _configuration(line: Line, scanner_url: str, port: int) -> str:
    include = "true" if line.include_rejected else "false"
    return f"""
[device]
id = "{_DEVICE}"
[scanner]
url = "{scanner_url}"
[sample]
replicates = 1
[model]
bundle = '''{line.bundle.resolve()}'''
include_rejected = {include}
[log]
directory = "log"
[mqtt]
host = "127.0.0.1"
port = {port}
"""


@contextmanager
def _daemon(folder: Path, configuration: str) -> Iterator[subprocess.Popen[bytes]]:
    path = folder / "loamscan.toml"
    path.write_text(configuration, encoding="utf-8")
    with (folder / "daemon.txt").open("wb") as said:
        daemon = subprocess.Popen(  # noqa: S603 - our own interpreter and our own file
            # Isolated: what lies in the folder that we were started in must not be taken for our rooms.
            [sys.executable, "-I", "-m", "loamscan", "run", "--config", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,  # Ctrl-C is the demonstration's to handle
        )
    try:
        yield daemon
    finally:
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(_SETTLE_S)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def _check(daemon: subprocess.Popen[bytes], folder: Path, quiet_s: float) -> None:
    said = (folder / "daemon.txt").read_text(errors="replace").strip()
    if daemon.poll() is not None:
        raise DemoError(f"the daemon ended with status {daemon.returncode}:\n{said}")
    if quiet_s > _QUIET_S:
        raise DemoError(f"no reading within {_QUIET_S:g} s; the daemon said:\n{said}")


def _settle(folder: Path) -> None:
    """Wait until the daemon knows that everything it wrote is confirmed, for a bounded time."""
    until_s = time.monotonic() + _SETTLE_S
    while time.monotonic() < until_s:
        written, acknowledged = log_progress(folder / "log")
        if written == acknowledged:
            return
        time.sleep(0.05)
