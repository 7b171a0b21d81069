"""Commands that choose a device's engine."""

from __future__ import annotations

from pathlib import Path

import click

from contract.bundle import open_bundle
from edge.daemon import agent_version
from edge.engines.choice import choose_engine
from edge.engines.kept_choice import EngineChoice, save_choice
from edge.engines.kept_file import check_writable


@click.group()
def engine() -> None:
    """Choose what runs a bundle on this device."""


@engine.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--into",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder for the choice and for TensorRT's plans: the one that `engines` in the configuration "
    "names. Plans are code; only the device's owner should be able to write there.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the choice as JSON.")
def build(bundle: Path, into: Path, as_json: bool) -> None:
    """Prove and time every engine that can run BUNDLE here, and keep the choice.

    Once for each installed bundle. An engine must reproduce the golden spectra; fp32 on the processor
    is kept unless another is faster at a scanner's pace by more than the noise. Where TensorRT is
    installed its plans are built first, once for a bundle and an installation; that takes minutes.
    """
    check_writable(into)
    choice = choose_engine(
        open_bundle(bundle, agent_version()), into, lambda line: click.echo(line, err=True)
    )
    path = save_choice(into, choice)
    if as_json:
        click.echo(choice.to_json())
        return
    for line in _lines(choice):
        click.echo(line)
    click.echo(f"kept in {path}")


def _lines(choice: EngineChoice) -> list[str]:
    lines = [f"{'engine':<18} {'golden':>7} {'at 10 Hz':>10} {'tight loop':>10}"]
    for candidate in choice.candidates:
        if candidate.fault:
            lines.append(f"{candidate.engine:<18} {candidate.fault}")
            continue
        mark = "  <- chosen" if candidate.engine == choice.engine else ""
        lines.append(
            f"{candidate.engine:<18} {candidate.golden_error_over_tolerance or 0:>7.1%} "
            f"{candidate.paced_p50_us or 0:>7.0f} us {candidate.tight_p50_us or 0:>7.0f} us{mark}"
        )
    return lines
