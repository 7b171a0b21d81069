"""What the product does for one reading, counted on the product, so that the floor does the same."""

from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import paho.mqtt.client as mqtt
from numpy.typing import NDArray
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.errors import BenchmarkError
from benchmarks.inner_line import DEVICE, inner_line
from contract.bundle import Bundle
from contract.topics import Topics
from edge.log_file import FILE_NAME
from edge.predictor import Estimate, Predictor

_READINGS = 5
_SETTLE_S = 0.05
"""Long enough for whatever follows a confirmed reading to reach a listener."""


@dataclass(frozen=True)
class Work:
    """One reading's work.

    ``graph`` is the pipeline and ``reflectance`` ``[1, bands]`` what it was given. ``commits`` are
    the bodies that synchronous=FULL commits put on disk, one a commit; ``published`` the payloads
    sent at QoS 1, the reading first.
    """

    graph: bytes
    reflectance: NDArray[np.float32]
    commits: tuple[bytes, ...]
    published: tuple[bytes, ...]

    def __str__(self) -> str:
        """In words, for the report."""
        committed = " + ".join(str(len(body)) for body in self.commits)
        sent = " + ".join(str(len(payload)) for payload in self.published)
        return (
            f"1 run of the pipeline graph, {len(self.commits)} commits with synchronous=FULL "
            f"({committed} B), {len(self.published)} QoS 1 messages ({sent} B)"
        )


def counted_work(bundle: Bundle, folder: Path, port: int) -> Work:
    """Run a few readings through the product, its SQL traced and its messages overheard.

    Needs an acknowledging collector on the broker at ``port``.
    """
    predictor = _NotingPredictor(bundle)
    ledger = _Ledger()
    commits, messages = [], []
    listener = _Listener(port)
    try:
        with inner_line(bundle, folder, port, predictor, ledger.statement) as line:
            for _ in range(_READINGS):
                time.sleep(_SETTLE_S)
                ledger.full_commits = 0
                listener.heard.clear()
                line.once()
                time.sleep(_SETTLE_S)
                commits.append(ledger.full_commits)
                messages.append(tuple(listener.heard))
    finally:
        listener.close()
    with sqlite3.connect(folder / FILE_NAME) as database:
        newest = "SELECT body FROM {} ORDER BY rowid DESC LIMIT 1"
        bodies = [
            database.execute(newest.format(table)).fetchone()[0] for table in ("scan", "record")
        ]
    return Work(
        graph=bundle.files[dict(bundle.manifest.graphs.pipeline)["fp32"]],  # type: ignore[index]
        reflectance=predictor.given,
        commits=_spread(bodies, min(commits)),
        published=min(messages, key=len),
    )


def _spread(bodies: list[bytes], commits: int) -> tuple[bytes, ...]:
    """``bodies`` over so many commits: joined if there are fewer, followed by empty ones if more."""
    if commits < len(bodies):
        return (b"".join(bodies),) * min(commits, 1)
    return (*bodies, *[b""] * (commits - len(bodies)))


class _Ledger:
    """Counts the commits that wait for the disk."""

    def __init__(self) -> None:
        self.full_commits = 0
        self._full = True

    def statement(self, sql: str) -> None:
        if sql.startswith("PRAGMA synchronous="):
            self._full = sql.endswith("FULL")
        elif sql.startswith("COMMIT"):
            self.full_commits += self._full


class _NotingPredictor(Predictor):
    """Remembers what it was last given."""

    given: NDArray[np.float32]

    def predict(self, reflectance: NDArray[np.float32]) -> Estimate:
        self.given = reflectance
        return super().predict(reflectance)


class _Listener:
    """Hears what the product publishes at QoS 1, not what the collector answers."""

    def __init__(self, port: int) -> None:
        self.heard: list[bytes] = []
        ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_message = self._take
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        topics = Topics(DEVICE)
        self._acks = topics.ack
        self._client.subscribe(topics.records.rpartition("/")[0] + "/#", qos=1)
        if not ready.wait(10.0):
            raise BenchmarkError("the broker takes no subscription", "see that it runs")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.topic != self._acks and message.qos == 1:
            self.heard.append(message.payload)
