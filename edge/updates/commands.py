"""Commands of the device's updates: check, apply, rollback, status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from contract.bundle import open_bundle
from contract.errors import BundleError
from contract.reasons import Reason
from edge.config import load_config, updates_of
from edge.errors import ConfigError
from edge.updates.state import UpdateState
from edge.updates.store import Store

if TYPE_CHECKING:
    from edge.updates.sources import Source
    from edge.updates.updater import Updater

DEFAULT_CONFIG: Final = Path("/etc/loamscan/loamscan.toml")

_config = click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=DEFAULT_CONFIG,
    show_default=True,
    help="The daemon's TOML file; its section [updates] is meant.",
)
_from = click.option(
    "--from",
    "folder",
    type=click.Path(path_type=Path),
    help="A copy of the repository, such as a USB stick, instead of [updates] url.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def update() -> None:
    """Take bundles that the fleet's operator signed, or go back to the one before.

    The daemon goes on meanwhile. A timer runs `apply`; whatever it is cut off in, it goes on from there.
    """


@update.command()
@_config
@_from
@_json
def check(config: Path, folder: Path | None, as_json: bool) -> None:
    """Look whether a bundle is offered to this device. Fetches none."""
    updater = _updater(config)
    source = _source(updater, folder)
    if source is None:
        raise ConfigError("the section [updates] names no url", "name a folder with --from")
    outlook = updater.check(source)
    if as_json:
        release = outlook.offer.release.model_dump(mode="json") if outlook.offer else None
        click.echo(json.dumps({"offered": release, "why": outlook.why}))
        return
    click.echo(outlook.why)


@update.command()
@_config
@_from
@click.option("--again", is_flag=True, help="Try a bundle that failed here before.")
@click.option(
    "--without-live",
    is_flag=True,
    help="End the trial with the scans that there are, not waiting for more.",
)
@_json
def apply(
    config: Path, folder: Path | None, again: bool, without_live: bool, as_json: bool
) -> None:
    """Fetch, prove and try the bundle that is offered, and switch to it if it does well.

    Goes as far as it can: a trial that waits for scans goes on with the next run. What it switched to is
    on probation; the daemon commits it, or goes back by itself.
    """
    from edge.updates.updater import step_back

    updater = _updater(config)
    source = _source(updater, folder)
    step_back()
    state = updater.apply(source, again=again, without_live=without_live)
    _show(state, config, as_json)


@update.command()
@_config
@_json
def rollback(config: Path, as_json: bool) -> None:
    """Go back to the bundle before; the one that runs is not taken again unless told."""
    _show(_updater(config).rollback(), config, as_json)


@update.command()
@_config
@_json
def status(config: Path, as_json: bool) -> None:
    """Show what runs, what is on its way, what failed."""
    _show(Store(updates_of(load_config(config)).directory).read(), config, as_json)


def _updater(path: Path) -> Updater:
    # `status` needs none of the framework.
    from edge.daemon import agent_version
    from edge.updates.updater import Updater

    return Updater(load_config(path), agent_version(), lambda line: click.echo(line, err=True))


def _source(updater: Updater, folder: Path | None) -> Source | None:
    from edge.updates.sources import Folder, Web

    if folder is not None:
        return Folder(folder)
    if updater.settings.url is None and updater.store.read().candidate is not None:
        return None
    if updater.settings.url is None:
        raise ConfigError("the section [updates] names no url", "name one, or a folder with --from")
    return Web(updater.settings.url)


def _show(state: UpdateState, config: Path, as_json: bool) -> None:
    if as_json:
        document = state.model_dump(mode="json", by_alias=True, exclude={"events", "trust"})
        click.echo(json.dumps(document))
        return
    for line in lines(state, _configured(load_config(config).model.bundle)):
        click.echo(line)


def _configured(path: Path) -> str:
    try:
        manifest = open_bundle(path).manifest
    except BundleError as error:
        return f"the configured bundle, but {error.what}"
    return f"{manifest.name} {manifest.version} (the configured bundle)"


def lines(state: UpdateState, configured: str) -> list[str]:
    """The state for people."""
    release = state.release
    runs = f"{release.bundle} {release.version} (slot {state.running})" if release else configured
    found = [f"runs       {runs}"]
    if state.probation is not None:
        found.append(f"probation  healthy for {state.probation.healthy_s:.0f} s so far")
    if state.previous is not None:
        before = state.slots[state.previous] if state.previous != "factory" else None
        name = f"{before.bundle} {before.version}" if before else configured
        found.append(f"before     {name}")
    if state.candidate is not None:
        coming = state.candidate.release
        found.append(f"coming     {coming.bundle} {coming.version}: {state.candidate.step}")
    if state.hindrance:
        reason = Reason(state.hindrance)
        found.append(f"hindered   {reason.text} ({reason.value}); {reason.hint}")
    if state.standing is not None and state.standing.reason is not None:
        standing, given = state.standing, state.standing.reason
        found.append(
            f"newest     {standing.bundle} {standing.version}: {standing.step}; {given.text} ({given.code})"
        )
    found += [
        f"failed     {known.release.bundle} {known.release.version}: {known.reason.text}"
        for known in state.failed
    ]
    return found
