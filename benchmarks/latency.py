"""Decoded scan to PUBACK of its reading, against a bare loop that does the same work.

The product's `Recorder`, `RecordLog`, `Predictor` and `Publisher` run in this process with a real
broker and, in a process of its own, an acknowledging collector. A sample is one replicate in counts.
One reading at a time: the next scan is handed in half a second after the collector's word on the
last reading is in the log. A handheld scanner takes longer than that, and whatever a processor keeps
at hand has gone cold by then, here as on the floor. The rows "in quick succession" rest 5 ms, which
leaves the floor's few steps warm.

Floor, on one thread: one `run` of the pipeline graph, as many SQLite commits with synchronous=FULL
as the product was seen to make for a reading (of the same bytes), and as many QoS 1 messages as it
was overheard to publish (of the same bytes), up to the PUBACK of the first. It keeps no references,
judges nothing, builds no record, and nobody listens to it.
Peers: the floor with paho's network thread and `wait_for_publish`; the floor with the one message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.bare_loop import BareLoop, SelectingSender, ThreadedSender, bare_loop
from benchmarks.brokers import BrokerFactory, brokers
from benchmarks.collector import collector
from benchmarks.inner_line import InnerLine, inner_line
from benchmarks.interleaving import Contestant, interleave
from benchmarks.places import disk_folder, memory_folder, memory_present
from benchmarks.rows import Goal, Row
from benchmarks.work import counted_work
from contract.bundle import Bundle, open_bundle
from edge.config import REFERENCE_BUNDLE

_GOAL = Goal("<=", 1.5)
_SCANNER_PAUSE_S = 0.5
_QUICK_PAUSE_S = 0.005
_THREADED = "bare, paho's thread"
_ONE_MESSAGE = "bare, one message"


@dataclass(frozen=True)
class _Effort:
    paced_blocks: int
    paced_size: int
    blocks: int
    size: int
    warm_up: int
    burst: int


_FULL = _Effort(paced_blocks=10, paced_size=8, blocks=10, size=30, warm_up=20, burst=150)
_QUICK = _Effort(paced_blocks=1, paced_size=2, blocks=2, size=6, warm_up=3, burst=12)


def measure(quick: bool, tell: Callable[[str], None]) -> list[Row]:
    """Rows for the embedded broker in memory and on disk, and for mosquitto where installed."""
    bundle = open_bundle(REFERENCE_BUNDLE)
    effort = _QUICK if quick else _FULL
    found = brokers()
    embedded = next(iter(found))
    rows: list[Row] = []
    if memory_present():
        for name, broker in found.items():
            if name == embedded or not quick:
                goal = _GOAL if name == embedded else None
                with memory_folder() as folder:
                    rows += _rows(f"memory, {name}", bundle, broker, folder, effort, goal, tell)
    else:
        tell("no memory file system here: only the figures on disk")
    if not quick or not rows:
        with disk_folder() as folder:
            rows += _rows(f"disk, {embedded}", bundle, found[embedded], folder, effort, None, tell)
    return rows


def _rows(
    where: str,
    bundle: Bundle,
    broker: BrokerFactory,
    folder: Path,
    effort: _Effort,
    goal: Goal | None,
    tell: Callable[[str], None],
) -> list[Row]:
    with broker(folder) as port, collector(port), _running(bundle, folder, port, tell) as running:
        line, bare, contestants = running
        tell(f"{where}: warming up")
        interleave(contestants, 1, effort.warm_up)
        paced = interleave(
            contestants,
            effort.paced_blocks,
            effort.paced_size,
            _SCANNER_PAUSE_S,
            lambda text: tell(f"{where}, a scanner's pace: {text}"),
        )
        took = interleave(
            contestants,
            effort.blocks,
            effort.size,
            _QUICK_PAUSE_S,
            lambda text: tell(f"{where}, quick succession: {text}"),
        )
        tell(f"{where}: bursts of {effort.burst}")
        bursts = interleave(
            {
                "line": lambda: line.burst(effort.burst),
                "bare": lambda: sum(bare.once() for _ in range(effort.burst)),
            },
            3,
            1,
        )
    rows = []
    # Eighty readings at a scanner's pace hold no 99th percentile.
    for pace, seconds, percents in (
        ("a scanner's pace", paced, (50, 90)),
        ("quick succession", took, (50, 99)),
    ):
        for percent in percents:
            us = {
                name: float(np.percentile(took_s, percent)) * 1e6
                for name, took_s in seconds.items()
            }
            rows.append(
                Row(
                    name=f"p{percent}, {where}, {pace}",
                    value=us.pop("line"),
                    unit="us",
                    floor=us.pop("bare"),
                    peers=us,
                    goal=goal if percent == 50 else None,
                )
            )
    rate = {name: effort.burst / float(np.median(seconds)) for name, seconds in bursts.items()}
    rows.append(Row(f"burst, {where}", rate["line"], "readings/s", floor=rate["bare"]))
    return rows


@contextmanager
def _running(
    bundle: Bundle, folder: Path, port: int, tell: Callable[[str], None]
) -> Iterator[tuple[InnerLine, BareLoop, dict[str, Contestant]]]:
    """The product's line, the bare loop under it, and all that take turns."""
    rooms = {name: folder / name for name in ("counted", "line", "bare", "threaded", "one")}
    for room in rooms.values():
        room.mkdir()
    work = counted_work(bundle, rooms["counted"], port)
    tell(f"the floor does {work}")
    one_message = replace(work, published=work.published[:1])
    with (
        inner_line(bundle, rooms["line"], port) as line,
        bare_loop(work, rooms["bare"], port, SelectingSender) as bare,
        bare_loop(work, rooms["threaded"], port, ThreadedSender) as threaded,
        bare_loop(one_message, rooms["one"], port, SelectingSender) as one,
    ):
        contestants: dict[str, Contestant] = {
            "line": line.once,
            "bare": bare.once,
            _THREADED: threaded.once,
            _ONE_MESSAGE: one.once,
        }
        yield line, bare, contestants
