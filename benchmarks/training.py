"""Stage 1 in spectra per second, against the same network on one fixed batch.

The product's own descent of the MIR autoencoder on a library in a file, mapped into memory, with four
scans of each soil: smooth random spectra of 1,701 points, since speed alone is asked for. A spectrum is
one scan that was drawn, put in and learnt from. Counted is all that an epoch is made of: drawing,
gathering, the means of the repeats, forward, backward, step, and each spectrum's share of the
validation on 15 % of the soils.
Floor: forward, backward and step of the same network with the same loss and the same optimiser, on
one batch that lies ready. Peers: a plain DataLoader without workers over the smallest library, in
memory, that gives a scan and the mean of its soil's scans, and validates nothing; and what the
machine's arithmetic would allow, judged by one large product, if nothing were done but the network's
own products. All take turns in short rounds; figures are medians.
Memory is the peak of a process of its own that sets out on the largest library, less the file's size.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from benchmarks.errors import BenchmarkError
from benchmarks.interleaving import Contestant, interleave
from benchmarks.places import disk_folder
from benchmarks.rows import Goal, Row
from benchmarks.stage1 import (
    BATCH,
    autoencoder,
    batches,
    descent,
    fixed_batch,
    loader_loop,
    mapped_library,
    operations,
    write_library,
)
from training.device import chosen_device, placed
from training.fitting import reproducible

_OF_THE_FLOOR: Final = Goal(">=", 0.85)
_AHEAD: Final = Goal(">=", 1.0, "value")
_FLAT: Final = Goal("<=", 1.1, "value")
"""Ours: to gather from memory beyond the caches may cost something, and a machine has moods."""
_BESIDE_THE_LIBRARY: Final = Goal("<=", 1000.0, "value")

_ROOT: Final = Path(__file__).resolve().parent.parent
_ROUND: Final = 16
"""Batches."""
_PRODUCT: Final = 2048


@dataclass(frozen=True)
class _Effort:
    sizes: tuple[int, ...]
    rounds: int


_FULL: Final = _Effort((10_000, 100_000, 300_000), 40)
_QUICK: Final = _Effort((2_000, 10_000), 4)


def measure(quick: bool, tell: Callable[[str], None]) -> list[Row]:
    """Rows for the processor, for a GPU where there is one, and for memory."""
    effort = _QUICK if quick else _FULL
    devices = dict.fromkeys(("cpu", chosen_device("auto")))
    if len(devices) == 1:
        tell("torch finds no GPU here: only the processor's figures")
    rows: list[Row] = []
    with disk_folder() as folder:
        files = {size: folder / f"{size}.npy" for size in effort.sizes}
        for size, path in files.items():
            tell(f"writing {size:,} spectra")
            write_library(path, size)
        for device in devices:
            rows += _speed(files, device, effort.rounds, tell)
        tell("memory")
        size, path = list(files.items())[-1]
        rows.append(
            Row(
                f"peak memory beside {size:,} spectra",
                _peak_memory_mb(path) - path.stat().st_size / 1e6,
                "MB",
                goal=_BESIDE_THE_LIBRARY,
            )
        )
    return rows


def _speed(
    files: dict[int, Path], device: str, rounds: int, tell: Callable[[str], None]
) -> list[Row]:
    smallest, *_, largest = files
    libraries = {size: mapped_library(path) for size, path in files.items()}
    networks = {name: autoencoder() for name in ("floor", "loader", *files)}
    with ExitStack() as stack:
        stack.enter_context(reproducible(0, device))
        stack.enter_context(placed(*networks.values()))
        descents = {size: descent(networks[size], libraries[size]) for size in files}
        product = torch.randn(_PRODUCT, _PRODUCT, device=device)
        contestants: dict[str, Contestant] = {
            "floor": _round_of(fixed_batch(networks["floor"], libraries[smallest]), device),
            "DataLoader": _round_of(loader_loop(networks["loader"], libraries[smallest]), device),
            "product": _timed(lambda: product @ product, device),
        }
        for size, ours in descents.items():
            contestants[f"learn {size}"] = _round_of(batches(ours), device)
            contestants[f"check {size}"] = _timed(ours.check, device)
        interleave(contestants, 1, 1)
        took = interleave(contestants, rounds, 1, tell=lambda text: tell(f"{device}, {text}"))
    median_s = {name: float(np.median(seconds)) for name, seconds in took.items()}
    cost_s = {
        size: median_s[f"learn {size}"] / (_ROUND * BATCH)
        + median_s[f"check {size}"] / ours.samples
        for size, ours in descents.items()
    }
    floor, loader = (_ROUND * BATCH / median_s[name] for name in ("floor", "DataLoader"))
    peak = 2 * _PRODUCT**3 / median_s["product"] / operations(networks["floor"])
    peers = {"DataLoader": loader, "arithmetic peak": peak}
    rows = [
        Row(f"{size:,} spectra, {device}", 1 / each_s, "spectra/s", floor, peers, _OF_THE_FLOOR)
        for size, each_s in cost_s.items()
    ]
    ahead, flat = 1 / cost_s[largest] / loader, cost_s[largest] / cost_s[smallest]
    rows += [
        Row(f"{largest:,} spectra to DataLoader, {device}", ahead, "times", goal=_AHEAD),
        Row(f"cost at {largest:,} to {smallest:,} spectra, {device}", flat, "times", goal=_FLAT),
    ]
    return rows


def _round_of(learning: Iterator[int], device: str) -> Contestant:
    def batch_after_batch() -> None:
        for _ in islice(learning, _ROUND):
            pass

    return _timed(batch_after_batch, device)


def _timed(work: Callable[[], Any], device: str) -> Contestant:
    def once() -> float:
        began_s = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - began_s

    return once


def _peak_memory_mb(path: Path) -> float:
    command = [sys.executable, "-m", "benchmarks.stage1_memory", str(path)]
    ran = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True)
    if ran.returncode != 0:
        raise BenchmarkError(f"{command[2]} failed", f"run it by hand to see why: {ran.stderr}")
    return float(ran.stdout)
