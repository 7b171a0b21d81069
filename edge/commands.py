"""Commands of the device: run, predict, bundle, demo, listen."""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contract.bundle import open_bundle
from contract.records import Reading, read_record
from edge.batch import predict_file
from edge.bundle_difference import differences, lines
from edge.config import REFERENCE_BUNDLE, load_config
from edge.daemon import agent_version
from edge.demo.subscriber import Subscriber
from edge.errors import DemoError, EdgeError
from edge.inspection import inspection, report
from edge.link import read_password
from edge.log_file import newest_records
from edge.proof import prove
from edge.readings import in_one_line
from edge.service import serve
from edge.stop_signals import StopSignals
from firmware_bridge.files.spectra_files import read_spectra
from firmware_bridge.files.spectra_layouts import DECLARED_KINDS, FORMATS, DeclaredKind, FormatName
from soil.axis import AxisUnit

if TYPE_CHECKING:
    from edge.demo.table import ReadingTable

SYNTHETIC_SOILS = Path(__file__).parent.parent / "firmware_bridge" / "synthetic_soils.csv"

_bundle_option = click.option(
    "--bundle",
    type=click.Path(path_type=Path),
    default=REFERENCE_BUNDLE,
    show_default="the synthetic reference bundle",
    help="Model bundle (NAME-VERSION.loam).",
)
_include_rejected = click.option(
    "--include-rejected", is_flag=True, help="Show the numbers of rejected readings too."
)
_json = click.option(
    "--json", "as_json", is_flag=True, help="One JSON message a line, nothing else."
)


@click.command()
@click.option("--config", type=click.Path(path_type=Path), required=True, help="TOML file.")
@click.option("-v", "--verbose", is_flag=True, help="Tell of every reading.")
def run(config: Path, verbose: bool) -> None:
    """Run the daemon: scanner in, readings out, until SIGTERM or Ctrl-C.

    It keeps going without scanner and without broker, and comes back to both by itself.
    """
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(message)s"
    )
    os.umask(0o077)
    # What ends the process from without, or from below Python, leaves in the journal where it was.
    if sys.stderr is not None:
        faulthandler.enable()
    with StopSignals() as signals:
        serve(load_config(config), signals, _tell if verbose else None)


def _tell(reading: Reading) -> None:
    logging.getLogger("loamscan").info("%s", in_one_line(reading))


@click.command("log")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--last", default=10, show_default=True, type=click.IntRange(min=1), help="How many.")
@_json
def show_log(directory: Path, last: int, as_json: bool) -> None:
    """Show the newest readings in the record log DIRECTORY, delivered or not.

    Needs no broker and disturbs no daemon.
    """
    table = None if as_json else _table()
    for body in newest_records(directory, last):
        record = read_record(body)
        if table is None:
            click.echo(body)
        elif isinstance(record, Reading):
            table.show_reading(record)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@_bundle_option
@click.option(
    "--format", "format_name", type=click.Choice(FORMATS), help="Format, if not recognised."
)
@click.option("--kind", type=click.Choice(DECLARED_KINDS), help="What any other file holds.")
@click.option("--unit", type=click.Choice(["nm", "cm-1"]), help="Unit of its numeric headers.")
@_include_rejected
@_json
def predict(
    file: Path,
    bundle: Path,
    format_name: FormatName | None,
    kind: DeclaredKind | None,
    unit: AxisUnit | None,
    include_rejected: bool,
    as_json: bool,
) -> None:
    """Predict the nine properties of every spectrum in a CSV FILE."""
    spectra = read_spectra(file, format_name, kind, unit)
    opened = open_bundle(bundle, agent_version())
    predictions = predict_file(spectra, opened, include_rejected=include_rejected)
    if as_json:
        for prediction in predictions:
            click.echo(prediction.to_json())
        return
    table = _table()
    for p in predictions:
        note = f"{p.model.bundle} {p.model.version}" + (", synthetic" if p.model.synthetic else "")
        table.show_sample(p.sample, p.properties, p.texture, p.quality, note)


@click.group()
def bundle() -> None:
    """Look into model bundles."""


@bundle.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the manifest.")
@click.option("--markdown", is_flag=True, help="Print the figures of the test set as Markdown.")
def inspect(file: Path, as_json: bool, markdown: bool) -> None:
    """Show what is in the bundle FILE: axis, properties, accuracy, data."""
    opened = open_bundle(file)
    if as_json:
        click.echo(opened.manifest.to_json(), nl=False)
        return
    for line in report(opened) if markdown else inspection(opened):
        click.echo(line)


