"""Which of the rollouts that were signed is for this device, if any."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from contract.bundle import Bundle
from contract.reasons import Reason
from contract.rollout import Fitness, Rollout, offered, refusal
from contract.version import version_key
from edge.errors import UpdateError
from edge.updates.repository import Offered, View
from edge.updates.state import Release, Trust, UpdateState
from edge.updates.trust import below_floor


class Outlook(NamedTuple):
    """What a look found: an offer, or a sentence that says why there is none."""

    offer: Offered | None
    why: str


def choose(
    view: View, fitness: Fitness, state: UpdateState, running: Bundle | None, *, again: bool
) -> Outlook:
    """What to take; with ``again`` also what failed here before.

    ``running`` is the bundle that runs, where it can be read. Raises `UpdateError` where a rollout names
    what keys from a safe do not let it.
    """
    rollouts = (
        _newer(view.rollouts, state.release)
        if state.release is not None
        else _not_lower(view.rollouts, running)
    )
    if view.rollouts and not rollouts:
        return Outlook(None, "no rollout is newer than what runs")
    halted = set(view.trust.halted)
    rollout = offered([r for r in rollouts if r.id not in halted], fitness, view.now)
    if rollout is None:
        _check_room(rollouts, fitness, view.now)
        return Outlook(None, _why_none(rollouts, fitness, view.now))
    offer = view.offered(rollout)
    _check(offer, fitness, view.trust)
    name = f"{rollout.bundle} {rollout.version}"
    if running is not None and offer.release.sha256 == running.sha256:
        return Outlook(None, f"{name} runs already")
    refused = state.refusal_of(offer.release)
    if refused is not None and not again:
        return Outlook(None, f"{name} failed here ({refused.reason.value}): {refused.reason.text}")
    return Outlook(offer, f"{name} is offered by rollout {rollout.id}")


def withdrawn(release: Release, trust: Trust) -> str:
    """Why a release that is on its way must not go on; empty where it may."""
    floor = below_floor(release.bundle, release.version, trust)
    if floor:
        return f"the floor of {release.bundle} is {floor} now"
    if release.rollout in trust.halted:
        return f"rollout {release.rollout} was halted"
    return ""


def _check(offer: Offered, fitness: Fitness, trust: Trust) -> None:
    """What keys from a safe say of the bundle holds, whatever the rollout says."""
    word = offer.word
    name = f"{offer.release.bundle} {offer.release.version}"
    floor = below_floor(offer.release.bundle, offer.release.version, trust)
    if floor:
        raise UpdateError(
            Reason.UPDATE_BELOW_FLOOR, f"{name} is rolled out, and its floor is {floor}"
        )
    (low, high), (from_nm, to_nm) = word.scanner_covers_nm, fitness.scanner_nm
    if from_nm > low or to_nm < high:
        raise UpdateError(
            Reason.UPDATE_UNFIT,
            f"{name} is for scanners from {low:.0f} to {high:.0f} nm, this one sees "
            f"{from_nm:.0f} to {to_nm:.0f} nm",
        )
    if version_key(fitness.agent) < version_key(word.minimum_agent):
        raise UpdateError(
            Reason.UPDATE_UNFIT,
            f"{name} needs loamscan {word.minimum_agent}, this is {fitness.agent}",
            "update loamscan itself first",
        )


def _check_room(rollouts: Sequence[Rollout], fitness: Fitness, now: datetime) -> None:
    """Raise where room is all that the newest wants: unlike another class or share, somebody can mend it."""
    if rollouts and refusal(newest := rollouts[-1], fitness, now) == "too little room":
        raise UpdateError(
            Reason.UPDATE_NO_ROOM,
            f"rollout {newest.id} asks for {newest.constraints.minimum_free_bytes / 1e6:.0f} MB, "
            f"{fitness.free_bytes / 1e6:.0f} MB are free",
        )


def _newer(rollouts: Sequence[Rollout], running: Release) -> Sequence[Rollout]:
    """Those begun after the one that brought what runs: an older one would take a device back."""
    ids = [rollout.id for rollout in rollouts]
    if running.rollout in ids:
        return rollouts[ids.index(running.rollout) + 1 :]
    # Forgotten by the operator, or begun after this copy was made.
    begun_at = running.begun_at
    return [rollout for rollout in rollouts if begun_at is None or rollout.starts_at > begun_at]


def _not_lower(rollouts: Sequence[Rollout], configured: Bundle | None) -> Sequence[Rollout]:
    """Those that do not take a device below the bundle that it was configured with.

    No rollout brought that one, so which were begun before it is not known.
    """
    if configured is None:
        return rollouts
    name, key = configured.manifest.name, version_key(configured.manifest.version)
    return [r for r in rollouts if r.bundle != name or version_key(r.version) >= key]


def _why_none(rollouts: Sequence[Rollout], fitness: Fitness, now: datetime) -> str:
    if not rollouts:
        return "there are no rollouts"
    newest = rollouts[-1]
    why = refusal(newest, fitness, now) or "halted"
    return f"rollout {newest.id}, the newest, is not for this device: {why}"
