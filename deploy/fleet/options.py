"""What the commands of a fleet have in common: where the repository and the keys are."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from math import isfinite
from pathlib import Path
from typing import Any

import click
from securesystemslib.signer import CryptoSigner

from deploy.errors import KeyFileError
from deploy.fleet.ear import Broker
from deploy.fleet.key_changes import holders, was_online
from deploy.fleet.key_files import keys_in, read_password
from deploy.fleet.repository import Repository


class FiniteRange(click.FloatRange):
    """Numbers of a range; nan, which compares with nothing, is in none, and inf is no number to count by."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Raises `click.BadParameter`."""
        number = float(super().convert(value, param, ctx))
        if not isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


repository_option = click.option(
    "--repository",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("fleet"),
    show_default=True,
    help="The folder that is served.",
)
keys_option = click.option(
    "--keys",
    "places",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    help="Private keys: a .pem file or a folder of them, once or more often.",
)
password_option = click.option(
    "--password-file",
    type=click.Path(path_type=Path),
    help="File with the password of the keys.",
)
root_option = click.option(
    "--root",
    "root_file",
    type=click.Path(path_type=Path),
    help="The root that devices were provisioned with; without it, the 1.root.json beside the keys.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


_BROKER = (
    click.option("--host", default="127.0.0.1", show_default=True, help="The broker."),
    click.option("--port", default=1883, show_default=True, type=click.IntRange(1, 65535)),
    click.option("--username", help="User name at the broker."),
    click.option(
        "--broker-password-file",
        type=click.Path(path_type=Path),
        help="File with the password for the broker.",
    ),
    click.option(
        "--ca-file", type=click.Path(path_type=Path), help="PEM of the broker's authority: TLS."
    ),
)


def broker_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say where the broker is, handed to ``command`` as one `Broker`."""

    @wraps(command)
    def with_broker(
        *,
        host: str,
        port: int,
        username: str | None,
        broker_password_file: Path | None,
        ca_file: Path | None,
        **rest: Any,
    ) -> Any:
        if broker_password_file is not None and username is None:
            raise click.UsageError("--broker-password-file wants --username too")
        broker = Broker(host, port, username, broker_password_file, ca_file)
        return command(broker=broker, **rest)

    for option in reversed(_BROKER):
        with_broker = option(with_broker)
    return with_broker


def online_of(repository: Repository, signers: dict[str, CryptoSigner]) -> CryptoSigner | None:
    """The online key, if it is among them."""
    ids = holders(repository)["online"][1]
    return next((signers[key_id] for key_id in ids if key_id in signers), None)


def online_signer(
    repository: Repository, places: tuple[Path, ...], password_file: Path | None
) -> CryptoSigner:
    """The online key in one of the places; raises `KeyFileError` where it is in none."""
    signers = keys_in(places, read_password(password_file))
    found = online_of(repository, signers)
    if found is None:
        raise no_online_key(repository, signers, places)
    return found


def no_online_key(
    repository: Repository, signers: dict[str, CryptoSigner], places: tuple[Path, ...]
) -> KeyFileError:
    """Why none of these is the online key of this repository."""
    named = ", ".join(map(str, places))
    what = f"the online key is not in {named}"
    if was_online(repository, signers):
        what = f"{what}: the one there was revoked"
    return KeyFileError(what, "name the one of this repository with --keys")
