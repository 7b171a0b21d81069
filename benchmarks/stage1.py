"""Stage 1 as the benchmark runs it: a library in a file, the product's descent, a floor and a peer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from training.axes import MIR_AXIS
from training.fitting import Descent, generator
from training.mir_autoencoder import MirAutoencoder, mir_descent
from training.scan_repeats import ScanRepeats
from training.settings import Settings
from training.stages import VALIDATION_SHARE

REPEATS: Final = 4
"""As in the library of the article: 334,665 scans of 83,971 samples."""

BATCH: Final = Settings().mir_schedule.batch
_SHAPES: Final = 16
_WRITTEN_AT_ONCE: Final = 10_000


def write_library(path: Path, spectra: int) -> None:
    """Smooth random spectra, ``[spectra, 1701]`` float32: sums of a few cosines."""
    rng = np.random.default_rng(spectra)
    bands = len(MIR_AXIS)
    shapes = np.cos(np.outer(np.arange(_SHAPES), np.linspace(0, np.pi, bands))).astype(np.float32)
    file = np.lib.format.open_memmap(path, "w+", np.float32, (spectra, bands))
    for begin in range(0, spectra, _WRITTEN_AT_ONCE):
        part = file[begin : begin + _WRITTEN_AT_ONCE]
        part[:] = rng.random((len(part), _SHAPES), dtype=np.float32) @ shapes
    file.flush()


def mapped_library(path: Path) -> ScanRepeats:
    """The library in ``path``, `REPEATS` scans of each soil in turn, mapped and not read."""
    spectra = np.load(path, mmap_mode="r")
    return ScanRepeats.of(spectra, np.arange(len(spectra)) // REPEATS)


def autoencoder() -> MirAutoencoder:
    """The networks of stage 1 as they are by default."""
    ours = Settings()
    return MirAutoencoder(len(MIR_AXIS), ours.mir_hidden, ours.latent, generator(0, 1))


def descent(both: MirAutoencoder, library: ScanRepeats) -> Descent:
    """The product's descent; neither epochs nor patience come to an end."""
    soils = torch.randperm(len(library), generator=generator(0, 2))
    check, learn = soils.tensor_split([max(1, round(VALIDATION_SHARE * len(soils)))])
    return mir_descent(both, library, learn, check, Settings().mir_schedule, 0)


def batches(of: Descent) -> Iterator[int]:
    """Batch after batch as the product learns from them, without the validation between epochs."""
    while True:
        yield from of.batches()


def fixed_batch(both: MirAutoencoder, library: ScanRepeats) -> Iterator[int]:
    """The floor: the same batch again and again, with the product's loss and optimiser."""
    device = both.encoder.centre.device
    soils = torch.arange(min(BATCH, len(library)))
    scans, mean = library.first(soils).to(device), library.mean(soils).to(device)
    both.begin(library.to(device), soils.to(device))
    rng = generator(0, 3, device)
    adam = torch.optim.AdamW(both.parameters(), lr=1e-4, weight_decay=0.0, fused=True)
    both.train()
    while True:
        adam.zero_grad()
        both.loss(scans, mean, rng).backward()
        adam.step()
        yield len(soils)


class _Soils(Dataset[Any]):
    def __init__(self, library: ScanRepeats) -> None:
        self._scans = library.spectra.clone().unflatten(0, (-1, REPEATS))

    def __len__(self) -> int:
        return len(self._scans)

    def __getitem__(self, soil: int) -> tuple[Any, Any]:
        scans = self._scans[soil]
        return scans[torch.randint(REPEATS, ())], scans.mean(dim=0)


def loader_loop(both: MirAutoencoder, library: ScanRepeats) -> Iterator[int]:
    """The peer: a plain DataLoader over ``library`` in memory, and AdamW as it comes."""
    device = both.encoder.centre.device
    both.begin(library.to(device), torch.arange(len(library), device=device))
    rng = generator(0, 4, device)
    adam = torch.optim.AdamW(both.parameters(), lr=1e-4, weight_decay=0.0)
    loader = DataLoader(_Soils(library), BATCH, shuffle=True, drop_last=True)
    both.train()
    for _ in count():
        for scans, mean in loader:
            adam.zero_grad()
            both.loss(scans.to(device), mean.to(device), rng).backward()
            adam.step()
            yield BATCH


def operations(both: MirAutoencoder) -> int:
    """On one spectrum: two for each weight forward, four backward, two less where a spectrum goes in."""
    layers = [layer for layer in both.modules() if isinstance(layer, torch.nn.Linear)]
    first = (both.encoder.straight, both.encoder.layers[0])
    return sum((4 if layer in first else 6) * layer.weight.numel() for layer in layers)
