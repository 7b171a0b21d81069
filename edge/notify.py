"""Tell systemd how the daemon is (sd_notify(3)); silent where no systemd listens."""

from __future__ import annotations

import os
import socket
from contextlib import suppress


def notify(state: str) -> None:
    """Send ``state``, such as ``READY=1``, to the service manager that started this process."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    # A service manager that is busy keeps nobody from scanning; what matters is said again.
    with socket.socket(socket.AF_UNIX, kind) as link, suppress(OSError):
        if address.startswith("@"):
            address = "\0" + address[1:]
        link.sendto(state.encode(), address)
