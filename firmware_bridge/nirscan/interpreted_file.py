"""The file in which a NIRscan Nano hands over a scan that it interpreted itself."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firmware_bridge.errors import ProtocolError
from soil.axis import Axis
from soil.errors import AxisError

POINTS_MAX: Final = 864
_TAIL: Final = POINTS_MAX * 8 + POINTS_MAX * 4 + 4
_PADDINGS: Final = (0, 4)
"""Bytes that a compiler adds behind the count, where the structure holds doubles."""

SHORTEST_NM, LONGEST_NM = 600.0, 2600.0
"""Of any instrument of this family, generously."""


class InterpretedScan(NamedTuple):
    """Intensities ``[bands]`` as counts, the dark already subtracted by the instrument."""

    axis: Axis
    counts: NDArray[np.float32]


def interpreted_scan(content: bytes) -> InterpretedScan:
    """The scan at the end of ``content``: wavelengths f64, intensities i32, and how many of 864 count.

    What comes before, configuration and dates, differs between versions and is left alone. Raises
    `ProtocolError` where the end is none of this.
    """
    for padding in _PADDINGS:
        end = len(content) - padding
        if end < _TAIL:
            continue
        scan = _scan(content[end - _TAIL : end])
        if scan is not None:
            return scan
    raise ProtocolError(
        f"a file of {len(content)} bytes ends in no interpreted scan",
        "record the session (loamscan scan --record) and send it to us with the firmware's version",
    )


def _scan(tail: bytes) -> InterpretedScan | None:
    (count,) = struct.unpack_from("<i", tail, _TAIL - 4)
    if not 2 <= count <= POINTS_MAX:
        return None
    nm = np.frombuffer(tail, "<f8", count)
    if not np.all((nm > SHORTEST_NM) & (nm < LONGEST_NM)):
        return None
    try:
        axis = Axis("nm", nm)
    except AxisError:
        return None
    counts = np.frombuffer(tail, "<i4", count, POINTS_MAX * 8)
    return InterpretedScan(axis, counts.astype(np.float32))
