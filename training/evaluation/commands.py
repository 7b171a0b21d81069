"""The command that tests a checkpoint."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from training.libraries.commands import FORMATS

RESAMPLES_MIN = 400
"""With fewer than 360 no difference could be shown on nine properties: 9 * 2/(n + 1) is above .05."""


@click.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.argument("sources", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
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
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Of every draw."
)
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
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
    from training.checkpoint import load, prepared
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
    with prepared(out):
        progress("reading the test set")
        scanned = read(loaded.card)
        for line in scanned.about.dropped:
            progress(line)
        found, html = make_report(loaded, scanned, boot, seed, progress)
        write_report(found, html, out)
    if as_json:
        click.echo(found.to_json().decode(), nl=False)
    else:
        click.echo("\n".join(summary_lines(found)))
        click.echo(f"report: {out / 'report.html'}")
