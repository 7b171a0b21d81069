"""Commands about spectral libraries."""

from __future__ import annotations

import json
from pathlib import Path

import click

FORMATS = ("zenodo-neospectra", "ossl", "loamscan")
_format = click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    required=True,
    help="zenodo-neospectra: the CSV files of Zenodo 7586622. ossl: exports of the Open Soil "
    "Spectral Library v1.2. loamscan: a folder with a library.toml.",
)

_sources = click.argument(
    "sources", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True)
)


@click.group()
def library() -> None:
    """Check spectral libraries, and bring them into one form."""


@library.command()
@_sources
@_format
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def check(sources: tuple[Path, ...], format_name: str, as_json: bool) -> None:
    """Read the library at SOURCES and tell what is in it, and what was dropped and why."""
    from training.libraries.sources import read_library
    from training.libraries.summary import summary, summary_lines

    click.echo("reading " + ", ".join(str(path) for path in sources), err=True)
    found, report = read_library(format_name, sources)
    if as_json:
        content = {**summary(found), "findings": report.as_json()}
        click.echo(json.dumps(content, indent=1, sort_keys=True))
    else:
        click.echo("\n".join(summary_lines(found) + report.lines()))


@library.command()
@_sources
@_format
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
def convert(sources: tuple[Path, ...], format_name: str, out: Path) -> None:
    """Write what `check` finds sound as a loamscan library: a library.toml and Parquet tables."""
    from training.libraries import folder
    from training.libraries.sources import read_library

    click.echo("reading " + ", ".join(str(path) for path in sources), err=True)
    found, report = read_library(format_name, sources)
    for line in report.lines():
        click.echo(line, err=True)
    folder.write(found, out)
    click.echo(f"{found.name}: {out}")
