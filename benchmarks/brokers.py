"""Real brokers on a free loopback port: the embedded one, and mosquitto where it is installed."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from benchmarks.children import check_alive, child
from benchmarks.errors import BenchmarkError
from edge.demo.broker import embedded_broker, free_port

_START_S = 10.0


class BrokerFactory(Protocol):
    """Runs a broker whose files may lie in ``folder``; gives its port."""

    def __call__(self, folder: Path) -> AbstractContextManager[int]: ...  # noqa: D102


def brokers() -> dict[str, BrokerFactory]:
    """The brokers to be had here, by name; the embedded one first."""
    found: dict[str, BrokerFactory] = {"iotcore": embedded_broker}
    if _mosquitto() is not None:
        found["mosquitto"] = mosquitto_broker
    return found


@contextmanager
def mosquitto_broker(folder: Path) -> Iterator[int]:
    """A mosquitto set up as in deploy/, without its passwords; gives its port."""
    program = _mosquitto()
    if program is None:
        raise BenchmarkError("mosquitto is not installed", "apt-get install mosquitto")
    port = free_port()
    configuration = folder / "mosquitto.conf"
    configuration.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
        "set_tcp_nodelay true\n"
    )
    with child([program, "-c", str(configuration)]) as process:
        until_s = time.monotonic() + _START_S
        while not _answers(port):
            check_alive(process, "mosquitto")
            if time.monotonic() > until_s:
                raise BenchmarkError("mosquitto does not answer", "run it by hand to see why")
            time.sleep(0.02)
        yield port


def _mosquitto() -> str | None:
    # Debian installs it where only root's search path looks.
    return shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.2):
            return True
    except OSError:
        return False
