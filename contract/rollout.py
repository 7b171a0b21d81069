"""Rollouts: which devices are to run which bundle, as data that an online key signs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import Field, StringConstraints, ValidationError, model_validator

from contract.errors import ContractError, first_fault
from contract.records import Part, UtcTime
from contract.version import Version, version_key

RolloutId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Channel = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]

ROLLOUTS_MAX: Final = 256
"""In one file: a device reads it each time it looks. Ours."""


class Constraints(Part):
    """What a device must be to take part; what is empty asks for nothing."""

    device_classes: Annotated[
        list[Annotated[str, StringConstraints(max_length=64)]], Field(max_length=64)
    ] = []
    minimum_agent: Version | None = None
    minimum_free_bytes: int = Field(default=0, ge=0)
    scanner_covers_nm: tuple[float, float] | None = None


class Rollout(Part):
    """A bundle for a share of the devices on a channel.

    ``share_pct`` is of all devices on the channel, by a hash of rollout and device: raising it keeps
    those who are in. A device that has not taken it by the ``deadline`` does not begin any more, and
    one that has not said how it went counts as failed. ``halted`` begins nowhere.
    """

    id: RolloutId
    bundle: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    version: Version
    channel: Channel = "stable"
    share_pct: float = Field(ge=0, le=100)
    starts_at: UtcTime
    deadline: UtcTime
    halted: bool = False
    constraints: Constraints = Constraints()

    @model_validator(mode="after")
    def _in_order(self) -> Rollout:
        if self.deadline <= self.starts_at:
            raise ValueError("the deadline lies before the start")
        return self


class Rollouts(Part):
    """All rollouts, the oldest first."""

    schema_: str = Field(alias="schema", pattern=r"^loamscan\.rollouts/1(\.\d+)?$")
    rollouts: Annotated[list[Rollout], Field(max_length=ROLLOUTS_MAX)]

    @model_validator(mode="after")
    def _named_once(self) -> Rollouts:
        if len({rollout.id for rollout in self.rollouts}) < len(self.rollouts):
            raise ValueError("two rollouts have the same id")
        return self


class Fitness(NamedTuple):
    """What of a device decides whether a rollout is for it."""

    device: str
    channel: str
    device_class: str
    agent: str
    free_bytes: int
    scanner_nm: tuple[float, float]
    """Ends of the scanner's axis; of the running bundle's, where no scanner was seen yet."""


Refusal = Literal[
    "halted", "not begun", "past its deadline", "another channel", "another device class",
    "another scanner axis", "needs a newer agent", "too little room", "not in the share",
]  # fmt: skip


def place_pct(rollout: str, device: str) -> float:
    """Where ``device`` stands among all, 0 to 100, anew for each rollout: below the share it is in."""
    digest = hashlib.sha256(f"{rollout}\0{device}".encode()).digest()
    return 100.0 * int.from_bytes(digest[:8], "big") / 2**64


def refusal(rollout: Rollout, fitness: Fitness, now: datetime) -> Refusal | None:
    """Why ``rollout`` is not for this device now; None where it is."""
    wanted = rollout.constraints
    if rollout.halted:
        return "halted"
    if rollout.channel != fitness.channel:
        return "another channel"
    if wanted.device_classes and fitness.device_class not in wanted.device_classes:
        return "another device class"
    if wanted.scanner_covers_nm is not None:
        (low, high), (from_nm, to_nm) = wanted.scanner_covers_nm, fitness.scanner_nm
        if from_nm > low or to_nm < high:
            return "another scanner axis"
    if wanted.minimum_agent and version_key(fitness.agent) < version_key(wanted.minimum_agent):
        return "needs a newer agent"
    if place_pct(rollout.id, fitness.device) >= rollout.share_pct:
        return "not in the share"
    if now < rollout.starts_at:
        return "not begun"
    if now >= rollout.deadline:
        return "past its deadline"
    if fitness.free_bytes < wanted.minimum_free_bytes:
        return "too little room"
    return None


def offered(rollouts: Iterable[Rollout], fitness: Fitness, now: datetime) -> Rollout | None:
    """The newest rollout that is for this device now, or None."""
    found = [rollout for rollout in rollouts if refusal(rollout, fitness, now) is None]
    return found[-1] if found else None


def read_rollouts(text: bytes) -> Rollouts:
    """Parse the file of rollouts; raises `ContractError`."""
    try:
        return Rollouts.model_validate_json(text)
    except ValidationError as error:
        raise ContractError(f"no file of rollouts: {first_fault(error)}") from error
