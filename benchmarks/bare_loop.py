"""The floor under a reading: the same graph, commits and messages in a bare loop, nothing around them."""

from __future__ import annotations

import selectors
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import onnxruntime as ort
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.errors import BenchmarkError
from benchmarks.work import Work

_TOPIC = "loamscan-bench/records"  # nobody listens there
_PATIENCE_S = 10.0


class Sender(Protocol):
    """Publishes at QoS 1 and waits."""

    def send(self, payloads: Sequence[bytes]) -> None:
        """Publish ``payloads``; returns when the broker took the first."""
        ...

    def settle(self) -> None:
        """Return when the broker took them all."""
        ...


class BareLoop:
    """One graph run, its commits, its messages: one reading's `Work` after the other, on one thread."""

    def __init__(self, work: Work, database: sqlite3.Connection, sender: Sender) -> None:
        self._work = work
        self._database = database
        self._sender = sender
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(
            work.graph, options, providers=["CPUExecutionProvider"]
        )
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE record (number INTEGER PRIMARY KEY, body BLOB NOT NULL)")

    def once(self) -> float:
        """Seconds from a spectrum on the model axis to the PUBACK of its reading."""
        work, execute = self._work, self._database.execute
        began_s = time.perf_counter()
        self._session.run(None, {"reflectance": work.reflectance})
        for body in work.commits:
            execute("BEGIN IMMEDIATE")
            execute("INSERT INTO record (body) VALUES (?)", (body,))
            execute("COMMIT")
        self._sender.send(work.published)
        took_s = time.perf_counter() - began_s
        self._sender.settle()
        return took_s


class SelectingSender:
    """The leanest: paho's own loop functions on the caller's thread, as the product calls them."""

    def __init__(self, port: int) -> None:
        self._waiting: set[int] = set()
        self._client = _client()
        self._client.on_publish = lambda _c, _u, mid, *_: self._waiting.discard(mid)
        self._client.connect("127.0.0.1", port)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._client.socket(), selectors.EVENT_READ)
        while not self._client.is_connected():
            self._read()

    def send(self, payloads: Sequence[bytes]) -> None:
        """Publish ``payloads``; returns when the broker took the first."""
        sent = [self._client.publish(_TOPIC, payload, qos=1).mid for payload in payloads]
        self._waiting.update(sent)
        while sent[0] in self._waiting:
            self._read()

    def settle(self) -> None:
        """Return when the broker took them all."""
        while self._waiting:
            self._read()

    def close(self) -> None:
        """Say goodbye."""
        self._client.disconnect()
        self._selector.close()

    def _read(self) -> None:
        if not self._selector.select(_PATIENCE_S):
            raise BenchmarkError("the broker is silent", "see that it runs")
        self._client.loop_read()


class ThreadedSender:
    """The usual: paho's network thread, and `wait_for_publish`."""

    def __init__(self, port: int) -> None:
        self._sent: list[mqtt.MQTTMessageInfo] = []
        self._client = _client()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def send(self, payloads: Sequence[bytes]) -> None:
        """Publish ``payloads``; returns when the broker took the first."""
        self._sent = [self._client.publish(_TOPIC, payload, qos=1) for payload in payloads]
        self._sent[0].wait_for_publish(_PATIENCE_S)

    def settle(self) -> None:
        """Return when the broker took them all."""
        for info in self._sent:
            info.wait_for_publish(_PATIENCE_S)

    def close(self) -> None:
        """Say goodbye."""
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def bare_loop(
    work: Work, folder: Path, port: int, sender: type[SelectingSender] | type[ThreadedSender]
) -> Iterator[BareLoop]:
    """A bare loop with its database in ``folder`` and its broker at ``port``."""
    database = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    sending = sender(port)
    try:
        yield BareLoop(work, database, sending)
    finally:
        sending.close()
        database.close()


def _client() -> mqtt.Client:
    return mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
