"""Commands of the contract room."""

from __future__ import annotations

import json

import click

from contract.reasons import Reason
from contract.schema import NAMES, json_schema


@click.command()
@click.argument("name", type=click.Choice(NAMES))
def schema(name: str) -> None:
    """Print the JSON Schema of a message or of the bundle's manifest."""
    click.echo(json.dumps(json_schema(name), indent=2))


@click.command()
def reasons() -> None:
    """Print every reason code, what it means and what it does, as Markdown."""
    click.echo("# Reason codes\n\nWritten by `loamscan reasons`.\n")
    click.echo("| code | a reading becomes | meaning | what to do |\n|---|---|---|---|")
    for reason in Reason:
        verdict = reason.verdict if reason.verdict != "ok" else "–"
        click.echo(f"| `{reason.value}` | {verdict} | {reason.text} | {reason.hint} |")
