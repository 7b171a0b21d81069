"""A bad cable, made on purpose: bytes flipped, dropped, doubled or cut off, garbage, deafness, stalls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import inf
from typing import Final

import numpy as np

_GARBAGE_MAX: Final = 32
"""Most bytes of garbage before a part."""


@dataclass(frozen=True)
class LineFaults:
    """How probable each fault is, for each part that a device says; ``seed`` makes them come again.

    ``damage`` flips bits of a byte, ``drop`` leaves one out, ``double`` says one twice, ``truncate``
    cuts the part off, ``garbage`` comes before it; of what the host says, ``deafness`` is not heard and
    ``mishearing`` is heard with a byte's bits flipped. ``stall`` stops a part in its midst for
    ``stall_s``; every part comes ``late_s`` late. ``start_up`` bytes of garbage come when the device is
    switched on; after ``unplug_after`` bytes it is unplugged (0: never).
    """

    damage: float = 0.0
    drop: float = 0.0
    double: float = 0.0
    truncate: float = 0.0
    garbage: float = 0.0
    deafness: float = 0.0
    mishearing: float = 0.0
    stall: float = 0.0
    stall_s: float = 1.0
    late_s: float = 0.0
    start_up: int = 0
    unplug_after: int = 0
    seed: int = 0


SHARES: Final = (
    *("damage", "drop", "double", "truncate", "garbage", "deafness", "mishearing", "stall"),
)


def faults_in(words: Sequence[str], seed: int = 0) -> LineFaults:
    """The faults in words such as ``damage=0.1``; raises `ValueError` on others."""
    kinds = {name: type(none) for name, none in asdict(LineFaults()).items()}
    found = {}
    for word in words:
        name, _, number = word.partition("=")
        try:
            found[name] = kinds[name](number)
        except (KeyError, ValueError):
            found[name] = -1
        most = 1 if name in SHARES else inf
        if not 0 <= found[name] <= most or found[name] == inf:
            raise ValueError(
                f"{word!r}: write NAME=NUMBER; shares of 0 to 1 are {', '.join(SHARES)}; others are "
                f"{', '.join(kind for kind in kinds if kind not in SHARES)}"
            )
    return LineFaults(**{"seed": seed, **found})


class NoisyLine:
    """Does to bytes what `LineFaults` says."""

    def __init__(self, faults: LineFaults) -> None:
        self._faults = faults
        self._random = np.random.default_rng(faults.seed)

    def start_up(self) -> bytes:
        """What a device that is switched on leaves on the line."""
        return self._random.bytes(self._faults.start_up)

    def arrivals(self, sent: bytes, now_s: float) -> list[tuple[float, bytes]]:
        """What arrives for a part's ``sent`` bytes, and when."""
        data, at_s = self._spoilt(sent), now_s + self._faults.late_s
        if not data or not self._happens(self._faults.stall):
            return [(at_s, data)]
        at = self._at(data)
        return [(at_s, data[:at]), (at_s + self._faults.stall_s, data[at:])]

    def heard(self, said: bytes) -> bytes:
        """What the device hears of what the host ``said`` at once."""
        if self._happens(self._faults.deafness):
            return b""
        data = bytearray(said)
        if data and self._happens(self._faults.mishearing):
            self._flip(data)
        return bytes(data)

    def _spoilt(self, sent: bytes) -> bytes:
        data = bytearray(sent)
        if data and self._happens(self._faults.damage):
            self._flip(data)
        if data and self._happens(self._faults.drop):
            del data[self._at(data)]
        if data and self._happens(self._faults.double):
            at = self._at(data)
            data.insert(at, data[at])
        if data and self._happens(self._faults.truncate):
            del data[self._at(data) :]
        if self._happens(self._faults.garbage):
            length = int(self._random.integers(1, _GARBAGE_MAX + 1))
            data = bytearray(self._random.bytes(length)) + data
        return bytes(data)

    def _flip(self, data: bytearray) -> None:
        data[self._at(data)] ^= int(self._random.integers(1, 256))

    def _at(self, data: bytes | bytearray) -> int:
        return int(self._random.integers(len(data)))

    def _happens(self, probability: float) -> bool:
        return bool(self._random.random() < probability)
