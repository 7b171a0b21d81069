"""An embedded MQTT 5 broker on a loopback port, gone when its owner is."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.errors import DemoError

# Without a configuration file the broker refuses MQTT 5 and listens on every interface.
_CONFIGURATION = """
id = 0

[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 10485760
max_segment_count = 10

[v5.1]
name = "v5-1"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
    [v5.1.connections]
    connection_timeout_ms = 60000
    max_payload_size = 65536
    max_inflight_count = 100
"""


@contextmanager
def embedded_broker(folder: Path, port: int | None = None) -> Iterator[int]:
    """Run a broker whose configuration lies in ``folder``; gives its port on 127.0.0.1.

    Raises `DemoError` where the broker's package is missing or it does not start.
    """
    try:
        import iotcore
    except ImportError as error:
        raise DemoError(
            "the embedded broker is not installed", "pip install 'loamscan[demo]'"
        ) from error
    port = port or free_port()
    configuration = folder / "broker.toml"
    configuration.write_text(_CONFIGURATION.format(port=port))
    broker = iotcore.Broker(config_path=str(configuration))
    # A Ctrl-C reaches the whole process group; the broker is to outlive it until all is delivered.
    on_interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        broker.start()
    except (OSError, RuntimeError) as error:
        raise DemoError(f"the embedded broker did not start: {error}") from error
    finally:
        signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield port
    finally:
        broker.stop()


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody holds at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
