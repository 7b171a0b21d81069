"""A daemon kept serving until told to stop, with another bundle as soon as updates switch to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from contract.records import Reading
from edge.config import Config
from edge.daemon import Daemon
from edge.errors import StuckError
from edge.notify import notify
from edge.stop_signals import StopSignals
from soil.errors import LoamscanError

if TYPE_CHECKING:
    from edge.updates.installed import Installed

POLL_S = 0.5


def serve(
    config: Config, signals: StopSignals, on_reading: Callable[[Reading], None] | None = None
) -> None:
    """Serve until a stop signal; raises `LoamscanError` where it can't, whatever else ends it as it is."""
    if config.updates is None:
        with Daemon(config, on_reading) as daemon:
            while daemon.failure is None:
                if _stopped(daemon, signals):
                    return
        raise daemon.failure
    # A device that takes no updates starts without it.
    from edge.updates.installed import Installed

    installed = Installed(config, on_reading)
    try:
        while _served(installed, signals):
            pass
    except LoamscanError:
        installed.stopped()
        raise
    installed.stopped()


def _stopped(daemon: Daemon, signals: StopSignals) -> bool:
    """Wait a little for a stop signal.

    systemd is told that all is well, or it ends this process for another: where a sample hangs, and
    where one keeps the interpreter so that nothing here runs any more. It may not have heard the first
    word that this serves, so each says so.
    """
    if not daemon.hangs:
        notify("READY=1\nWATCHDOG=1")
    if signals.wait(POLL_S):
        notify("STOPPING=1")
        return True
    return False


def _served(installed: Installed, signals: StopSignals) -> bool:
    """Whether the daemon ended for another bundle, not for a stop signal.

    systemd hears nothing of such a change, but that this process still lives: its bundle takes time to load.
    """
    notify("WATCHDOG=1")
    with installed.daemon() as daemon:
        while daemon.failure is None:
            if _stopped(daemon, signals):
                return False
            if installed.tend(daemon):
                break
    if daemon.failure is not None:
        raise daemon.failure
    if daemon.is_stuck:
        raise StuckError(
            "a sample is still being judged by the bundle that was given up, so this process ends",
            "start it again: with the bundle before (systemd does)",
        )
    return True
