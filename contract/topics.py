"""Where on the broker each kind of message of a device lies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from contract.errors import ContractError
from contract.identity import DEVICE_ID

BASE: Final = "loamscan/1"
_DEVICE: Final = re.compile(DEVICE_ID)


@dataclass(frozen=True)
class Topics:
    """The topics of one device; ``+`` as the device subscribes to those of all."""

    device: str

    def _of(self, leaf: str) -> str:
        return f"{BASE}/{self.device}/{leaf}"

    @property
    def records(self) -> str:
        """Published records in ``seq`` order; QoS 1, not retained."""
        return self._of("records")

    @property
    def ack(self) -> str:
        """The collector's acknowledgement; QoS 1, retained."""
        return self._of("ack")

    @property
    def state(self) -> str:
        """Newest live reading, small; QoS 1, retained."""
        return self._of("state")

    @property
    def status(self) -> str:
        """Online, sleeping or offline (the will); QoS 1, retained."""
        return self._of("status")

    @property
    def events(self) -> str:
        """Faults and results with a reason code; QoS 1, not retained."""
        return self._of("events")


def device_of(topic: str) -> str:
    """The device that a topic belongs to; raises `ContractError` for a topic that is not ours."""
    parts = topic.split("/")
    if len(parts) != 4 or not _DEVICE.fullmatch(parts[2]) or "/".join(parts[:2]) != BASE:
        raise ContractError(f"topic {topic!r} is not one of loamscan's")
    return parts[2]
