"""What the kernel says of a running process: memory and processor time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Memory:
    """Resident memory in MB: all of it, and with shared pages counted in proportion."""

    rss: float
    pss: float


def memory_of(pid: int) -> Memory:
    """Memory of the process ``pid`` now."""
    kb = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        kb[name] = int(rest.split()[0])
    return Memory(rss=kb["Rss"] * 1024 / 1e6, pss=kb["Pss"] * 1024 / 1e6)


def cpu_seconds_of(pid: int) -> float:
    """Processor time of all threads of ``pid`` so far; to the nanosecond where the kernel tells."""
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
    except OSError:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def peak_memory_mb() -> float:
    """The most memory that was resident of this process so far, mapped files among it, in MB."""
    peak = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line
    )
    return int(peak.split()[1]) * 1024 / 1e6
