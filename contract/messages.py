"""Messages that are no records: a device's status, its newest state, and events."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from contract.identity import RecordId
from contract.reasons import Verdict
from contract.records import Device, Part, ReasonGiven, UtcTime
from contract.rollout import Channel, RolloutId

FAULT_LENGTH_MAX = 200
ENGINES_MAX = 8
"""A status is a message, and the will too: brokers refuse great ones."""


class EngineFigures(Part):
    """An engine that a device could have used: how right and how fast it is there, or its fault.

    Times are the median for one spectrum, at a scanner's pace and in a tight loop.
    """

    engine: Annotated[str, Field(max_length=64)]
    fault: Annotated[str, Field(max_length=FAULT_LENGTH_MAX)] | None = None
    golden_error_over_tolerance: float | None = None
    paced_p50_us: float | None = None
    tight_p50_us: float | None = None


UpdateStep = Literal[
    "fetching", "proving", "trial", "probation", "committed", "failed", "rolled back", "withdrawn"
]
"""Where a device stands with a bundle: on its way in the first four, over in the others."""


class UpdateStanding(Part):
    """Where a device stands with its newest update. ``reason`` is that of its newest event."""

    step: UpdateStep
    bundle: str
    version: str
    rollout: RolloutId | None = None
    reason: ReasonGiven | None = None


class ScannerSeen(Part):
    """The scanner that a device has, or had last."""

    model: str
    serial: str


class Status(Part):
    """Whether a device is there; the will says ``offline``."""

    schema_: str = Field(alias="schema", pattern=r"^loamscan\.status/1(\.\d+)?$")
    status: Literal["online", "sleeping", "offline"]
    device: Device
    agent: str
    bundle: str
    bundle_version: str
    engine: str
    engines: Annotated[list[EngineFigures], Field(max_length=ENGINES_MAX)] | None = None
    log_id: RecordId
    scanner: ScannerSeen | None = None
    channel: Channel | None = None
    device_class: str | None = None
    update: UpdateStanding | None = None


class StateValue(Part):
    """One number for a dashboard."""

    value: float | None
    lower: float | None
    upper: float | None
    unit: str


class State(Part):
    """The newest live reading, small. Not the record of truth: it is retained and overwritten."""

    schema_: str = Field(alias="schema", pattern=r"^loamscan\.state/1(\.\d+)?$")
    id: RecordId
    measured_at: UtcTime
    sample: str
    verdict: Verdict
    synthetic: bool
    texture: str | None
    properties: dict[str, StateValue]


class Event(Part):
    """Something happened that an operator may want to know."""

    schema_: str = Field(alias="schema", pattern=r"^loamscan\.event/1(\.\d+)?$")
    device: Device
    at: UtcTime
    reason: ReasonGiven
    details: dict[str, str | int | float] = {}
