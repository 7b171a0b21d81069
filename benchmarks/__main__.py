"""`python -m benchmarks`: list the benchmarks, run one, or run all."""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

import click

from benchmarks.errors import BenchmarkError
from benchmarks.report import section, table, write_section
from soil.errors import LoamscanError

BENCHMARKS: Final = (
    "latency",
    "memory",
    "startup",
    "engines",
    "codecs",
    "fleet",
    "realism",
    "moisture",
    "accuracy",
    "axes",
    "latents",
    "real_accuracy",
    "real_blocked",
    "real_latents",
    "training",
)
"""Modules of this folder with a docstring that says what is measured, and ``measure(quick, tell)``."""


@click.command()
@click.argument("name", required=False)
@click.option("--all", "run_all", is_flag=True, help="Run every benchmark.")
@click.option("--quick", is_flag=True, help="Seconds instead of minutes; the figures are rough.")
@click.option("--json", "as_json", is_flag=True, help="Print rows as JSON, one a line.")
@click.option(
    "--write",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Put the table into this Markdown file too, in place of the benchmark's last one.",
)
def benchmarks(
    name: str | None, run_all: bool, quick: bool, as_json: bool, write: Path | None
) -> None:
    """Measure the benchmark NAME; without one, list what there is.

    Progress goes to standard error, rows to standard output. A missed goal is shown, and is no
    failure of the command.
    """
    if name is None and not run_all:
        for each in BENCHMARKS:
            click.echo(f"{each:<10} {_words(_module(each)).splitlines()[0]}")
        return
    if name is not None and run_all:
        raise click.UsageError("give a NAME or --all, not both")
    for each in BENCHMARKS if name is None else (name,):
        _run(each, quick, as_json, write)


def _run(name: str, quick: bool, as_json: bool, write: Path | None) -> None:
    module = _module(name)
    rows = module.measure(quick, lambda text: click.echo(f"{name}: {text}", err=True))
    if as_json:
        for row in rows:
            click.echo(json.dumps(row.as_json()))
    else:
        click.echo(table(rows))
    if write is not None:
        write_section(write, name, section(name, _words(module), rows))


def _module(name: str) -> ModuleType:
    if name not in BENCHMARKS:
        raise BenchmarkError(f"no benchmark is called {name!r}", f"known: {', '.join(BENCHMARKS)}")
    return importlib.import_module(f"benchmarks.{name}")


def _words(module: ModuleType) -> str:
    return inspect.getdoc(module) or ""


def main() -> None:
    """Run the command line; Ctrl-C and a fault each end with one message."""
    try:
        benchmarks.main(prog_name="python -m benchmarks", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except LoamscanError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
