"""Process start to the first reading at a subscriber, beside a bare script that publishes once.

`loamscan run` finds an unpaced virtual scanner in counts: it reads and proves its bundle, opens its
log, takes a dark and a white reference and a sample, and publishes the reading. The floor imports the
same packages, makes a session of the same graph, connects, runs it once, commits once, publishes
once. Both start in turn, on a memory file system where there is one, after a first start of each that
does not count. The peer is an interpreter that imports nothing, start to end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count

import numpy as np

from benchmarks.brokers import brokers
from benchmarks.children import python_child
from benchmarks.contenders import BARE, RECORDS, Arrivals, bare_process, daemon
from benchmarks.interleaving import interleave
from benchmarks.places import memory_folder
from benchmarks.rows import Row
from benchmarks.soils import unpaced_scanner
from contract.bundle import open_bundle
from edge.config import REFERENCE_BUNDLE


def measure(quick: bool, tell: Callable[[str], None]) -> list[Row]:
    """One row: the median start."""
    starts = 1 if quick else 10
    bundle = open_bundle(REFERENCE_BUNDLE)
    broker = next(iter(brokers().values()))
    with memory_folder() as folder, broker(folder) as port, Arrivals(port) as arrivals:
        names = (folder / str(number) for number in count())

        def start_daemon() -> float:
            with unpaced_scanner(1) as scanner:
                arrivals.forget()
                began_s = time.perf_counter()
                with daemon(next(names), scanner.url, port) as process:
                    arrivals.wait_for(RECORDS, 1, process)
                    return time.perf_counter() - began_s

        def start_bare() -> float:
            arrivals.forget()
            began_s = time.perf_counter()
            with bare_process(next(names), bundle, port) as process:
                arrivals.wait_for(BARE, 1, process)
                return time.perf_counter() - began_s

        def start_interpreter() -> float:
            began_s = time.perf_counter()
            with python_child(["-c", ""]) as process:
                process.wait()
                return time.perf_counter() - began_s

        contestants = {
            "daemon": start_daemon,
            "bare": start_bare,
            "interpreter alone": start_interpreter,
        }
        tell("first starts, not counted")
        interleave(contestants, 1, 1)
        took = interleave(contestants, starts, 1, tell=tell)
    ms = {name: float(np.median(seconds)) * 1e3 for name, seconds in took.items()}
    return [
        Row(
            f"start to first reading, median of {starts}",
            ms.pop("daemon"),
            "ms",
            ms.pop("bare"),
            ms,
        )
    ]
