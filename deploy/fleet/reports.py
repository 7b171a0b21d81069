"""What devices say of themselves and of rollouts, folded from their statuses and events."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final, NamedTuple, get_args

from pydantic import ValidationError

from contract.errors import ContractError
from contract.messages import Event, Status, UpdateStep
from contract.rollout import Rollout, place_pct
from contract.topics import Topics, device_of
from deploy.errors import DeployError

_OVER: Final = ("committed", "failed", "rolled back", "withdrawn")
FAILED_STEPS: Final = ("failed", "rolled back")
_STEPS: Final = get_args(UpdateStep)


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
            if topic == Topics(device).status and not payload:
                # Somebody had the broker forget a device that is no more.
                self.statuses.pop(device, None)
            elif topic == Topics(device).status:
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
            self._said(device, status.update.rollout, status.update.step)
        return status

    def _event(self, device: str, event: Event) -> Event | None:
        if event.device.id != device:
            return None
        rollout, step = event.details.get("rollout"), event.details.get("step")
        if not isinstance(rollout, str) or step not in _STEPS:
            return event
        self._said(device, rollout, step)  # type: ignore[arg-type]
        return event

    def _said(self, device: str, rollout: str, step: UpdateStep) -> None:
        """What is over stays over: an event may come again, or late; a will is as old as its connection."""
        if self._words.get((device, rollout)) not in _OVER or step in FAILED_STEPS:
            self._words[device, rollout] = step


class Tally(NamedTuple):
    """How a rollout stands with the devices in its share, by their ids.

    Those that went on to a newer rollout, and say nothing of this one any more, count for nothing.
    """

    committed: list[str]
    failed: list[str]
    coming: list[str]
    silent: list[str]
    went_on: list[str]

    @property
    def devices(self) -> int:
        """All of them."""
        return sum(map(len, self))

    @property
    def failed_pct(self) -> float:
        """Of the devices in the share that count, those that failed."""
        count = self.devices - len(self.went_on)
        return 100.0 * len(self.failed) / count if count else 0.0


def tally(rollout: Rollout, reports: Reports, now: datetime, newer: Collection[str] = ()) -> Tally:
    """Count the devices in the share that a broker knows; at the deadline who is not done has failed.

    ``newer`` are the ids of rollouts that were begun later.
    """
    result = Tally([], [], [], [], [])
    for device, status in sorted(reports.statuses.items()):
        if _is_meant(rollout, device, status):
            getattr(result, _stands(rollout, reports, device, status, now, newer)).append(device)
    return result


def _stands(
    rollout: Rollout,
    reports: Reports,
    device: str,
    status: Status,
    now: datetime,
    newer: Collection[str],
) -> str:
    word = reports.word(device, rollout.id)
    if word in FAILED_STEPS:
        return "failed"
    on_its_way = word is not None and word not in _OVER
    has_it = (status.bundle, status.bundle_version) == (rollout.bundle, rollout.version)
    # One that had the version before has nothing to say of the rollout.
    if word == "committed" or (has_it and not on_its_way):
        return "committed"
    if status.update is not None and status.update.rollout in newer:
        return "went_on"
    if now >= rollout.deadline:
        return "failed"
    return "coming" if on_its_way else "silent"


class Condition(NamedTuple):
    """When to halt: more than so many per cent of the devices in the share failed."""

    above_pct: float

    def holds(self, found: Tally) -> bool:
        """Whether it is time."""
        return found.failed_pct > self.above_pct


def read_condition(text: str) -> Condition:
    """``failed > 2 %`` as a condition; raises `DeployError`."""
    found = re.fullmatch(r"\s*failed\s*>\s*(\d+(?:\.\d+)?)\s*%\s*", text)
    if found is None:
        raise DeployError(f"{text!r} is no condition", 'write "failed > 2 %"')
    if float(found[1]) >= 100:
        raise DeployError(f"{text!r} can never hold", "name less than 100 %")
    return Condition(float(found[1]))


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
