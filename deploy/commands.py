"""Commands of the operator's room: `fleet` keeps the repository that devices are updated from."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final, get_args

import click
from securesystemslib.signer import CryptoSigner, Signer

from contract.fleet_repository import FLOORS
from contract.rollout import Rollout
from deploy.errors import KeyFileError, RepositoryError
from deploy.fleet.key_changes import Holder, change_keys, holders
from deploy.fleet.key_files import keys_in, new_key
from deploy.fleet.publishing import publish, published
from deploy.fleet.repository import Repository, utc_now
from deploy.fleet.rollout_changes import begun, changed

SHORT_ID: Final = 12

_repository = click.option(
    "--repository",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("fleet"),
    show_default=True,
    help="The folder that is served.",
)
_keys = click.option(
    "--keys",
    "places",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    help="Private keys: a .pem file or a folder of them, once or more often.",
)
_password = click.option(
    "--password-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File with the password of the keys.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def fleet() -> None:
    """Ship signed bundles to a fleet: first to a few devices, then to all.

    The repository is a folder of static files; serve it with any web server, or copy it to a USB stick.
    Keys of roots and bundles belong in a safe, on sticks of their own; only the online key signs often.
    """


@fleet.command()
@_repository
@click.option(
    "--new-keys",
    type=click.Path(path_type=Path),
    required=True,
    help="New folder for the private keys: root/, bundles/ and online/.",
)
@click.option("--root", "root_rule", default="2/3", show_default=True, metavar="K/N",
              help="Signatures it takes to change keys, of so many keys.")  # fmt: skip
@click.option("--bundles", "bundles_rule", default="1/2", show_default=True, metavar="K/N",
              help="Signatures it takes to publish a bundle, of so many keys.")  # fmt: skip
@_password
def init(
    folder: Path, new_keys: Path, root_rule: str, bundles_rule: str, password_file: Path | None
) -> None:
    """Make keys and a repository."""
    root_threshold, root_count = _rule(root_rule, "--root")
    bundles_threshold, bundles_count = _rule(bundles_rule, "--bundles")
    if (folder / "metadata").exists() or new_keys.exists():
        raise RepositoryError(
            f"{folder if (folder / 'metadata').exists() else new_keys} exists already",
            "name new folders: nothing is written over",
        )
    password = _password_in(password_file)

    def made(holder: Holder, count: int) -> dict[str, Signer]:
        signers = [new_key(new_keys / holder, f"{holder}-{n + 1}", password) for n in range(count)]
        return {signer.public_key.keyid: signer for signer in signers}

    root, bundles = made("root", root_count), made("bundles", bundles_count)
    (online,) = made("online", 1).values()
    Repository.create(folder, root, root_threshold, bundles, bundles_threshold, online, utc_now())
    click.echo(
        f"repository in {folder}; devices are provisioned with {folder}/metadata/1.root.json"
    )
    click.echo(
        f"move {new_keys}/root and {new_keys}/bundles to a safe, each key to a stick of its own"
    )


@fleet.command()
@_repository
@click.option("--holder", type=click.Choice(get_args(Holder)), help="Whose keys to change.")
@click.option(
    "--new-key", type=click.Path(path_type=Path), help="Make a key in this file, and add it."
)
@click.option(
    "--revoke", multiple=True, metavar="ID", help="Beginning of the id of a key to revoke."
)
@click.option(
    "--threshold", type=click.IntRange(min=1), help="Signatures that it takes from now on."
)
@click.option("--keys", "places", type=click.Path(path_type=Path), multiple=True,
              help="Private keys that sign the change, and the online key to tell devices.")  # fmt: skip
@_password
@_json
def keys(
    folder: Path,
    holder: Holder | None,
    new_key: Path | None,
    revoke: tuple[str, ...],
    threshold: int | None,
    places: tuple[Path, ...],
    password_file: Path | None,
    as_json: bool,
) -> None:
    """Show who may sign what, or change it.

    A root takes signatures of the old and of the new keys. Devices that were away follow from root to root.
    """
    repository = Repository(folder)
    if holder is not None:
        _change_keys(repository, holder, new_key, revoke, threshold, places, password_file)
    elif new_key or revoke or threshold:
        raise click.UsageError("say with --holder whose keys to change")
    found = holders(repository)
    if as_json:
        click.echo(json.dumps({h: {"threshold": t, "keys": ids} for h, (t, ids) in found.items()}))
        return
    for name, (wanted, ids) in found.items():
        short = ", ".join(key_id[:SHORT_ID] for key_id in ids)
        click.echo(f"{name:8} {wanted} of {len(ids)}: {short}")


@fleet.command(name="publish")
@click.argument("bundle", type=click.Path(path_type=Path))
@_repository
@_keys
@_password
@click.option(
    "--floor", metavar="VERSION", help="Lowest version that may be rolled out from now on."
)
@_json
def publish_bundle(
    bundle: Path,
    folder: Path,
    places: tuple[Path, ...],
    password_file: Path | None,
    floor: str | None,
    as_json: bool,
) -> None:
    """Sign BUNDLE into the repository. No device takes it before it is rolled out."""
    repository, signers = Repository(folder), keys_in(places, _password_in(password_file))
    manifest, left = publish(repository, bundle, signers, utc_now(), floor)
    told = not left and _tell_if_possible(repository, signers)
    document = {"bundle": manifest.name, "version": manifest.version, "signatures_wanted": left}
    if as_json:
        click.echo(json.dumps({**document, "told": told}))
        return
    click.echo(f"{manifest.name} {manifest.version}: {_state(left, told)}")


@fleet.command()
@_repository
@_keys
@_password
def sign(folder: Path, places: tuple[Path, ...], password_file: Path | None) -> None:
    """Add signatures to what waits for them, or have the online key tell of what is signed."""
    repository, signers = Repository(folder), keys_in(places, _password_in(password_file))
    left = repository.sign_staged(signers) if repository.is_waiting else 0
    click.echo(_state(left, not left and _tell_if_possible(repository, signers)))


@fleet.command()
@click.argument("name")
@click.argument("version")
@_repository
@_keys
@_password
@click.option("--share", "share_pct", type=click.FloatRange(0, 100), default=5.0, show_default=True,
              help="Per cent of the devices on the channel.")  # fmt: skip
@click.option("--channel", default="stable", show_default=True)
@click.option("--starts-at", type=click.DateTime(), help="UTC; now if left out.")
@click.option("--days", type=click.FloatRange(min=0, min_open=True), default=30.0, show_default=True,
              help="Until the deadline: who has not reported by then has failed.")  # fmt: skip
@click.option(
    "--device-class", "device_classes", multiple=True, help="Only these, if any is named."
)
@click.option("--free-mb", type=click.IntRange(min=0), default=200, show_default=True,
              help="Room that a device must have.")  # fmt: skip
@_json
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
    word = published(repository).get((name, version))
    if word is None:
        raise RepositoryError(f"{name} {version} was not published", "see `loamscan fleet show`")
    now = utc_now()
    rollouts, new = begun(
        repository.rollouts,
        word,
        repository.targets.unrecognized_fields[FLOORS].get(name, "0.0.0"),
        share_pct=share_pct,
        channel=channel,
        starts_at=starts_at.replace(tzinfo=now.tzinfo) if starts_at else now,
        days=days,
        device_classes=list(device_classes),
        minimum_free_bytes=free_mb * 1_000_000,
    )
    repository.set_rollouts(rollouts, _online(repository, places, password_file), now)
    _say_rollout(new, as_json)


@fleet.command()
@click.argument("rollout_id", metavar="ROLLOUT")
@_repository
@_keys
@_password
@click.option("--share", "share_pct", type=click.FloatRange(0, 100), default=100.0, show_default=True,
              help="Per cent of the devices; who is in already stays in.")  # fmt: skip
@_json
def promote(
    rollout_id: str,
    folder: Path,
    places: tuple[Path, ...],
    password_file: Path | None,
    share_pct: float,
    as_json: bool,
) -> None:
    """Widen ROLLOUT to a larger share, or let one that was halted go on."""
    _change_rollout(
        folder, rollout_id, places, password_file, as_json, share_pct=share_pct, halted=False
    )


@fleet.command()
@click.argument("rollout_id", metavar="ROLLOUT")
@_repository
@_keys
@_password
@_json
def halt(
    rollout_id: str,
    folder: Path,
    places: tuple[Path, ...],
    password_file: Path | None,
    as_json: bool,
) -> None:
    """Have no further device begin ROLLOUT."""
    _change_rollout(folder, rollout_id, places, password_file, as_json, halted=True)


@fleet.command()
@_repository
@_json
def show(folder: Path, as_json: bool) -> None:
    """Show what was published and rolled out."""
    repository = Repository(folder)
    bundles, rollouts = published(repository), repository.rollouts.rollouts
    floors = repository.targets.unrecognized_fields[FLOORS]
    if as_json:
        documents = [rollout.model_dump(mode="json") for rollout in rollouts]
        click.echo(
            json.dumps(
                {
                    "bundles": [word.model_dump() for word in bundles.values()],
                    "floors": floors,
                    "rollouts": documents,
                }
            )
        )
        return
    for name, version in bundles:
        click.echo(f"bundle   {name} {version} (floor {floors.get(name, 'none')})")
    for known in rollouts:
        click.echo(_rollout_line(known))
    if repository.is_waiting:
        click.echo("a list of bundles waits for signatures: `loamscan fleet sign`")


def _change_keys(
    repository: Repository,
    holder: Holder,
    path: Path | None,
    revoke: tuple[str, ...],
    threshold: int | None,
    places: tuple[Path, ...],
    password_file: Path | None,
) -> None:
    password = _password_in(password_file)
    signers: dict[str, CryptoSigner] = keys_in(places, password)
    new = [] if path is None else [new_key(path.parent, path.stem, password)]
    signers |= {signer.public_key.keyid: signer for signer in new}
    now = utc_now()
    added = [signer.public_key for signer in new]
    change_keys(repository, holder, added, revoke, signers, now, threshold)
    online = _online_of(repository, signers)
    if online is not None:
        repository.set_rollouts(repository.rollouts, online, now)


def _change_rollout(
    folder: Path,
    rollout_id: str,
    places: tuple[Path, ...],
    password_file: Path | None,
    as_json: bool,
    **changes: Any,
) -> None:
    repository = Repository(folder)
    rollouts, after = changed(repository.rollouts, rollout_id, **changes)
    repository.set_rollouts(rollouts, _online(repository, places, password_file), utc_now())
    _say_rollout(after, as_json)


def _rule(rule: str, option: str) -> tuple[int, int]:
    threshold, _, count = rule.partition("/")
    if not (threshold.isdecimal() and count.isdecimal() and 0 < int(threshold) <= int(count) <= 16):
        raise click.BadParameter(
            f"{rule!r}: write K/N, K of N keys (at most 16)", param_hint=option
        )
    return int(threshold), int(count)


def _password_in(path: Path | None) -> bytes | None:
    return path.read_bytes().strip() or None if path else None


def _online_of(repository: Repository, signers: dict[str, CryptoSigner]) -> CryptoSigner | None:
    ids = holders(repository)["online"][1]
    return next((signers[key_id] for key_id in ids if key_id in signers), None)


def _online(
    repository: Repository, places: tuple[Path, ...], password_file: Path | None
) -> CryptoSigner:
    found = _online_of(repository, keys_in(places, _password_in(password_file)))
    if found is None:
        named = ", ".join(map(str, places))
        raise KeyFileError(f"the online key is not in {named}", "name it with --keys")
    return found


def _tell_if_possible(repository: Repository, signers: dict[str, CryptoSigner]) -> bool:
    online = _online_of(repository, signers)
    if online is not None:
        repository.tell(online, utc_now())
    return online is not None


def _state(left: int, told: bool) -> str:
    if left:
        return f"waits for {left} more signature{'s' * (left > 1)}: `loamscan fleet sign`"
    if told:
        return "signed, and devices are told of it"
    return "signed; `loamscan fleet sign` with the online key tells devices of it"


def _say_rollout(known: Rollout, as_json: bool) -> None:
    click.echo(known.model_dump_json() if as_json else _rollout_line(known))


def _rollout_line(known: Rollout) -> str:
    state = "halted" if known.halted else f"{known.share_pct:g} % of {known.channel}"
    return f"rollout  {known.id}: {state}, until {known.deadline:%Y-%m-%d}"
