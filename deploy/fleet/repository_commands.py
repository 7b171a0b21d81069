"""Commands on the repository itself: keys, bundles, copies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final, get_args

import click
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Root, Targets

from deploy.errors import RepositoryError
from deploy.fleet.anchor import NAME, first_root, put_beside
from deploy.fleet.beginning import Rule, begin
from deploy.fleet.copying import copy_to
from deploy.fleet.key_changes import Holder, change_keys, holders
from deploy.fleet.key_files import keys_in, new_key, read_password
from deploy.fleet.options import (
    FiniteRange,
    json_option,
    keys_option,
    no_online_key,
    online_of,
    online_signer,
    password_option,
    repository_option,
    root_option,
)
from deploy.fleet.printable import printable
from deploy.fleet.publishing import publish, published
from deploy.fleet.repository import Repository, utc_now
from deploy.fleet.rollout_changes import below_floor
from deploy.fleet.rollout_commands import rollout_line
from deploy.fleet.served import check_not_served
from deploy.fleet.soundness import check_all
from deploy.fleet.trust_chain import Additions, additions

SHORT_ID: Final = 12
SHORT_SHA256: Final = 16


@click.command()
@repository_option
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
@password_option
def init(
    folder: Path, new_keys: Path, root_rule: str, bundles_rule: str, password_file: Path | None
) -> None:
    """Make keys and a repository."""
    root, bundles = _rule(root_rule, "--root"), _rule(bundles_rule, "--bundles")
    begin(folder, new_keys, root, bundles, read_password(password_file), utc_now())
    click.echo(f"repository in {folder}; devices are provisioned with the {NAME} beside the keys")
    click.echo(
        f"move {new_keys}/root and {new_keys}/bundles to a safe: each key to a stick of its own, "
        f"with the {NAME} beside it"
    )


@click.command()
@repository_option
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
@root_option
@password_option
@json_option
def keys(
    folder: Path,
    holder: Holder | None,
    new_key: Path | None,
    revoke: tuple[str, ...],
    threshold: int | None,
    places: tuple[Path, ...],
    root_file: Path | None,
    password_file: Path | None,
    as_json: bool,
) -> None:
    """Show who may sign what, or change it.

    A root takes signatures of the old and of the new keys; where keys of bundles or the online key change,
    enough of both of these too. Devices that were away follow from root to root.
    """
    repository = Repository(folder)
    if holder is not None:
        first = first_root(places, root_file, folder)
        password = read_password(password_file)
        signers = keys_in(places, password)
        if new_key is not None:
            check_not_served(folder, new_key)
            put_beside(new_key.parent, first)
        repository = Repository(folder, first)
        _change_keys(repository, holder, new_key, revoke, threshold, signers, password)
    elif new_key or revoke or threshold:
        raise click.UsageError("say with --holder whose keys to change")
    with repository.alone():
        found = holders(repository)
    if as_json:
        click.echo(json.dumps({h: {"threshold": t, "keys": ids} for h, (t, ids) in found.items()}))
        return
    for name, (wanted, ids) in found.items():
        short = ", ".join(key_id[:SHORT_ID] for key_id in ids)
        click.echo(f"{name:8} {wanted} of {len(ids)}: {short}")


@click.command(name="publish")
@click.argument("bundle", type=click.Path(path_type=Path))
@repository_option
@keys_option
@root_option
@password_option
@click.option(
    "--floor", metavar="VERSION", help="Lowest version that may be rolled out from now on."
)
@json_option
def publish_bundle(
    bundle: Path,
    folder: Path,
    places: tuple[Path, ...],
    root_file: Path | None,
    password_file: Path | None,
    floor: str | None,
    as_json: bool,
) -> None:
    """Sign BUNDLE into the repository. No device takes it before it is rolled out."""
    signers = keys_in(places, read_password(password_file))
    repository = Repository(folder, first_root(places, root_file, folder))
    with repository.alone():
        before = repository.trusted()
        manifest, left = publish(repository, bundle, signers, utc_now(), floor)
        after = repository.waiting().signed if left else repository.targets
        added = additions(str(bundle), before.targets, after)
        click.echo(_added(before.root, before.targets, added), err=True)
        told = not left and _tell_if_possible(repository, signers)
    _say_below_floor(repository)
    document = {"bundle": manifest.name, "version": manifest.version, "signatures_wanted": left}
    if as_json:
        click.echo(json.dumps({**document, "told": told}))
        return
    click.echo(f"{manifest.name} {manifest.version}: {_state(left, told)}")


@click.command()
@repository_option
@keys_option
@root_option
@password_option
def sign(
    folder: Path, places: tuple[Path, ...], root_file: Path | None, password_file: Path | None
) -> None:
    """Add signatures to what waits for them; the online key tells of what is signed, and renews it."""
    signers = keys_in(places, read_password(password_file))
    repository = Repository(folder)
    with repository.alone():
        signs = bool(signers.keys() & set(holders(repository)["bundles"][1]))
        if online_of(repository, signers) is None:
            _check_wanted(repository, signers, places, signs=signs)
        left = 0
        if repository.is_waiting and signs:
            repository = Repository(folder, first_root(places, root_file, folder))
            before, added = repository.trusted(), repository.waiting_additions()
            click.echo(_added(before.root, before.targets, added), err=True)
            left = repository.sign_staged(signers)
        # Whatever waits: what devices see already must not expire meanwhile.
        told = _tell_if_possible(repository, signers)
        waits = repository.is_waiting
    _say_below_floor(repository)
    if waits and told:
        click.echo("what is published is signed anew, and devices are told of it")
        more = f"for {_signatures(left)}" if left else "for signatures of keys of bundles"
        click.echo(f"a list of bundles still waits {more}: `loamscan fleet show`")
    else:
        click.echo(_state(left, told))


@click.command()
@click.argument("target", metavar="FOLDER", type=click.Path(path_type=Path))
@repository_option
@keys_option
@password_option
@click.option("--days", type=FiniteRange(0, 180, min_open=True), default=30.0, show_default=True,
              help="How long devices may take the copy for valid.")  # fmt: skip
def copy(
    target: Path, folder: Path, places: tuple[Path, ...], password_file: Path | None, days: float
) -> None:
    """Copy what devices need to a new FOLDER, such as on a stick, valid for so many days."""
    repository = Repository(folder)
    with repository.alone():
        online = online_signer(repository, places, password_file)
        check_all(repository, utc_now())
        until = copy_to(repository, target, online, utc_now(), days)
    click.echo(
        f"copied to {target}, valid until {until:%Y-%m-%d %H:%M} UTC; "
        "on a device: loamscan update apply --from FOLDER"
    )


@click.command()
@repository_option
@json_option
def show(folder: Path, as_json: bool) -> None:
    """Show what was published and rolled out."""
    repository = Repository(folder)
    bundles, rollouts = published(repository), repository.rollouts.rollouts
    floors = repository.floors
    waiting = (
        additions(str(repository.staged), repository.targets, repository.waiting().signed)
        if repository.is_waiting
        else Additions([], {})
    )
    if as_json:
        documents = [rollout.model_dump(mode="json") for rollout in rollouts]
        click.echo(
            json.dumps(
                {
                    "bundles": [word.model_dump() for word in bundles.values()],
                    "floors": floors,
                    "rollouts": documents,
                    "told": repository.is_told,
                    "waiting": [bundle._asdict() for bundle in waiting.bundles],
                }
            )
        )
        return
    if not bundles:
        click.echo("no bundles yet")
    for name, version in bundles:
        click.echo(printable(f"bundle   {name} {version} (floor {floors.get(name, 'none')})"))
    for known in rollouts:
        click.echo(rollout_line(known, utc_now()))
    _say_below_floor(repository)
    if not repository.is_told:
        click.echo("the newest list of bundles waits for the online key: `loamscan fleet sign`")
    if repository.is_waiting:
        click.echo("waits for signatures, `loamscan fleet sign`:")
        click.echo(_added(repository.root, repository.targets, waiting))


def _change_keys(
    repository: Repository,
    holder: Holder,
    path: Path | None,
    revoke: tuple[str, ...],
    threshold: int | None,
    signers: dict[str, CryptoSigner],
    password: bytes | None,
) -> None:
    new = [] if path is None else [new_key(path.parent, path.stem, password)]
    added = [signer.public_key for signer in new]
    signers = {**signers, **{key.keyid: signer for key, signer in zip(added, new, strict=True)}}
    try:
        with repository.alone():
            change_keys(repository, holder, added, revoke, signers, utc_now(), threshold)
    except BaseException:
        # The new root may be out all the same, and this the only key that signs for it.
        with repository.alone():
            named = repository.root.keys
        if path is not None and not named.keys() & {key.keyid for key in added}:
            path.with_name(f"{path.stem}.pem").unlink()
        raise


def _say_below_floor(repository: Repository) -> None:
    """Name the rollouts that devices refuse, and with them all older ones: nobody may have meant that."""
    floors = repository.floors
    for known in below_floor(repository.rollouts, floors, utc_now()):
        click.echo(
            printable(
                f"rollout {known.id} rolls out {known.bundle} {known.version}, below its floor "
                f"{floors[known.bundle]}: its devices refuse that, and take nothing else, until it is halted"
            ),
            err=True,
        )


def _added(root: Root, before: Targets, added: Additions) -> str:
    """What the next list of bundles adds, in lines for who signs it."""
    lines = [f"list of bundles {before.version + 1}, of root {root.version}, adds"]
    lines += [
        f"  {bundle.name} {bundle.version}, sha256 {bundle.sha256[:SHORT_SHA256]}"
        for bundle in added.bundles
    ]
    lines += [
        f"  floor of {name}: {floor} (was {was})" for name, (was, floor) in added.floors.items()
    ]
    return "\n".join(map(printable, lines if len(lines) > 1 else [f"{lines[0]} nothing"]))


def _rule(rule: str, option: str) -> Rule:
    threshold, _, count = rule.partition("/")
    if not (threshold.isdecimal() and count.isdecimal() and 0 < int(threshold) <= int(count) <= 16):
        raise click.BadParameter(
            f"{rule!r}: write K/N, K of N keys (at most 16)", param_hint=option
        )
    return Rule(int(threshold), int(count))


def _tell_if_possible(repository: Repository, signers: dict[str, CryptoSigner]) -> bool:
    online, now = online_of(repository, signers), utc_now()
    if online is not None:
        check_all(repository, now)
        repository.tell(online, now)
    return online is not None


def _check_wanted(
    repository: Repository,
    signers: dict[str, CryptoSigner],
    places: tuple[Path, ...],
    *,
    signs: bool,
) -> None:
    """Raise where keys without the online one among them have nothing to sign."""
    if not signs:
        raise no_online_key(repository, signers, places)
    if not repository.is_waiting:
        raise RepositoryError(
            f"nothing waits for a signature of the keys in {', '.join(map(str, places))}",
            "what is signed the online key tells devices of: `loamscan fleet sign --keys keys/online`",
        )


def _state(left: int, told: bool) -> str:
    if left:
        return f"waits for {_signatures(left)}: `loamscan fleet sign`"
    if told:
        return "signed, and devices are told of it"
    return "signed; `loamscan fleet sign` with the online key tells devices of it"


def _signatures(left: int) -> str:
    return f"{left} more signature{'s' * (left > 1)}"
