"""Commands that make soils and train on them."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from training.axes import SCANNERS, ScannerName
from training.libraries.commands import FORMATS

if TYPE_CHECKING:
    from training.device import DeviceName
    from training.libraries.splits import Block

INTERRUPTED = 130


@click.command()
@click.argument("sources", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    help="Of SOURCES, as in `loamscan library check`.",
)
@click.option(
    "--block",
    type=click.Choice(("sample", "site", "country")),
    help="What is held out of learning as a whole. Soils of one site resemble each other: by sample, "
    "the test flatters.  [default: sample]",
)
@click.option("--synthetic", is_flag=True, help="Train on synthetic soils instead of SOURCES.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Checkpoint folder.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option("--pairs", type=int, help="Synthetic soils with both NIR and MIR.  [default: 2106]")
@click.option(
    "--axis",
    "scanner",
    type=click.Choice(SCANNERS),
    default="neospectra",
    show_default=True,
    help="The scanner whose bands the model takes.",
)
@click.option("--name", help="Of the bundle.  [default: my-AXIS]")
@click.option("--version", default="0.1.0", show_default=True)
@click.option(
    "--quick",
    is_flag=True,
    help="A tiny run for a first look: short fits, and of synthetic soils no more than 240 pairs.",
)
@click.option(
    "--device",
    type=click.Choice(("auto", "cpu", "cuda")),
    default="auto",
    show_default=True,
    help="Where to compute. auto: on a GPU where there is one.",
)
@click.option(
    "--restart",
    is_flag=True,
    help="Begin again: throw away what was interrupted, and replace a finished checkpoint.",
)
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
    block: Block | None,
    synthetic: bool,
    out: Path,
    seed: int,
    pairs: int | None,
    scanner: ScannerName,
    name: str | None,
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
    import torch

    from training.checkpoint import check_free, prepared, save
    from training.device import chosen_device
    from training.errors import SettingsError
    from training.libraries.sources import read_library
    from training.report import report
    from training.settings import Settings
    from training.train import train_on_library, train_synthetic
    from training.unfinished import Unfinished, alone_in, forget

    if synthetic == bool(sources):
        raise SettingsError("no library to train on, or two", "name SOURCES, or use --synthetic")
    if sources and format_name is None:
        raise SettingsError("the format of SOURCES is not named", "add --format")
    if sources and pairs is not None:
        raise SettingsError(
            "--pairs counts synthetic soils", "leave it out: SOURCES have their own"
        )
    if synthetic and block is not None:
        raise SettingsError("--block is of libraries", "leave it out: synthetic sets share no site")
    settings = Settings(name=name or f"my-{scanner}", version=version, scanner=scanner, seed=seed)
    settings = settings if pairs is None else replace(settings, pairs=pairs)
    settings = settings.quick() if quick else settings

    def tell(line: str) -> None:
        click.echo(line, err=True)

    computing_on = chosen_device(device)
    with prepared(out), alone_in(out):
        if restart:
            forget(out)
        unfinished = Unfinished(out, save_every_s)
        if unfinished.progress is None and not restart:
            check_free(out)
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
                        settings, library, block or "sample", tell, computing_on, unfinished
                    )
        except torch.OutOfMemoryError as error:
            raise SettingsError(
                "the GPU has too little memory for this library", "add --device cpu"
            ) from error
        except KeyboardInterrupt:
            tell("interrupted: no checkpoint was written. " + _way_on(unfinished.progress, restart))
            raise SystemExit(INTERRUPTED) from None
        card = save(checkpoint, out)
        forget(out)
    if as_json:
        figures = {"metrics": card.metrics, "evaluation": card.evaluation}
        click.echo(json.dumps(figures, indent=1, sort_keys=True))
    else:
        click.echo(report(card))
        click.echo(f"checkpoint: {out}")


def _way_on(done: str | None, restart: bool) -> str:
    if done is None:
        return "Nothing was learnt yet"
    if restart:
        return f"Give the same command without --restart to go on from “{done}”"
    return f"Give the same command again to go on from “{done}”, or add --restart"


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
@click.option(
    "--axis",
    "scanner",
    type=click.Choice(SCANNERS),
    default="neospectra",
    show_default=True,
    help="The scanner that sees them.",
)
def soils(out: Path, count: int, seed: int, scanner: ScannerName) -> None:
    """Write spectra of synthetic soils, as one simulated scanner sees them."""
    from training.soils_file import write_soils

    write_soils(out, count, seed, scanner)
    click.echo(f"{count} synthetic soils: {out}")
