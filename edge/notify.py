"""Tell systemd how the daemon is (sd_notify(3)); silent where no systemd listens."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> None:
    """Send ``state``, such as ``READY=1``, to the service manager that started this process."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as link:
        if address.startswith("@"):
            address = "\0" + address[1:]
        link.sendto(state.encode(), address)
