"""The wall clock, how far it can be trusted, and this boot's name."""

from __future__ import annotations

import ctypes
import time
from datetime import datetime, timezone
from functools import cache, lru_cache
from pathlib import Path

from contract.records import TimeQuality

_STA_UNSYNC = 0x0040
_TIMEX_BYTES = 256
_STATUS_OFFSET = 40


def now() -> datetime:
    """The device's wall clock, UTC, to the millisecond that records keep."""
    moment = datetime.now(timezone.utc)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def running_s() -> float:
    """Seconds since the boot, suspended or not, whatever the wall clock does."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def time_quality() -> TimeQuality:
    """``ntp`` while the kernel says that its clock is synchronised, ``unknown`` otherwise.

    Asks adjtimex(2), which chrony, ntpd and systemd-timesyncd all report to, once a second.
    """
    return _time_quality_in(int(running_s()))


@lru_cache(maxsize=1)
def _time_quality_in(_second: int) -> TimeQuality:
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)
    try:
        answer = _libc().adjtimex(timex)
    except (OSError, AttributeError):
        return "unknown"
    status = int.from_bytes(timex.raw[_STATUS_OFFSET : _STATUS_OFFSET + 4], "little")
    return "ntp" if answer >= 0 and not status & _STA_UNSYNC else "unknown"


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


@cache
def boot_id() -> str:
    """The kernel's random name of this boot; empty where there is none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
