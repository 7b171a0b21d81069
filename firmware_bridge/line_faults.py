"""A noisy cable, made on purpose: frames damaged, cut short, preceded by garbage, or not heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from firmware_bridge.framing import Frame

_GARBAGE_MAX: Final = 32
"""Most bytes of garbage before a frame."""


@dataclass(frozen=True)
class LineFaults:
    """How probable each fault is, per frame; ``seed`` makes them come again."""

    damage: float = 0.0
    truncate: float = 0.0
    garbage: float = 0.0
    deafness: float = 0.0
    seed: int = 0


class NoisyLine:
    """Does to frames what `LineFaults` says."""

    def __init__(self, faults: LineFaults) -> None:
        self._faults = faults
        self._random = np.random.default_rng(faults.seed)

    def spoil(self, sent: bytes) -> bytes:
        """The bytes that arrive for a frame's ``sent`` bytes."""
        data = bytearray(sent)
        if self._happens(self._faults.damage):
            data[self._random.integers(len(data))] ^= int(self._random.integers(1, 256))
        if self._happens(self._faults.truncate):
            del data[self._random.integers(len(data)) :]
        if self._happens(self._faults.garbage):
            length = int(self._random.integers(1, _GARBAGE_MAX + 1))
            data = bytearray(self._random.bytes(length)) + data
        return bytes(data)

    def heard(self, frames: list[Frame]) -> list[Frame]:
        """Those of the host's frames that get through."""
        return [frame for frame in frames if not self._happens(self._faults.deafness)]

    def _happens(self, probability: float) -> bool:
        return bool(self._random.random() < probability)
