"""Commands of the contract room."""

from __future__ import annotations

import json

import click

from contract.schema import NAMES, json_schema


@click.command()
@click.argument("name", type=click.Choice(NAMES))
def schema(name: str) -> None:
    """Print the JSON Schema of a message or of the bundle's manifest."""
    click.echo(json.dumps(json_schema(name), indent=2))
