"""What a device knows about its updates: one document, changed as a whole."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from contract.messages import UpdateStanding
from contract.reasons import Reason
from contract.records import Part, UtcTime
from contract.rollout import RolloutId
from contract.version import Version

SlotName = Literal["a", "b"]
Place = Literal["a", "b", "factory"]
"""Where a bundle lies: in a slot, or where the configuration names it."""

EVENTS_KEPT: Final = 64
FAILED_KEPT: Final = 64


class Release(Part):
    """A bundle in one version, to the byte; of a rollout that was begun then."""

    bundle: str
    version: Version
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    rollout: RolloutId | None = None
    begun_at: UtcTime | None = None

    def same_bytes(self, other: Release) -> bool:
        """Whether both are the same bundle, whichever rollouts they came with."""
        return self.sha256 == other.sha256


class Candidate(Part):
    """A release on its way into a slot.

    ``tries`` counts faults that may have been the machine's, ``looks`` the updater's runs
    that its trial has waited for live scans, ``scans_before`` the scans that were in the log when it began.
    """

    release: Release
    length: int
    slot: SlotName
    step: Literal["fetching", "proving", "trial"]
    tries: int = 0
    looks: int = 0
    scans_before: int = 0


class Probation(Part):
    """A release that runs and may still be given up; ``healthy_s`` it has been well since it last crashed.

    ``serving`` is whether a daemon started with it and has not ended in order, ``crashes`` how many ended
    otherwise while the machine went on.
    """

    healthy_s: float = 0.0
    serving: bool = False
    crashes: int = 0


class Refused(Part):
    """A release that failed here, and is not tried again unless told."""

    release: Release
    reason: Reason


class Trust(Part):
    """What this device has seen signed. It lies outside the framework's cache, and only rises.

    ``time_floor`` is no later than any metadata that keys from a safe signed says: a stolen online key
    moves it a year at most. ``told_by`` names the online keys that it comes from: when they are revoked,
    their word goes with them.
    """

    root_version: int = 1
    targets_version: int = 0
    told_by: list[str] = []
    issued_at: UtcTime | None = None
    time_floor: UtcTime | None = None
    floors: dict[str, Version] = {}
    halted: list[RolloutId] = []


class Happened(Part):
    """An event that the daemon is to publish."""

    number: int
    at: UtcTime
    reason: Reason
    details: dict[str, str | int | float] = {}


class UpdateState(Part):
    """Everything: what runs, what it would go back to, what is on its way, what failed, what was told.

    ``starts`` counts the daemon's starts in a row that were not followed by a healthy minute, in the boot
    ``boot_id``, and ``boots`` the boots in a row in which there was none;
    ``hindrance`` is what stood in the way when it was last told.
    """

    schema_: Literal["loamscan.updates/1"] = Field(alias="schema", default="loamscan.updates/1")
    running: Place = "factory"
    previous: Place | None = None
    slots: dict[SlotName, Release] = {}
    candidate: Candidate | None = None
    probation: Probation | None = None
    starts: int = 0
    boots: int = 0
    boot_id: str = ""
    failed: list[Refused] = []
    hindrance: str = ""
    trust: Trust = Trust()
    events: list[Happened] = []
    events_made: int = 0
    standing: UpdateStanding | None = None

    @property
    def release(self) -> Release | None:
        """What runs, where it is not the configured bundle."""
        return None if self.running == "factory" else self.slots[self.running]

    @property
    def idle_slot(self) -> SlotName:
        """The slot that may be filled: neither what runs nor what it would go back to, if possible."""
        free: list[SlotName] = [slot for slot in ("a", "b") if slot != self.running]
        return next((slot for slot in free if slot != self.previous), free[0])

    def refusal_of(self, release: Release) -> Refused | None:
        """How ``release`` failed here, if it did."""
        return next((known for known in self.failed if known.release.same_bytes(release)), None)