@bundle.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
def diff(before: Path, after: Path, as_json: bool) -> None:
    """Show what changed from the bundle BEFORE to AFTER: axis, outputs, precisions, metrics, data."""
    found = differences(open_bundle(before), open_bundle(after))
    if as_json:
        click.echo(json.dumps([difference._asdict() for difference in found]))
        return
    for line in lines(found):
        click.echo(line)


@bundle.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def verify(file: Path, as_json: bool) -> None:
    """Check the bundle FILE to the last byte and reproduce its golden spectra here."""
    opened = open_bundle(file, agent_version())
    predictor = prove(opened)
    worst = predictor.check_golden()
    manifest = opened.manifest
    if as_json:
        findings = {
            "bundle": manifest.name,
            "version": manifest.version,
            "sha256": opened.sha256,
            "engine": predictor.engine,
            "golden_error_over_tolerance": worst,
        }
        click.echo(json.dumps(findings))
        return
    click.echo(
        f"{file}: sound. {len(opened.files)} files match their digests; {predictor.engine} "
        f"reproduces the golden spectra to {worst:.1%} of the tolerance."
    )


@click.command()
@click.option("--scans", type=click.IntRange(min=1), help="Stop after so many readings.")
@click.option(
    "--spectra",
    type=click.Path(path_type=Path),
    help="CSV file of spectra to feed it; without one, synthetic soils.",
)
@click.option(
    "--format", "format_name", type=click.Choice(FORMATS), help="Format, if not recognised."
)
@click.option("--kind", type=click.Choice(DECLARED_KINDS), help="What any other file holds.")
@click.option("--unit", type=click.Choice(["nm", "cm-1"]), help="Unit of its numeric headers.")
@_bundle_option
@_include_rejected
@_json
def demo(
    scans: int | None,
    spectra: Path | None,
    format_name: FormatName | None,
    kind: DeclaredKind | None,
    unit: AxisUnit | None,
    bundle: Path,
    include_rejected: bool,
    as_json: bool,
) -> None:
    """Show the whole line on this machine: scanner, daemon, broker, subscriber.

    An embedded broker, a virtual scanner on a pseudo-terminal and the real daemon run until Ctrl-C
    or --scans; each reading is shown as it comes back from the broker. The exit status is 0 only
    when every reading was acknowledged.
    """
    from edge.demo.line import Line, run_line

    if spectra is None:
        file, mode = read_spectra(SYNTHETIC_SOILS, None, "reflectance", "nm"), "counts"
    else:
        file, mode = read_spectra(spectra, format_name, kind, unit), "reflectance"
    line = Line(file, mode, bundle, include_rejected)  # type: ignore[arg-type]
    table = None if as_json else _table()

    def show(payload: bytes, reading: Reading) -> None:
        if table is None:
            click.echo(payload)
        else:
            table.show_reading(reading)

    with StopSignals() as signals:
        click.echo(
            f"{len(file.labels)} spectra in {mode}; Ctrl-C ends. Starting broker, scanner, daemon.",
            err=as_json,
        )
        outcome = run_line(line, scans, show, signals)
    click.echo(outcome.summary, err=as_json)
    if not outcome.complete:
        raise DemoError("not every reading was acknowledged", "run it again; report it if it stays")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The broker.")
@click.option("--port", default=1883, show_default=True, type=click.IntRange(1, 65535))
@click.option("--device", default="+", show_default="every device", help="Device id to hear.")
@click.option("--username", help="User name at the broker.")
@click.option("--password-file", type=click.Path(path_type=Path), help="File with the password.")
@click.option("--acknowledge", is_flag=True, help="Confirm records as a collector would.")
@_json
def listen(
    host: str,
    port: int,
    device: str,
    username: str | None,
    password_file: Path | None,
    acknowledge: bool,
    as_json: bool,
) -> None:
    """Show readings as they come from a broker, until Ctrl-C.

    With --acknowledge devices count what is shown here as delivered, although nothing is stored:
    never beside a real collector.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    table = None if as_json else _table()

    def show(payload: bytes, record: object) -> None:
        if table is None:
            click.echo(payload)
        elif isinstance(record, Reading):
            table.show_reading(record)

    password = None if password_file is None else read_password(password_file)
    subscriber = Subscriber(
        host,
        port,
        show,
        device=device,
        acknowledge=acknowledge,
        username=username,
        password=password,
    )
    with StopSignals() as signals, subscriber:
        whom = "every device" if device == "+" else device
        click.echo(f"Listening on {host}:{port} for {whom}; Ctrl-C ends.", err=True)
        while not signals.wait(0.2):
            subscriber.check()


def _table() -> ReadingTable:
    try:
        from edge.demo.table import ReadingTable
    except ModuleNotFoundError as error:
        raise EdgeError(
            f"tables for people need {error.name}", "pip install 'loamscan[demo]', or use --json"
        ) from error
    return ReadingTable()
