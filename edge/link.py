"""One MQTT 5 connection, from CONNECT to its end; a new one is a new object.

paho keeps a queue of its own and replays it on reconnect. The record log alone owns retries, so no
client outlives its connection. The socket is served by the thread that made the link: what is
handed to `publish` is on the wire when it returns, if the wire takes it.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.config import MqttSection
from edge.errors import BrokerError

PAHO_IN_FLIGHT = 65_535
"""Above any window of ours, so that paho never queues."""

_NO_MATCHING_SUBSCRIBERS = 0x10
_MAXIMUM_PACKET_BYTES = 65_536
"""Of what the broker may send us: acknowledgements, which are far smaller."""

_HANG_UP_S = 1.0
"""A broker hangs up at once when it hears goodbye. Ours."""


@dataclass(frozen=True)
class Message:
    """Something to publish at QoS 1."""

    topic: str
    payload: bytes
    retain: bool = False


class Link:
    """A connection that tells its owner what happened through four callbacks.

    ``on_taken`` names a packet that the broker took and whether anybody subscribes to it.
    """

    def __init__(self, config: MqttSection, client_id: str, will: Message | None = None) -> None:
        """Prepare a connection; nothing is sent before `open`."""
        self._config = config
        self._where = f"{config.host}:{config.port}"
        self.ended: str | None = None
        self.receive_maximum = 65_535
        self.maximum_packet_bytes: int | None = None
        self.on_ready: Callable[[], None] = lambda: None
        self.on_taken: Callable[[int, bool], None] = lambda *_: None
        self.on_refused: Callable[[int, int, str], None] = lambda *_: None
        self.on_message: Callable[[str, bytes], None] = lambda *_: None
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
        )
        self._client.max_inflight_messages_set(PAHO_IN_FLIGHT)
        if config.username is not None:
            file = config.password_file
            password = None if file is None else read_password(file)
            self._client.username_pw_set(config.username, password)
        if config.tls is not None:
            self._secure(config)
        if will is not None:
            self._client.will_set(will.topic, will.payload, qos=1, retain=will.retain)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_publish = self._published
        self._client.on_subscribe = self._subscribed
        self._client.on_message = lambda _c, _u, m: self.on_message(m.topic, bytes(m.payload))
        self._subscription = ""

    def open(self, subscription: str) -> None:
        """Connect and, once welcome, subscribe; raises `BrokerError` where nobody answers."""
        self._subscription = subscription
        try:
            wanted = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            wanted.MaximumPacketSize = _MAXIMUM_PACKET_BYTES
            self._client.connect(
                self._config.host,
                self._config.port,
                self._config.keepalive_s,
                clean_start=True,
                properties=wanted,
            )
        except (OSError, ValueError) as error:
            raise BrokerError(
                f"no broker at {self._where}: {error}",
                "check [mqtt] host and port, and that the broker runs",
            ) from error
        # Our PUBACK for an acknowledgement is a small write; Nagle would hold the next record back
        # until the broker's delayed ACK for it, 40 ms later.
        link = self._client.socket()
        if isinstance(link, socket.socket):
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        """The socket, for a selector; -1 once it is gone."""
        link = self._client.socket()
        return -1 if link is None else int(link.fileno())

    @property
    def wants_to_write(self) -> bool:
        """Whether bytes wait for the socket."""
        return bool(self._client.want_write())

    def read(self) -> None:
        """Take in what the broker sent; callbacks are called from here."""
        while True:
            self._client.loop_read()
            link = self._client.socket()
            if isinstance(link, socket.socket):
                # The kernel forgets this by itself. Without it a broker that keeps Nagle on holds
                # the collector's word back until our delayed ACK for the PUBACK before it.
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            if not (isinstance(link, ssl.SSLSocket) and link.pending()):
                return

    def write(self) -> None:
        """Send what waits."""
        self._client.loop_write()

    def tend(self) -> None:
        """Keep-alive; call about once a second."""
        self._client.loop_misc()

    def publish(self, message: Message) -> int:
        """Hand over ``message`` at QoS 1; the packet id that `on_taken` will name."""
        return int(
            self._client.publish(message.topic, message.payload, qos=1, retain=message.retain).mid
        )

    def close(self) -> None:
        """Say goodbye, if anybody still listens; the will is not sent. Never from a callback."""
        if self.fileno() < 0:
            return
        listens = self.ended is None
        # paho closes its own the moment that goodbye is said.
        with socket.socket(fileno=os.dup(self.fileno())) as wire:
            self._client.disconnect()
            self._client.loop_write()
            if listens:
                _wait_for_hang_up(wire)

    def _secure(self, config: MqttSection) -> None:
        tls = config.tls
        if tls is None:
            return
        try:
            self._client.tls_set(
                ca_certs=str(tls.ca_file),
                certfile=str(tls.cert_file) if tls.cert_file else None,
                keyfile=str(tls.key_file) if tls.key_file else None,
                tls_version=ssl.PROTOCOL_TLS_CLIENT,
            )
        except (OSError, ValueError) as error:
            raise BrokerError(
                f"the certificates of [mqtt.tls] can't be used: {error}", "check the three files"
            ) from error

    def _connected(
        self,
        _client: Any,
        _data: Any,
        _flags: Any,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self.ended = (
                f"the broker at {self._where} refuses the connection ({reason}); "
                "check [mqtt] username, password_file and certificates"
            )
            return
        if properties is not None:
            self.receive_maximum = getattr(properties, "ReceiveMaximum", self.receive_maximum)
            self.maximum_packet_bytes = getattr(properties, "MaximumPacketSize", None)
        if self._subscription:
            self._client.subscribe(self._subscription, qos=1)
        else:
            self.on_ready()

    def _disconnected(
        self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if self.ended is None:
            self.ended = f"the connection to {self._where} ended ({reason})"

    def _subscribed(
        self, _client: Any, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Any
    ) -> None:
        if reasons[0].is_failure:
            self.ended = (
                f"the broker refuses the subscription to {self._subscription} ({reasons[0]}); "
                "check its access list"
            )
        else:
            self.on_ready()

    def _published(
        self, _client: Any, _data: Any, mid: int, reason: ReasonCode, _properties: Any
    ) -> None:
        if reason.is_failure:
            self.on_refused(mid, int(reason.value), str(reason))
        else:
            self.on_taken(mid, reason.value != _NO_MATCHING_SUBSCRIBERS)


def _wait_for_hang_up(wire: socket.socket) -> None:
    """Until the broker has heard our goodbye: one that is late would take away the next connection's will."""
    wire.settimeout(_HANG_UP_S)
    with suppress(OSError):
        while wire.recv(4096):
            pass


def read_password(path: Path) -> str:
    """The password that the file at ``path`` holds; raises `BrokerError`."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BrokerError(
            f"the password file {path} can't be read: {error}", "check its path and its owner"
        ) from error
