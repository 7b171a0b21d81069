"""Beginning, widening and halting rollouts, as changes of the list that the online key signs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from contract.errors import first_fault
from contract.fleet_repository import BundleWord
from contract.rollout import ROLLOUTS_MAX, Constraints, Rollout, Rollouts
from contract.version import version_key
from deploy.errors import RepositoryError


def begun(
    rollouts: Rollouts,
    word: BundleWord,
    floor: str,
    *,
    share_pct: float,
    channel: str,
    starts_at: datetime,
    days: float,
    device_classes: list[str],
    minimum_free_bytes: int,
) -> tuple[Rollouts, Rollout]:
    """With a rollout of a published bundle, on which ``word`` is signed; raises `RepositoryError`."""
    name, version = word.name, word.version
    _check_floor(name, version, floor)
    if not all(map(str.strip, device_classes)):
        raise RepositoryError("a class of devices has no name", "leave --device-class out for all")
    deadline = _deadline(starts_at, days)
    taken = {rollout.id for rollout in rollouts.rollouts}
    stem = f"{name}-{version}".replace(".", "-")[:56]
    number = next(n for n in range(1, ROLLOUTS_MAX + 2) if f"{stem}-{n}" not in taken)
    try:
        new = Rollout(
            id=f"{stem}-{number}",
            bundle=name,
            version=version,
            channel=channel,
            share_pct=share_pct,
            starts_at=starts_at,
            deadline=deadline,
            halted=False,
            constraints=Constraints(
                device_classes=list(dict.fromkeys(device_classes)),
                minimum_agent=word.minimum_agent,
                minimum_free_bytes=minimum_free_bytes,
                scanner_covers_nm=word.scanner_covers_nm,
            ),
        )
    except ValidationError as error:
        raise RepositoryError(
            f"that is no rollout: {first_fault(error)}", "see `--help`"
        ) from error
    known = rollouts.rollouts
    if len(known) >= ROLLOUTS_MAX:
        known = [rollout for rollout in known if rollout.deadline > starts_at]
    if len(known) >= ROLLOUTS_MAX:
        raise RepositoryError(
            f"there are {ROLLOUTS_MAX} rollouts already", "wait for the deadline of one"
        )
    return rollouts.model_copy(update={"rollouts": [*known, new]}), new


def changed(rollouts: Rollouts, rollout: str, **changes: Any) -> tuple[Rollouts, Rollout]:
    """With ``changes`` in one rollout; raises `RepositoryError` where there is none of that id."""
    before = rollout_of(rollouts, rollout)
    try:
        after = Rollout.model_validate({**before.model_dump(), **changes})
    except ValidationError as error:
        raise RepositoryError(
            f"that is no rollout: {first_fault(error)}", "see `--help`"
        ) from error
    new = [after if known is before else known for known in rollouts.rollouts]
    return rollouts.model_copy(update={"rollouts": new}), after


def widened(
    rollouts: Rollouts,
    rollout: str,
    share_pct: float | None,
    floors: Mapping[str, str],
    now: datetime,
    *,
    resume: bool,
) -> tuple[Rollouts, Rollout]:
    """With a larger share in one rollout; raises `RepositoryError`, also where it was halted or is over.

    ``resume`` lets it go on then, with the share that it had if none is named.
    """
    known = rollout_of(rollouts, rollout)
    if known.halted and not resume:
        raise RepositoryError(
            f"rollout {rollout} was halted",
            "see why: `loamscan fleet status`; --resume lets it go on",
        )
    if known.deadline <= now:
        raise RepositoryError(
            f"rollout {rollout} is over since {known.deadline:%Y-%m-%d %H:%M} UTC, and begins nowhere",
            "begin another: `loamscan fleet rollout`",
        )
    _check_floor(known.bundle, known.version, floors.get(known.bundle, "0.0.0"))
    if share_pct is None:
        share_pct = known.share_pct if resume else 100.0
    if share_pct < known.share_pct:
        raise RepositoryError(
            f"rollout {rollout} has {known.share_pct:g} % already, and is not narrowed",
            "halt it, and begin another with a smaller share",
        )
    return changed(rollouts, rollout, share_pct=share_pct, halted=False)


def newer_than(rollouts: Rollouts, known: Rollout) -> set[str]:
    """Ids of the rollouts that were begun after it."""
    ids = [rollout.id for rollout in rollouts.rollouts]
    return set(ids[ids.index(known.id) + 1 :])


def below_floor(rollouts: Rollouts, floors: Mapping[str, str], now: datetime) -> list[Rollout]:
    """Those that go on, of bundles below their floor: devices refuse them, and look at nothing older."""
    return [
        known
        for known in rollouts.rollouts
        if not known.halted
        and known.deadline > now
        and version_key(known.version) < version_key(floors.get(known.bundle, "0.0.0"))
    ]


def rollout_of(rollouts: Rollouts, rollout: str) -> Rollout:
    """The rollout of that id; raises `RepositoryError` where there is none."""
    found = next((known for known in rollouts.rollouts if known.id == rollout), None)
    if found is None:
        ids = ", ".join(known.id for known in rollouts.rollouts) or "none"
        raise RepositoryError(f"there is no rollout {rollout}", f"those there are: {ids}")
    return found


def _deadline(starts_at: datetime, days: float) -> datetime:
    """To the second: a fraction of one is not kept."""
    try:
        deadline = (starts_at + timedelta(days=days)).replace(microsecond=0)
    except OverflowError as error:
        raise RepositoryError(
            f"{days:g} days from {starts_at:%Y-%m-%d} on are beyond every calendar",
            "name fewer --days, or an earlier --starts-at",
        ) from error
    if deadline <= starts_at:
        raise RepositoryError(
            f"a rollout of {days:g} days is over as it begins", "name more --days"
        )
    return deadline


def _check_floor(name: str, version: str, floor: str) -> None:
    if version_key(version) < version_key(floor):
        raise RepositoryError(
            f"{name} {version} lies below its floor {floor}", "roll out a newer version"
        )
