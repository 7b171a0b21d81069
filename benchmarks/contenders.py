"""The daemon as users start it, and the bare process under it, each publishing on a broker."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.children import check_alive, python_child
from benchmarks.errors import BenchmarkError
from contract.bundle import Bundle
from contract.topics import Topics

DEVICE = "bench"
RECORDS = Topics(DEVICE).records
BARE = "loamscan-bench/bare"

_PATIENCE_S = 30.0


@contextmanager
def daemon(folder: Path, scanner_url: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`loamscan run` with one replicate a sample and a fresh log in ``folder``."""
    folder.mkdir()
    path = folder / "loamscan.toml"
    path.write_text(
        f"""
[device]
id = "{DEVICE}"
[scanner]
url = "{scanner_url}"
[sample]
replicates = 1
[log]
directory = "log"
[mqtt]
host = "127.0.0.1"
port = {port}
"""
    )
    with python_child(["-m", "loamscan", "run", "--config", str(path)]) as process:
        yield process


@contextmanager
def bare_process(folder: Path, bundle: Bundle, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The bare process, on the pipeline graph of ``bundle``."""
    folder.mkdir()
    graph = folder / "pipeline.onnx"
    graph.write_bytes(bundle.files[dict(bundle.manifest.graphs.pipeline)["fp32"]])  # type: ignore[index]
    arguments = ["-m", "benchmarks.bare_process", str(graph), str(folder), str(port), BARE]
    with python_child(arguments) as process:
        yield process


class Arrivals:
    """Counts the messages on each topic of a broker, and waits for them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._counts: dict[str, int] = {}
        self._news = threading.Condition()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_message = self._arrived

    def __enter__(self) -> Arrivals:
        ready = threading.Event()
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        self._client.subscribe([(RECORDS, 1), (BARE, 1)])
        if not ready.wait(_PATIENCE_S):
            raise BenchmarkError("the broker takes no subscription", "see that it runs")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def forget(self) -> None:
        """Count from nothing again."""
        with self._news:
            self._counts.clear()

    def wait_for(self, topic: str, count: int, process: subprocess.Popen[bytes]) -> None:
        """Wait until ``count`` messages from ``process`` came on ``topic``."""
        until_s = time.monotonic() + _PATIENCE_S
        with self._news:
            while self._counts.get(topic, 0) < count:
                self._news.wait(0.5)
                check_alive(process, f"what publishes on {topic}")
                if time.monotonic() > until_s:
                    raise BenchmarkError(f"nothing more on {topic}", "run the daemon by hand")

    def _arrived(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        with self._news:
            self._counts[message.topic] = self._counts.get(message.topic, 0) + 1
            self._news.notify()
