"""Resident memory and idle processor time of the daemon, beside a bare process with the same imports.

`loamscan run` takes readings from an unpaced virtual scanner, all acknowledged, and is then left
alone, connected to scanner and broker. The floor imports numpy, onnxruntime, paho, pydantic, pyserial
and sqlite3, holds a session on the same graph that ran once, a database, and a connection to the same
broker; it does not read a bundle, has no scanner and only one thread beside paho's. Both idle through
the same seconds. PSS shares the libraries' pages among all that map them at the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks.brokers import brokers
from benchmarks.collector import collector
from benchmarks.contenders import BARE, RECORDS, Arrivals, bare_process, daemon
from benchmarks.places import memory_folder
from benchmarks.process_figures import cpu_seconds_of, memory_of
from benchmarks.rows import Row
from benchmarks.soils import unpaced_scanner
from contract.bundle import open_bundle
from edge.config import REFERENCE_BUNDLE

_SETTLE_S = 1.0


def measure(quick: bool, tell: Callable[[str], None]) -> list[Row]:
    """Rows for RSS, PSS and idle processor time."""
    readings, idle_s = (20, 2.0) if quick else (1000, 10.0)
    bundle = open_bundle(REFERENCE_BUNDLE)
    broker = next(iter(brokers().values()))
    with (
        memory_folder() as folder,
        broker(folder) as port,
        collector(port),
        Arrivals(port) as arrivals,
        unpaced_scanner(readings) as scanner,
        bare_process(folder / "bare", bundle, port) as bare,
    ):
        arrivals.wait_for(BARE, 1, bare)
        with daemon(folder / "daemon", scanner.url, port) as process:
            tell(f"{readings} readings")
            arrivals.wait_for(RECORDS, 1, process)
            first = memory_of(process.pid)
            arrivals.wait_for(RECORDS, readings, process)
            time.sleep(_SETTLE_S)
            whole, floor = memory_of(process.pid), memory_of(bare.pid)
            tell(f"idle for {idle_s:g} s")
            pids = (process.pid, bare.pid)
            before = [cpu_seconds_of(pid) for pid in pids]
            began_s = time.monotonic()
            time.sleep(idle_s)
            after = [cpu_seconds_of(pid) for pid in pids]
            passed_s = time.monotonic() - began_s
    idle, bare_idle = (
        100 * (end - start) / passed_s for start, end in zip(before, after, strict=True)
    )
    early = "daemon, first reading"
    return [
        Row(f"RSS after {readings} readings", whole.rss, "MB", floor.rss, {early: first.rss}),
        Row(f"PSS after {readings} readings", whole.pss, "MB", floor.pss, {early: first.pss}),
        Row(f"idle processor over {idle_s:g} s", idle, "% of a core", bare_idle),
    ]
