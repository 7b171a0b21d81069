"""What a device believes of time and of what it has seen signed: rules, without files or networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from contract.reasons import Reason
from contract.records import rfc3339
from contract.rollout import Rollout
from contract.version import version_key
from edge.errors import UpdateError
from edge.updates.state import Trust


class Seen(NamedTuple):
    """What a repository said, once every signature was verified.

    ``safe_until`` is the earliest expiry of what keys from a safe signed.
    """

    root_version: int
    targets_version: int
    online_keys: Sequence[str]
    issued_at: datetime
    safe_until: datetime
    floors: Mapping[str, str]
    rollouts: Sequence[Rollout]


def believed_now(clock: datetime, trust: Trust, online_keys: Sequence[str]) -> datetime:
    """The device's clock, which is never taken to be earlier than what those keys signed once."""
    floor = trust.time_floor if _same_keys(trust, online_keys) else None
    return max(clock, floor) if floor else clock


def check_not_older(seen: Seen, trust: Trust, *, a_copy: bool) -> None:
    """Raise `UpdateError` where a repository is one that was replaced since.

    ``a_copy``, such as a stick, may be older than what was seen over the network as long as it has not
    expired, since it was made to travel: only what keys from a safe signed must not be.
    """
    for what, now, known in (
        ("root", seen.root_version, trust.root_version),
        ("list of bundles", seen.targets_version, trust.targets_version),
    ):
        if now < known:
            raise UpdateError(
                Reason.UPDATE_REPLAYED,
                f"the {what} has version {now}, this device has seen {known}",
            )
    before = trust.issued_at if _same_keys(trust, seen.online_keys) else None
    if not a_copy and before and seen.issued_at < before:
        raise UpdateError(
            Reason.UPDATE_REPLAYED,
            f"it was signed at {rfc3339(seen.issued_at)}, this device has seen one of "
            f"{rfc3339(before)}",
        )


def raised(trust: Trust, seen: Seen, *, a_copy: bool) -> Trust:
    """What is believed after ``seen``, which is not older.

    Where a newer root names other online keys, what the former ones said of time goes with them: a thief
    may have said anything. A copy says nothing of how fresh the network's word is, and takes back no halt.
    """
    same_keys = _same_keys(trust, seen.online_keys)
    issued, floor = (trust.issued_at, trust.time_floor) if same_keys else (None, None)
    halted = {rollout.id for rollout in seen.rollouts if rollout.halted}
    told_floor = min(seen.issued_at, seen.safe_until)
    return Trust(
        root_version=max(trust.root_version, seen.root_version),
        targets_version=max(trust.targets_version, seen.targets_version),
        told_by=sorted(seen.online_keys),
        issued_at=issued if a_copy else max(issued or seen.issued_at, seen.issued_at),
        time_floor=max(floor, told_floor) if floor else told_floor,
        floors={
            name: max(
                trust.floors.get(name, "0.0.0"), seen.floors.get(name, "0.0.0"), key=version_key
            )
            for name in sorted({*trust.floors, *seen.floors})
        },
        halted=sorted(halted | set(trust.halted) if a_copy else halted),
    )


def below_floor(bundle: str, version: str, trust: Trust) -> str:
    """The floor that a bundle lies below; empty where it may be run."""
    floor = trust.floors.get(bundle, "0.0.0")
    return floor if version_key(version) < version_key(floor) else ""


def _same_keys(trust: Trust, online_keys: Sequence[str]) -> bool:
    return sorted(online_keys) == sorted(trust.told_by)
