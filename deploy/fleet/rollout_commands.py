"""Commands on rollouts: begin, widen, halt, and see how they stand."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

import click

from contract.messages import Event, Status
from contract.rollout import Rollout, Rollouts
from deploy.errors import RepositoryError
from deploy.fleet.ear import Broker
from deploy.fleet.options import (
    FiniteRange,
    broker_options,
    json_option,
    keys_option,
    online_signer,
    password_option,
    repository_option,
)
from deploy.fleet.printable import printable
from deploy.fleet.publishing import published
from deploy.fleet.reports import (
    FAILED_STEPS,
    Condition,
    Reports,
    Tally,
    read_condition,
    tally,
    versions,
)
from deploy.fleet.repository import Repository, utc_now
from deploy.fleet.rollout_changes import begun, changed, newer_than, rollout_of, widened
from deploy.fleet.soundness import check_bundles, check_list

JUDGE_S: Final = 5.0
"""How often a condition is judged while messages come without a pause. Ours."""

RETAINED_S: Final = 60.0
"""What a broker has retained of ten thousand devices is here by then, whoever goes on talking. Ours."""

QUIET_S: Final = 1.0
"""A broker that has sent nothing for so long has sent what it had retained. Ours."""


FREE_MB_MAX: Final = 1_000_000_000
"""A petabyte: no device that scans soil has more, and a signed list is to stay readable. Ours."""


@click.command()
@click.argument("name")
@click.argument("version")
@repository_option
@keys_option
@password_option
@click.option("--share", "share_pct", type=FiniteRange(0, 100, min_open=True), default=5.0, show_default=True,
              help="Per cent of the devices on the channel.")  # fmt: skip
@click.option("--channel", default="stable", show_default=True,
              help="The devices' own, [updates] channel: lower-case letters, digits, dashes.")  # fmt: skip
@click.option("--starts-at", type=click.DateTime(), help="UTC; now if left out.")
@click.option("--days", type=FiniteRange(min=0, min_open=True), default=30.0, show_default=True,
              help="Until the deadline: who has not reported by then has failed.")  # fmt: skip
@click.option(
    "--device-class", "device_classes", multiple=True, help="Only these, if any is named."
)
@click.option("--free-mb", type=click.IntRange(0, FREE_MB_MAX), default=200, show_default=True,
              help="Room that a device must have.")  # fmt: skip
@json_option
def rollout(
    name: str,
    version: str,
    folder: Path,
    places: tuple[Path, ...],
    password_file: Path | None,
    share_pct: float,
    channel: str,
    starts_at: datetime | None,
    days: float,
    device_classes: tuple[str, ...],
    free_mb: int,
    as_json: bool,
) -> None:
    """Begin to roll bundle NAME out in VERSION."""
    repository = Repository(folder)
    with repository.alone():
        now = utc_now()
        online = online_signer(repository, places, password_file)
        check_list(repository)
        word = published(repository).get((name, version))
        if word is None:
            raise RepositoryError(
                f"{name} {version} was not published", "see `loamscan fleet show`"
            )
        rollouts, new = begun(
            repository.rollouts,
            word,
            repository.floors.get(name, "0.0.0"),
            share_pct=share_pct,
            channel=channel,
            starts_at=starts_at.replace(tzinfo=now.tzinfo) if starts_at else now,
            days=days,
            device_classes=list(device_classes),
            minimum_free_bytes=free_mb * 1_000_000,
        )
        if new.deadline <= now:
            raise RepositoryError(
                f"a rollout from {new.starts_at:%Y-%m-%d %H:%M} on for {days:g} days would be over already",
                "name a later --starts-at, or more --days",
            )
        check_bundles(repository, rollouts, now)
        repository.set_rollouts(rollouts, online, now)
    _say_rollout(new, as_json)


@click.command()
@click.argument("rollout_id", metavar="ROLLOUT")
@repository_option
@keys_option
@password_option
@click.option("--share", "share_pct", type=FiniteRange(0, 100, min_open=True),
              help="Per cent of the devices; 100 if left out, and with --resume as it was.")  # fmt: skip
@click.option("--resume", is_flag=True, help="Let it go on though it was halted.")
@json_option
def promote(
    rollout_id: str,
    folder: Path,
    places: tuple[Path, ...],
    password_file: Path | None,
    share_pct: float | None,
    resume: bool,
    as_json: bool,
) -> None:
    """Widen ROLLOUT to a larger share."""

    def change(repository: Repository) -> tuple[Rollouts, Rollout]:
        known, floors = repository.rollouts, repository.floors
        return widened(known, rollout_id, share_pct, floors, utc_now(), resume=resume)

    _change_rollout(folder, places, password_file, as_json, change)


@click.command()
@click.argument("rollout_id", metavar="ROLLOUT")
@repository_option
@keys_option
@password_option
@click.option("--when", metavar="CONDITION",
              help='Watch, and halt once it holds: "failed > 2 %" of the devices in the share.')  # fmt: skip
@broker_options
@json_option
def halt(
    rollout_id: str,
    folder: Path,
    places: tuple[Path, ...],
    password_file: Path | None,
    when: str | None,
    broker: Broker,
    as_json: bool,
) -> None:
    """Have no further device begin ROLLOUT.

    With --when it hears the devices over MQTT until the condition holds, the deadline is over, or Ctrl-C.
    Devices that have not said by the deadline that they are done count as failed. It ends with 0 also where
    nothing had to be halted; --json has "halted".
    """
    repository = Repository(folder)
    if when is not None:
        condition = read_condition(when)
        # Before hours of watching, that the key and the rollout are there, and that devices can be told.
        with repository.alone():
            online_signer(repository, places, password_file)
            check_list(repository)
        rollout_of(repository.rollouts, rollout_id)
        known, found = _watch(repository, rollout_id, condition, broker)
        click.echo(_tally_line(known, found), err=as_json)
        if known.halted or not condition.holds(found):
            why = "somebody else halted it" if known.halted else "it is over, and was not halted"
            click.echo(f"rollout {known.id}: {why}", err=True)
            _say_rollout(known, as_json)
            return

    def change(repository: Repository) -> tuple[Rollouts, Rollout]:
        return changed(repository.rollouts, rollout_id, halted=True)

    _change_rollout(folder, places, password_file, as_json, change)


@click.command()
@repository_option
@broker_options
@click.option("--follow", is_flag=True, help="Go on until Ctrl-C, with a line for each change.")
@json_option
def status(folder: Path, broker: Broker, follow: bool, as_json: bool) -> None:
    """Show which device runs what, and how the rollouts stand, from what devices say over MQTT.

    Without a repository in the folder: the devices alone.
    """
    rollouts = _rollouts_if_there(folder)
    reports = Reports()
    with broker.ear() as ear:
        connection = ear.connection
        for topic, payload in ear.messages(QUIET_S, RETAINED_S):
            reports.heard(topic, payload)
        _show_status(reports, rollouts, as_json)
        while follow:
            for topic, payload in ear.messages(QUIET_S, JUDGE_S):
                said = reports.heard(topic, payload)
                if said is not None:
                    click.echo(_json(said) if as_json else printable(_change_line(said)))
            connection = _tell_of_broker(connection, ear.connection)


def _watch(
    repository: Repository, rollout_id: str, condition: Condition, broker: Broker
) -> tuple[Rollout, Tally]:
    """The rollout and how it stands when the condition holds, it was halted, or the deadline is over."""
    reports = Reports()
    said = ""
    at_most_s = RETAINED_S
    with broker.ear() as ear:
        last = ear.connection
        until = rollout_of(repository.rollouts, rollout_id).deadline
        click.echo(
            f"watching rollout {rollout_id} until {until:%Y-%m-%d %H:%M} UTC: "
            f"halted once failed > {condition.above_pct:g} %",
            err=True,
        )
        while True:
            # All that was retained first: a share of the few that came already would say nothing.
            connection = ear.connection
            for topic, payload in ear.messages(QUIET_S, at_most_s):
                reports.heard(topic, payload)
            # Who can't hear, or has not heard it all again, must not take silence for failure.
            hears = connection != 0 and connection == ear.connection
            at_most_s = JUDGE_S if hears else RETAINED_S
            last = _tell_of_broker(last, ear.connection)
            # Somebody may have widened it meanwhile, or begun another.
            rollouts = repository.rollouts
            known, now = rollout_of(rollouts, rollout_id), utc_now()
            found = tally(known, reports, now, newer_than(rollouts, known))
            if known.halted or (hears and (condition.holds(found) or now >= known.deadline)):
                return known, found
            line = _tally_line(known, found)
            if hears and line != said:
                said = line
                click.echo(line, err=True)


def _tell_of_broker(before: int, now: int) -> int:
    """Say where a connection to it was lost, and where there is another; the one there is now."""
    if before not in (0, now):
        click.echo("the broker is lost: devices are not heard until it is back", err=True)
    if now not in (0, before):
        click.echo("the broker is back: devices are heard again", err=True)
    return now


def _rollouts_if_there(folder: Path) -> Rollouts:
    if (folder / "metadata").is_dir():
        return Repository(folder).rollouts
    return Rollouts(schema="loamscan.rollouts/1", rollouts=[])


def _show_status(reports: Reports, rollouts: Rollouts, as_json: bool) -> None:
    now = utc_now()
    tallies = {
        known.id: tally(known, reports, now, newer_than(rollouts, known))
        for known in rollouts.rollouts
    }
    statuses = [status for _, status in sorted(reports.statuses.items())]
    if as_json:
        document = {
            "devices": [status.model_dump(mode="json", by_alias=True) for status in statuses],
            "versions": versions(statuses),
            "rollouts": {name: found._asdict() for name, found in tallies.items()},
        }
        click.echo(json.dumps(document))
        return
    for status in statuses:
        click.echo(printable(_device_line(status)))
    for name, count in versions(statuses).items():
        click.echo(printable(f"{count} of {len(statuses)} devices run {name}"))
    for known in rollouts.rollouts:
        click.echo(_tally_line(known, tallies[known.id]))


def _json(said: Status | Event) -> str:
    """In ASCII, since a device may have put anything into it."""
    return json.dumps(said.model_dump(mode="json", by_alias=True))


def _device_line(status: Status) -> str:
    scanner = f"scanner {status.scanner.serial}" if status.scanner else "no scanner seen"
    line = f"{status.device.id:<20} {status.status:<8} {status.bundle} {status.bundle_version}  {scanner}"
    if status.update is None:
        return line
    update = status.update
    why = f": {update.reason.text}" if update.reason and update.step in FAILED_STEPS else ""
    return f"{line}  {update.version} {update.step}{why}"


def _change_line(said: Status | Event) -> str:
    if isinstance(said, Status):
        return _device_line(said)
    return f"{said.device.id:<20} {said.reason.code}: {said.reason.text}"


def _tally_line(known: Rollout, found: Tally) -> str:
    parts = ", ".join(f"{len(ids)} {name}" for name, ids in found._asdict().items()).replace(
        "_", " "
    )
    return f"rollout {known.id}: of {found.devices} devices in its share {parts}"


def _change_rollout(
    folder: Path,
    places: tuple[Path, ...],
    password_file: Path | None,
    as_json: bool,
    change: Callable[[Repository], tuple[Rollouts, Rollout]],
) -> None:
    repository = Repository(folder)
    with repository.alone():
        online = online_signer(repository, places, password_file)
        check_list(repository)
        rollouts, after = change(repository)
        now = utc_now()
        # Stopping is always allowed.
        if not after.halted:
            check_bundles(repository, rollouts, now)
        repository.set_rollouts(rollouts, online, now)
    _say_rollout(after, as_json)


def _say_rollout(known: Rollout, as_json: bool) -> None:
    click.echo(known.model_dump_json() if as_json else rollout_line(known, utc_now()))


def rollout_line(known: Rollout, now: datetime) -> str:
    """A rollout for people."""
    wanted = known.constraints
    parts = [
        f"{'halted at ' if known.halted else ''}{known.share_pct:g} % of {known.channel}",
        f"from {known.starts_at:%Y-%m-%d %H:%M} UTC" if known.starts_at > now else "",
        f"{'until' if known.deadline > now else 'over since'} {known.deadline:%Y-%m-%d %H:%M} UTC",
        f"only {' and '.join(wanted.device_classes)}" if wanted.device_classes else "",
        f"with {wanted.minimum_free_bytes / 1_000_000:g} MB free"
        if wanted.minimum_free_bytes
        else "",
    ]
    return printable(f"rollout  {known.id}: {', '.join(part for part in parts if part)}")
