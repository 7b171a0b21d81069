"""Commands of the training room."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from training.device import DeviceName
    from training.libraries.splits import Block

INTERRUPTED = 130

RESAMPLES_MIN = 400
"""With fewer than 360 no difference could be shown on nine properties: 9 * 2/(n + 1) is above .05."""


_FORMATS = ("zenodo-neospectra", "ossl", "loamscan")
_format = click.option(
    "--format",
    "format_name",
    type=click.Choice(_FORMATS),
    required=True,
    help="zenodo-neospectra: the CSV files of Zenodo 7586622. ossl: exports of the Open Soil "
    "Spectral Library v1.2. loamscan: a folder with a library.toml.",
)


@click.command()
@click.argument("sources", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--format",
    "format_name",
    type=click.Choice(_FORMATS),
    help="Of SOURCES, as in `loamscan library check`.",
)
@click.option(
    "--block",
    type=click.Choice(("sample", "site", "country")),
    default="sample",
    show_default=True,
    help="What is held out of learning as a whole. Soils of one site resemble each other: by sample, "
    "the test flatters.",
)
@click.option("--synthetic", is_flag=True, help="Train on synthetic soils instead of SOURCES.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Checkpoint folder.")
@click.option("--seed", default=0, show_default=True)
@click.option(
    "--pairs", default=2106, show_default=True, help="Synthetic soils with both NIR and MIR."
)
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
    sources: tuple[Path, ...],
    format_name: str | None,
    block: Block,
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
    """Train a model in three stages on the library at SOURCES, and leave a checkpoint.

    The library needs soils with both NIR and MIR. Of each ten parts of it six are learnt from, one
    sets the limits of the domain, one the intervals, and two are the test.

    A run that was interrupted, by Ctrl-C or a power cut, goes on where it stopped when the same
    command is given again; the checkpoint is the same to the bit.
    """
    from training.checkpoint import prepare, save
    from training.device import chosen_device
    from training.errors import SettingsError
    from training.libraries.sources import read_library
    from training.report import report
    from training.settings import Settings
    from training.train import train_on_library, train_synthetic
    from training.unfinished import Unfinished, forget

    if synthetic == bool(sources):
        raise SettingsError("no library to train on, or two", "name SOURCES, or use --synthetic")
    if sources and format_name is None:
        raise SettingsError("the format of SOURCES is not named", "add --format")
    settings = Settings(name=name, version=version, seed=seed, pairs=pairs)
    settings = settings.quick() if quick else settings

    def tell(line: str) -> None:
        click.echo(line, err=True)

    computing_on = chosen_device(device)
    prepare(out)
    if restart:
        forget(out)
    unfinished = Unfinished(out, save_every_s)
    try:
        with _stopped_by_sigterm():
            if synthetic:
                checkpoint = train_synthetic(settings, tell, computing_on, unfinished)
            else:
                tell("reading " + ", ".join(str(path) for path in sources))
                library, report_of_library = read_library(str(format_name), sources)
                for line in report_of_library.lines():
                    tell(line)
                checkpoint = train_on_library(
                    settings, library, block, tell, computing_on, unfinished
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


@click.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.argument("sources", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--format",
    "format_name",
    type=click.Choice(_FORMATS),
    help="What SOURCES are, as for `loamscan library check`.",
)
@click.option("--synthetic", type=int, metavar="N", help="Test on N synthetic soils instead.")
@click.option(
    "--trained-on",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="A file or folder, in the same --format, of the library that the model learnt from: soils "
    "that bear a name of it are counted, and the report says so. May be given several times.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write to.")
@click.option(
    "--boot",
    type=click.IntRange(RESAMPLES_MIN, 10_000),
    default=1000,
    show_default=True,
    help="Bootstrap resamples behind the intervals.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of every draw.")
@_json
def evaluate(
    checkpoint: Path,
    sources: tuple[Path, ...],
    format_name: str | None,
    synthetic: int | None,
    trained_on: tuple[Path, ...],
    out: Path,
    boot: int,
    seed: int,
    as_json: bool,
) -> None:
    """Test the model in the folder CHECKPOINT on soils that it has not seen.

    The soils are those of the library at SOURCES (NIR scans with laboratory values), or synthetic
    ones. Leaves report.html, one page with figures that needs no other file, and report.json, the
    same numbers, in the folder of --out.

    \b
    loamscan evaluate my-checkpoint my-library --format loamscan --out evaluation
    loamscan evaluate my-checkpoint --synthetic 500 --out evaluation
    """  # noqa: D301 - click wants the character
    from training.checkpoint import load, prepare
    from training.evaluation.report import make_report, write_report
    from training.evaluation.sources import from_files, synthetic_soils
    from training.evaluation.summary import summary_lines

    if (synthetic is None) == (not sources):
        raise click.UsageError("name the files of a library, or --synthetic N")
    if synthetic is not None and trained_on:
        raise click.UsageError("--trained-on is for libraries, not for --synthetic")
    if synthetic is not None:
        read = partial(synthetic_soils, synthetic, seed)
    elif format_name is not None:
        read = partial(from_files, format_name, sources, trained_on)
    else:
        raise click.UsageError("say with --format what the files are")

    def progress(line: str) -> None:
        click.echo(line, err=True)

    loaded = load(checkpoint)
    prepare(out)
    progress("reading the test set")
    scanned = read(loaded.card)
    found, html = make_report(loaded, scanned, boot, seed, progress)
    write_report(found, html, out)
    if as_json:
        click.echo(found.to_json().decode(), nl=False)
    else:
        click.echo("\n".join(summary_lines(found)))
        click.echo(f"report: {out / 'report.html'}")
