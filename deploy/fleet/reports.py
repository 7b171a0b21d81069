"""What devices say of themselves and of rollouts, folded from their statuses and events."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal, NamedTuple, get_args

from pydantic import ValidationError

from contract.errors import ContractError
from contract.messages import Event, Status, UpdateStep
from contract.rollout import Rollout, place_pct
from contract.topics import Topics, device_of
from deploy.errors import DeployError

_OVER: Final = ("committed", "failed", "rolled back", "withdrawn")
FAILED_STEPS: Final = ("failed", "rolled back")
_STEPS: Final = get_args(UpdateStep)

Counted = Literal["failed", "silent"]


class Reports:
    """The newest status of each device, and its last word on each rollout."""

    def __init__(self) -> None:
        self.statuses: dict[str, Status] = {}
        self._words: dict[tuple[str, str], UpdateStep] = {}

    def heard(self, topic: str, payload: bytes) -> Status | Event | None:
        """Take a message in; what it is, or None for what is none of these.

        A device is believed about itself alone, which the broker's access list sees to.
        """
        try:
            device = device_of(topic)
            if topic == Topics(device).status:
                return self._status(device, Status.model_validate_json(payload))
            if topic == Topics(device).events:
                return self._event(device, Event.model_validate_json(payload))
        except (ContractError, ValidationError):
            pass
        return None

    def word(self, device: str, rollout: str) -> UpdateStep | None:
        """The last that a device said of a rollout."""
        return self._words.get((device, rollout))

    def _status(self, device: str, status: Status) -> Status | None:
        if status.device.id != device:
            return None
        self.statuses[device] = status
        if status.update is not None and status.update.rollout is not None:
            self._words[device, status.update.rollout] = status.update.step
        return status

    def _event(self, device: str, event: Event) -> Event | None:
        if event.device.id != device:
            return None
        rollout, step = event.details.get("rollout"), event.details.get("step")
        if not isinstance(rollout, str) or step not in _STEPS:
            return event
        # An event may come again, or late: what is over stays over.
        if self._words.get((device, rollout)) not in _OVER or step in FAILED_STEPS:
            self._words[device, rollout] = step  # type: ignore[assignment]
        return event


class Tally(NamedTuple):
    """How a rollout stands with the devices in its share, by their ids."""

    committed: list[str]
    failed: list[str]
    coming: list[str]
    silent: list[str]

    @property
    def devices(self) -> int:
        """All of them."""
        return sum(map(len, self))

    def share_pct(self, counted: Counted) -> float:
        """Of all devices in the rollout's share, those that failed or are silent."""
        return 100.0 * len(getattr(self, counted)) / self.devices if self.devices else 0.0


def tally(rollout: Rollout, reports: Reports, now: datetime) -> Tally:
    """Count the devices in the share that a broker knows; at the deadline who is not done has failed."""
    result = Tally([], [], [], [])
    for device, status in sorted(reports.statuses.items()):
        if not _is_meant(rollout, device, status):
            continue
        word = reports.word(device, rollout.id)
        if word == "committed":
            result.committed.append(device)
        elif word in FAILED_STEPS or now >= rollout.deadline:
            result.failed.append(device)
        elif word is None or word == "withdrawn":
            result.silent.append(device)
        else:
            result.coming.append(device)
    return result


class Condition(NamedTuple):
    """When to halt: more than so many per cent of the devices in the share failed, or are silent."""

    counted: Counted
    above_pct: float

    def holds(self, found: Tally) -> bool:
        """Whether it is time."""
        return found.share_pct(self.counted) > self.above_pct


def read_condition(text: str) -> Condition:
    """``failed > 2 %`` as a condition; raises `DeployError`."""
    found = re.fullmatch(r"\s*(failed|silent)\s*>\s*(\d+(?:\.\d+)?)\s*%\s*", text)
    if found is None:
        raise DeployError(f"{text!r} is no condition", 'write "failed > 2 %", or "silent > 50 %"')
    counted: Counted = "failed" if found[1] == "failed" else "silent"
    return Condition(counted, float(found[2]))


def versions(statuses: Iterable[Status]) -> dict[str, int]:
    """How many devices run which bundle."""
    counts: dict[str, int] = {}
    for status in statuses:
        name = f"{status.bundle} {status.bundle_version}"
        counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _is_meant(rollout: Rollout, device: str, status: Status) -> bool:
    classes = rollout.constraints.device_classes
    return (
        status.channel == rollout.channel
        and (not classes or status.device_class in classes)
        and place_pct(rollout.id, device) < rollout.share_pct
    )
