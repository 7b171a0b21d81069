"""The floor under the daemon: a script that imports the same packages and does each thing once.

``python -m benchmarks.bare_process GRAPH FOLDER PORT TOPIC`` makes a session of the graph, connects,
runs one inference, commits once, publishes once, and then waits for SIGTERM on an open connection.
"""

from __future__ import annotations

import signal
import sqlite3
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort
import paho.mqtt.client as mqtt
import pydantic  # noqa: F401 - the daemon imports it, so does its floor
import serial  # noqa: F401
from paho.mqtt.enums import CallbackAPIVersion


def main(graph: str, folder: str, port: str, topic: str) -> None:
    """Do it all once, then wait."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.connect("127.0.0.1", int(port), keepalive=30)
    client.loop_start()
    (taken,) = session.get_inputs()
    results = session.run(None, {taken.name: np.full((1, taken.shape[1]), 0.3, np.float32)})
    body = b"".join(result.tobytes() for result in results)
    database = sqlite3.connect(Path(folder) / "bare.sqlite", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE record (number INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    database.execute("INSERT INTO record (body) VALUES (?)", (body,))
    client.publish(topic, body, qos=1).wait_for_publish(10.0)
    signal.sigwait({signal.SIGTERM})


if __name__ == "__main__":
    main(*sys.argv[1:])
