"""An ear on the broker for what devices say of themselves."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions
from typing_extensions import Self

from contract.topics import Topics
from deploy.errors import DeployError

CONNECT_S: Final = 10.0


class Broker(NamedTuple):
    """Where devices publish, and who we are there."""

    host: str
    port: int
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None

    def ear(self) -> Ear:
        """An ear on it, to be entered."""
        return Ear(self)


class Ear:
    """Hears statuses and events of all devices; retained statuses come first. Comes back by itself."""

    def __init__(self, broker: Broker) -> None:
        """Raises `DeployError` where a file that it names can't be read."""
        self._address = (broker.host, broker.port)
        self._heard: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        try:
            if broker.username is not None:
                file = broker.password_file
                password = file.read_text(encoding="utf-8").strip() if file else None
                self._client.username_pw_set(broker.username, password)
            if broker.ca_file is not None:
                self._client.tls_set(str(broker.ca_file))
        except (OSError, ValueError) as error:
            raise DeployError(
                f"what the broker asks for can't be read: {error}", "check the files named"
            ) from error
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._gone
        self.connection = 0
        """Which connection to the broker this is, counted from 1; 0 while there is none."""
        self._connections = 0
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._take

    def __enter__(self) -> Self:
        """Connect and subscribe; raises `DeployError` where that can't be had."""
        host, port = self._address
        try:
            # Anew each time: it has no name that a broker could know it by again.
            self._client.connect(host, port, keepalive=30, clean_start=True)
        except (OSError, ValueError) as error:
            raise DeployError(
                f"no broker at {host}:{port}: {error}", "check --host and --port, and that it runs"
            ) from error
        self._client.loop_start()
        try:
            refusal = self._answers.get(timeout=CONNECT_S)
        except queue.Empty as error:
            self._client.loop_stop()
            raise DeployError(
                f"nothing at {host}:{port} answers as a broker does",
                "check --host and --port, and whether it wants TLS (--ca-file)",
            ) from error
        if refusal:
            self._client.loop_stop()
            raise DeployError(
                f"the broker at {host}:{port} does not let us in: {refusal}",
                "check user name, password and access list",
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def messages(self, quiet_s: float, at_most_s: float = inf) -> Iterator[tuple[str, bytes]]:
        """Topics and payloads as they come, until none has for ``quiet_s``, or ``at_most_s`` are over."""
        now_s = time.monotonic()
        end_s, until_s = now_s + at_most_s, now_s + quiet_s
        while (left_s := min(until_s, end_s) - time.monotonic()) > 0:
            try:
                yield self._heard.get(timeout=left_s)
            except queue.Empty:
                return
            until_s = time.monotonic() + quiet_s

    def _connected(self, client: Any, _data: Any, _flags: Any, reason: Any, _props: Any) -> None:
        if reason.is_failure:
            self._answers.put(str(reason))
            return
        self._connections += 1
        self.connection = self._connections
        every = Topics("+")
        client.subscribe([(every.status, _QOS), (every.events, _QOS)])

    def _subscribed(
        self, _client: Any, _data: Any, _mid: int, reasons: list[Any], _props: Any
    ) -> None:
        self._answers.put(next((str(reason) for reason in reasons if reason.is_failure), ""))

    def _gone(self, *_: Any) -> None:
        self.connection = 0

    def _take(self, _client: Any, _data: Any, message: Any) -> None:
        self._heard.put((message.topic, message.payload))


_QOS = SubscribeOptions(qos=1)
