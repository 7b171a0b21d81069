"""Real parts that tests run against: brokers, and a daemon in a process of its own."""

from __future__ import annotations

import importlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGTERM
from types import ModuleType
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from contract.records import Reading
from edge.demo.subscriber import Subscriber
from edge.log_file import log_progress

REPOSITORY = Path(__file__).parent.parent

QUICK: dict[str, Any] = {"baud": None, "scan_time_ms": 0, "resend_s": 0.2}
"""A virtual scanner without pacing."""


def need(program: str) -> str:
    """The path of ``program``; without it the test is skipped, or fails where nothing may be."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        missing = f"{program} is not installed"
        if os.environ.get("LOAMSCAN_STRICT") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    return path


def part(module: str) -> ModuleType:
    """The module; without it the test is skipped, or fails where nothing may be."""
    if os.environ.get("LOAMSCAN_STRICT") == "1" and sys.version_info >= (3, 11):
        return importlib.import_module(module)
    found: ModuleType = pytest.importorskip(module)
    return found


@dataclass
class Mosquitto:
    """A mosquitto with the configuration of `deploy/`, that can be stopped and started again."""

    folder: Path
    port: int
    passwords: dict[str, str]
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        said = (self.folder / "mosquitto.txt").open("ab")
        self._process = subprocess.Popen(
            [need("mosquitto"), "-c", self.folder / "mosquitto.conf"],
            cwd="/",
            stdout=said,
            stderr=said,
        )
        for _ in range(100):
            if listens(self.port):
                return
            time.sleep(0.05)
        raise AssertionError((self.folder / "mosquitto.txt").read_text())

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None


@dataclass
class DaemonProcess:
    """`loamscan run` on a folder of its own; may be killed and started again."""

    folder: Path
    settings: dict[str, dict[str, Any]]
    _process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def log_folder(self) -> Path:
        return self.folder / "log"

    @property
    def said(self) -> str:
        return (self.folder / "daemon.txt").read_text(errors="replace")

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def write(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "loamscan.toml"
        path.write_text(_toml(self.settings))
        return path

    def start(self) -> None:
        path = self.write()
        with (self.folder / "daemon.txt").open("ab") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "loamscan", "run", "-v", "--config", str(path)],
                stdout=said,
                stderr=said,
            )

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def send(self, signal: int) -> None:
        assert self._process is not None
        self._process.send_signal(signal)

    def stop(self) -> int:
        self.send(SIGTERM)
        assert self._process is not None
        return self._process.wait(20)

    def wait(self, timeout_s: float = 20.0) -> int:
        assert self._process is not None
        return self._process.wait(timeout_s)


def until(condition: Callable[[], bool], timeout_s: float = 30.0, what: str = "") -> None:
    """Wait for ``condition``; the test fails if it does not come true."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, f"waited {timeout_s:g} s in vain for {what or condition}"
        time.sleep(0.02)


def delivered(daemon: DaemonProcess, at_least: int = 1) -> bool:
    """Whether the daemon knows that everything it wrote is confirmed."""
    newest, committed = log_progress(daemon.log_folder)
    return newest >= at_least and newest == committed


@contextmanager
def collector(port: int, mosquitto: Mosquitto | None = None) -> Iterator[list[Reading]]:
    readings: list[Reading] = []
    login = (
        {"username": "collector", "password": mosquitto.passwords["collector"]} if mosquitto else {}
    )

    def take(_payload: bytes, record: object) -> None:
        if isinstance(record, Reading):
            readings.append(record)

    with Subscriber("127.0.0.1", port, take, **login):
        yield readings


def log_in(daemon: DaemonProcess, mosquitto: Mosquitto, name: str = "ls-0001") -> None:
    password = daemon.folder / "password"
    password.parent.mkdir(parents=True, exist_ok=True)
    password.write_text(mosquitto.passwords[name] + "\n")
    daemon.settings["mqtt"] |= {
        "port": mosquitto.port,
        "username": name,
        "password_file": "password",
    }


class Ear:
    """Hears everything on a broker, as (topic, payload, retained)."""

    def __init__(self, port: int, username: str | None = None, password: str | None = None) -> None:
        self.heard: list[tuple[str, bytes, bool]] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        if username is not None:
            self._client.username_pw_set(username, password)
        self._client.on_connect = lambda client, *_: client.subscribe("loamscan/#", qos=1)
        self._client.on_message = lambda _c, _u, m: self.heard.append(
            (m.topic, m.payload, m.retain)
        )
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def on(self, topic: str) -> list[bytes]:
        return [payload for where, payload, _ in self.heard if where == topic]

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def _toml(settings: dict[str, dict[str, Any]]) -> str:
    lines = []
    for section, keys in settings.items():
        lines.append(f"[{section}]")
        lines += [
            f"{k} = {str(v).lower() if isinstance(v, bool) else repr(v)}" for k, v in keys.items()
        ]
    return "\n".join(lines) + "\n"


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
