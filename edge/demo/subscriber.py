"""A minimal collector: takes each record once, acknowledges it, remembers only in memory.

It serves the demonstration, `loamscan listen` and the tests. What it acknowledges it has handed to
its owner, not to a database.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions
from typing_extensions import Self

from contract.acknowledgement import Receipts, read_acknowledgement
from contract.errors import ContractError
from contract.records import Amendment, Lost, Reading, Void, read_record
from contract.topics import Topics, device_of
from edge.errors import BrokerError

_LOG = logging.getLogger("loamscan.subscriber")

_CONNECT_S = 10.0

OnRecord = Callable[[bytes, Reading | Amendment | Void | Lost], None]


class Subscriber:
    """Hands each record of the devices it hears to ``on_record``, once, in arrival order."""

    def __init__(
        self,
        host: str,
        port: int,
        on_record: OnRecord,
        *,
        device: str = "+",
        acknowledge: bool = True,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        self._address = (host, port)
        self._on_record = on_record
        self._wanted = Topics(device)
        self._acknowledge = acknowledge
        self._receipts: dict[str, Receipts] = {}
        self._ready = threading.Event()
        self._refusal: str | None = None
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        if username is not None:
            self._client.username_pw_set(username, password)
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._heard
        self._client.on_publish = self._acknowledged
        self._client.on_socket_open = _send_at_once
        self._failure: BaseException | None = None
        # One acknowledgement is on its way at a time, and then the newest: it is cumulative.
        self._on_its_way: dict[str, int] = {}
        self._due: dict[str, str] = {}

    def __enter__(self) -> Self:
        """Connect and subscribe; raises `BrokerError` where that can't be had."""
        host, port = self._address
        try:
            self._client.connect(host, port, keepalive=30)
        except (OSError, ValueError) as error:
            raise BrokerError(
                f"no broker at {host}:{port}: {error}", "check host and port, and that it runs"
            ) from error
        self._client.loop_start()
        answered = self._ready.wait(_CONNECT_S)
        if self._refusal or not answered:
            self._client.loop_stop()
            raise BrokerError(
                f"the broker at {host}:{port} does not let us in: {self._refusal or 'no answer'}",
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

    def check(self) -> None:
        """Raise what ``on_record`` raised, which happened on the connection's thread."""
        if self._failure is not None:
            raise self._failure

    def _connected(self, client: Any, _data: Any, _flags: Any, reason: Any, _props: Any) -> None:
        if reason.is_failure:
            self._refusal = str(reason)
            self._ready.set()
            return
        self._on_its_way.clear()
        # The retained acknowledgement is this subscriber's memory across its own restarts.
        client.subscribe([(self._wanted.ack, _QOS), (self._wanted.records, _QOS)])

    def _heard(self, client: Any, _data: Any, message: Any) -> None:
        try:
            device = device_of(message.topic)
            if message.topic == Topics(device).ack:
                if message.retain:
                    ack = read_acknowledgement(message.payload)
                    self._of(ack.log_id).settle(1, ack.committed)
                    if self._acknowledge:
                        # The first word after a silence: the device sends what it still has.
                        self._due[ack.log_id] = message.topic
                        self._send_acknowledgements(client)
                return
            record = read_record(message.payload)
        except ContractError as error:
            _LOG.warning("ignored on %s: %s", message.topic, error)
            return
        receipts = self._of(record.log_id)
        if record.seq not in receipts:
            try:
                self._on_record(message.payload, record)
            except BaseException as error:  # noqa: BLE001 - `check` raises it where it is heard
                self._failure = error
                return
        receipts.settle(record.seq)
        if isinstance(record, Lost):
            receipts.settle(record.first, record.last)
        if self._acknowledge:
            self._due[record.log_id] = Topics(device).ack
            self._send_acknowledgements(client)

    def _send_acknowledgements(self, client: Any) -> None:
        for log_id, topic in list(self._due.items()):
            if log_id not in self._on_its_way:
                del self._due[log_id]
                ack = self._of(log_id).acknowledgement(log_id).to_json()
                self._on_its_way[log_id] = client.publish(topic, ack, qos=1, retain=True).mid

    def _acknowledged(self, client: Any, _data: Any, mid: int, _reason: Any, _props: Any) -> None:
        self._on_its_way = {log: sent for log, sent in self._on_its_way.items() if sent != mid}
        self._send_acknowledgements(client)

    def _subscribed(
        self, _client: Any, _data: Any, _mid: int, reasons: list[Any], _props: Any
    ) -> None:
        self._refusal = next((str(reason) for reason in reasons if reason.is_failure), None)
        self._ready.set()

    def _of(self, log_id: str) -> Receipts:
        return self._receipts.setdefault(log_id, Receipts())


def _send_at_once(_client: Any, _data: Any, link: Any) -> None:
    # An acknowledgement and the PUBACK of what it acknowledges are two small writes: Nagle would
    # hold the second, and with it the next record, until the broker's delayed ACK 40 ms later.
    if isinstance(link, socket.socket):
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


_QOS = SubscribeOptions(qos=1)
