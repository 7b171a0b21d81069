"""An acknowledging subscriber in a process of its own, as a backend is: it shares no interpreter."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.children import python_child
from benchmarks.errors import BenchmarkError
from edge.demo.subscriber import Subscriber


@contextmanager
def collector(port: int) -> Iterator[None]:
    """Acknowledge every record on the broker at ``port``; subscribed when this gives way."""
    with python_child(["-m", "benchmarks.collector", str(port)], subprocess.PIPE) as process:
        if process.stdout is None or not process.stdout.readline():
            raise BenchmarkError("the collector did not start", "see that the broker runs")
        yield


def main() -> None:
    """Subscribe, say so with a line, and acknowledge until SIGTERM."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    with Subscriber("127.0.0.1", int(sys.argv[1]), lambda *_: None):
        print("subscribed", flush=True)
        signal.sigwait({signal.SIGTERM})


if __name__ == "__main__":
    main()
