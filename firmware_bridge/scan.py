"""One scan as an instrument delivered it, and what the instrument says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from soil.axis import Axis

ScanRole = Literal["sample", "white", "dark"]
ScanKind = Literal["counts", "reflectance"]


class Scan(NamedTuple):
    """One replicate, untouched: values ``[bands]`` float32 as sent, NaN and nonsense included.

    ``session`` (random, new at every power-on of the scanner) and ``number`` (counting from 1 in
    it) name a scan for good, so that one sent twice is recognised. ``label`` is what the scanner's
    bar-code reader or keypad says of the sample, empty where it has none. ``full_scale`` is the
    count at which the detector saturates, 0 where the kind is not counts. Reflectance is a
    fraction. ``measured_at`` (UTC) is there where a scan comes from a file that says when it was
    taken; any other was taken when it came.
    """

    session: int
    number: int
    role: ScanRole
    kind: ScanKind
    axis: Axis
    values: NDArray[np.float32]
    scan_time_ms: int
    temperature_c: float | None = None
    battery_pct: int | None = None
    full_scale: float = 0.0
    label: str = ""
    measured_at: datetime | None = None


@dataclass(frozen=True)
class Instrument:
    """What a scanner says it is. ``capabilities`` are data: what is not in it can't be asked for.

    `measure` (takes requests), `trigger` (scans of its own accord), `label`, `lamp` (switched for each
    scan), `temperature`, `humidity`, `battery`, `faults` (says what is wrong, and can be told to forget).
    """

    model: str
    serial: str
    firmware: str
    session: int
    capabilities: frozenset[str] = frozenset()


InstrumentState = Literal["ready", "measuring", "warming up", "fault"]


@dataclass(frozen=True)
class Condition:
    """How a scanner is now; None is not known, and ``faults`` are in its own words."""

    state: InstrumentState | None = None
    temperature_c: float | None = None
    humidity_pct: float | None = None
    battery_pct: int | None = None
    battery_v: float | None = None
    faults: tuple[str, ...] = ()
