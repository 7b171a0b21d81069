"""How long one spectrum takes on each exported graph, on the machine that exports."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from export.running import session

Name = TypeVar("Name", bound=str)

CALLS: Final = 100
"""Ours: a second or so in all."""


def one_at_a_time_us(
    graphs: Mapping[Name, bytes], values: NDArray[np.float32]
) -> dict[Name, float]:
    """Median microseconds for one of ``values`` ``[n, k]``, one thread, the graphs in turn."""
    sessions = {name: session(graph) for name, graph in graphs.items()}
    took: dict[Name, list[float]] = {name: [] for name in graphs}
    for call in range(CALLS):
        row = values[call % len(values)][np.newaxis]
        for name, own in sessions.items():
            begun_ns = time.perf_counter_ns()
            own.run(None, {own.get_inputs()[0].name: row})
            took[name].append((time.perf_counter_ns() - begun_ns) / 1e3)
    return {name: float(np.median(each)) for name, each in took.items()}
