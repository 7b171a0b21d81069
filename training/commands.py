"""Commands of the training room."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from training.device import DeviceName

INTERRUPTED = 130


@click.command()
@click.option(
    "--synthetic", is_flag=True, help="Train on synthetic soils (the only library so far)."
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Checkpoint folder.")
@click.option("--seed", default=0, show_default=True)
@click.option("--pairs", default=2106, show_default=True, help="Soils with both NIR and MIR.")
@click.option("--name", default="my-neospectra", show_default=True)
@click.option("--version", default="0.1.0", show_default=True)
@click.option("--quick", is_flag=True, help="A tiny run, for a first look and for tests.")
@click.option(
    "--device",
    type=click.Choice(("auto", "cpu", "cuda")),
    default="auto",
    show_default=True,
    help="Where to compute. auto: on a GPU where there is one.",
)
@click.option("--restart", is_flag=True, help="Begin again: throw away what was interrupted.")
@click.option(
    "--save-every",
    "save_every_s",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    help="Seconds between saves of unfinished work.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the test-set figures as JSON.")
def train(
    synthetic: bool,
    out: Path,
    seed: int,
    pairs: int,
    name: str,
    version: str,
    quick: bool,
    device: DeviceName,
    restart: bool,
    save_every_s: float,
    as_json: bool,
) -> None:
    """Train a model in three stages and leave a checkpoint.

    A run that was interrupted, by Ctrl-C or a power cut, goes on where it stopped when the same
    command is given again; the checkpoint is the same to the bit.
    """
    from training.checkpoint import prepare, save
    from training.device import chosen_device
    from training.errors import SettingsError
    from training.report import report
    from training.settings import Settings
    from training.train import train_synthetic
    from training.unfinished import Unfinished, forget

    if not synthetic:
        raise SettingsError("no library to train on", "use --synthetic")
    settings = Settings(name=name, version=version, seed=seed, pairs=pairs)
    computing_on = chosen_device(device)
    prepare(out)
    if restart:
        forget(out)
    unfinished = Unfinished(out, save_every_s)
    try:
        with _stopped_by_sigterm():
            checkpoint = train_synthetic(
                settings.quick() if quick else settings,
                lambda line: click.echo(line, err=True),
                computing_on,
                unfinished,
            )
    except KeyboardInterrupt:
        done = unfinished.progress
        click.echo(
            "interrupted: no checkpoint was written. "
            + (
                f"Give the same command again to go on from “{done}”, or add --restart"
                if done
                else "Nothing was learnt yet"
            ),
            err=True,
        )
        raise SystemExit(INTERRUPTED) from None
    card = save(checkpoint, out)
    forget(out)
    if as_json:
        figures = {"metrics": card.metrics, "evaluation": card.evaluation}
        click.echo(json.dumps(figures, indent=1, sort_keys=True))
    else:
        click.echo(report(card))
        click.echo(f"checkpoint: {out}")


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """SIGTERM ends what is inside as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), help="CSV file to write.")
@click.option("-n", "count", default=24, show_default=True, help="Number of soils.")
@click.option("--seed", default=0, show_default=True)
def soils(out: Path, count: int, seed: int) -> None:
    """Write spectra of synthetic soils, as one simulated NeoSpectra-like scanner sees them."""
    from training.soils_file import write_soils

    write_soils(out, count, seed)
    click.echo(f"{count} synthetic soils: {out}")


_FORMATS = ("zenodo-neospectra", "ossl", "loamscan")
_format = click.option(
    "--format",
    "format_name",
    type=click.Choice(_FORMATS),
    required=True,
    help="zenodo-neospectra: the CSV files of Zenodo 7586622. ossl: exports of the Open Soil "
    "Spectral Library v1.2. loamscan: a folder with a library.toml.",
)
_sources = click.argument(
    "sources", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True)
)
_json = click.option("--json", "as_json", is_flag=True, help="For scripts.")


@click.group()
def library() -> None:
    """Check spectral libraries, and bring them into one form."""


@library.command()
@_sources
@_format
@_json
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
