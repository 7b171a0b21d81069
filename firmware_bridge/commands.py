"""Commands of the scanner's room: `simulate` plays a scanner, `scan` reads from one."""

from __future__ import annotations

import json
import math
import signal
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Final, get_args

import click
import numpy as np

from firmware_bridge.drivers import open_scanner
from firmware_bridge.emulated.line_faults import faults_in
from firmware_bridge.emulated.pty_line import PtyLine
from firmware_bridge.emulated.virtual_bench import EmulatedState
from firmware_bridge.errors import SpectraFileError
from firmware_bridge.files.spectra_files import SpectraWriter, read_spectra
from firmware_bridge.files.spectra_layouts import DECLARED_KINDS, FORMATS, DeclaredKind, FormatName
from firmware_bridge.found_ports import found_ports, probed
from firmware_bridge.nirone.device import VirtualNirone
from firmware_bridge.nirone.scanner import AVERAGES
from firmware_bridge.nirscan.device import VirtualNirscan
from firmware_bridge.scan import Instrument, Scan, ScanKind, ScanRole
from firmware_bridge.wire.messages import ROLES
from firmware_bridge.wire.scan_push import KINDS
from firmware_bridge.wire.virtual_scanner import VirtualScanner
from soil.axis import AxisUnit

SIMULATED: Final = ("loamscan", "nirone", "nirscan-nano")


@click.command()
@click.option(
    "--spectra",
    type=click.Path(path_type=Path),
    required=True,
    help="CSV file of the spectra to measure, one a row.",
)
@click.option(
    "--format", "format_name", type=click.Choice(FORMATS), help="Format, if not recognised."
)
@click.option("--kind", type=click.Choice(DECLARED_KINDS), help="What any other file holds.")
@click.option("--unit", type=click.Choice(["nm", "cm-1"]), help="Unit of its numeric headers.")
@click.option(
    "--scanner",
    "which",
    type=click.Choice(SIMULATED),
    default="loamscan",
    show_default=True,
    help="Whose protocol to speak. All but loamscan's have no trigger, and of the options below know --link, "
    "--baud, --scan-time-ms, --limit, --fault, --refuse and --seed.",
)
@click.option("--link", type=click.Path(path_type=Path), help="Link to make to the port.")
@click.option("--mode", type=click.Choice(KINDS), default="reflectance", show_default=True)
@click.option("--baud", type=click.IntRange(min=1200), default=115200, show_default=True)
@click.option("--scan-time-ms", type=click.IntRange(min=0), default=2000, show_default=True)
@click.option(
    "--interval",
    "interval_s",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="Pause after each scan, seconds.",
)
@click.option("--replicates", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many samples.")
@click.option("--on-demand", is_flag=True, help="Scan only when asked, without a trigger.")
@click.option(
    "--fault",
    "fault_words",
    metavar="NAME=NUMBER",
    multiple=True,
    help="A fault of the line, once or more often. The share of replies that are hit: damage, drop, double, "
    "truncate, garbage, stall (for stall_s seconds); of requests: deafness, mishearing. Also late_s, "
    "start_up (bytes of garbage), unplug_after (bytes).",
)
@click.option(
    "--refuse",
    type=click.Choice(get_args(EmulatedState)[1:]),
    help="Refuse to measure when asked, for this reason.",
)
@click.option("--seed", type=int, help="Make session and faults the same each time.")
@click.option("--json", "as_json", is_flag=True, help="Print the port as JSON.")
def simulate(
    spectra: Path,
    format_name: FormatName | None,
    kind: DeclaredKind | None,
    unit: AxisUnit | None,
    which: str,
    link: Path | None,
    mode: ScanKind,
    baud: int,
    scan_time_ms: int,
    interval_s: float,
    replicates: int,
    limit: int | None,
    on_demand: bool,
    fault_words: tuple[str, ...],
    refuse: EmulatedState | None,
    seed: int | None,
    as_json: bool,
) -> None:
    """Play a scanner on a pseudo-terminal.

    Gives the spectra of a file, until Ctrl-C or until --limit samples were taken. Read it with
    `scan --url` and the URL printed.
    """
    file = read_spectra(spectra, format_name, kind, unit)
    # However it is ended, its link goes with it: the terminal's number is soon somebody else's.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        faults = faults_in(fault_words, seed or 0)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--fault") from error
    if refuse == "warming up" and which == "nirscan-nano":
        raise click.BadParameter("a NIRscan Nano has no such state", param_hint="--refuse")
    if refuse and which == "loamscan" and not on_demand:
        raise click.BadParameter("only with --on-demand is it asked", param_hint="--refuse")
    virtual: VirtualScanner | VirtualNirone | VirtualNirscan
    with suppress(KeyboardInterrupt), ExitStack() as stack:
        if which == "nirone":
            measure_ms = max(1, scan_time_ms // AVERAGES)
            virtual = VirtualNirone(file, baud, faults, link, measure_ms=measure_ms, limit=limit)
        elif which == "nirscan-nano":
            virtual = VirtualNirscan(
                file, baud, faults, link, scan_time_ms=scan_time_ms, limit=limit
            )
        else:
            virtual = VirtualScanner(
                file,
                mode=mode,
                baud=baud,
                scan_time_ms=scan_time_ms,
                interval_s=interval_s,
                replicates=replicates,
                limit=limit,
                trigger=not on_demand,
                seed=seed,
                faults=faults,
                link=link,
            )
        virtual.device.state = refuse or "ready"
        scanner: PtyLine = stack.enter_context(virtual)
        if as_json:
            click.echo(json.dumps({"url": scanner.url, "port": scanner.port}))
        else:
            click.echo(f"{len(file.labels)} spectra, {file.axis}")
            click.echo(f"scanner at {scanner.url} (Ctrl-C ends it)")
        scanner.finished.wait()


@click.command()
@click.option(
    "--url",
    required=True,
    help="Scanner: loamscan:///dev/ttyACM0, nirone://…, nirscan-nano://…, each also as //HOST:PORT; "
    "folder:DIR; or replay:FILE.",
)
@click.option(
    "-n", "--count", type=click.IntRange(min=1), help="Stop after so many scans; else at Ctrl-C."
)
@click.option(
    "--role",
    type=click.Choice(ROLES),
    help="Ask for each scan, in this role, instead of waiting for the trigger.",
)
@click.option(
    "--patience",
    "patience_s",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    help="Give up after so many seconds without a scan.",
)
@click.option("--output", type=click.Path(path_type=Path), help="New CSV file for the spectra.")
@click.option(
    "--record",
    type=click.Path(path_type=Path),
    help="New file for every byte both ways, to send to a maintainer; `--url replay:FILE` plays it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per scan.")
def scan(
    url: str,
    count: int | None,
    role: ScanRole | None,
    patience_s: float,
    output: Path | None,
    record: Path | None,
    as_json: bool,
) -> None:
    """Read scans from a scanner and acknowledge each.

    An acknowledged scan is gone from the scanner: use --output to keep it, and don't run this
    beside the daemon.
    """
    with ExitStack() as stack:
        scanner = stack.enter_context(open_scanner(url, record))
        writer = stack.enter_context(SpectraWriter(output)) if output else None
        who = scanner.instrument
        click.echo(f"{who.model}, serial {who.serial}, firmware {who.firmware}", err=as_json)
        taken = 0
        with suppress(KeyboardInterrupt):
            while count is None or taken < count:
                if role is not None:
                    scanner.measure(role)
                try:
                    received = next(scanner.scans(patience_s))
                except SpectraFileError as error:
                    click.echo(f"Warning: {error}", err=True)
                    continue
                if writer is not None:
                    writer.add(_name(received), received.axis, received.values)
                scanner.acknowledge(received)
                taken += 1
                click.echo(_json_line(received) if as_json else _line(received))
        click.echo(
            "{frames} frames, {damaged} damaged, {repeated} repeated".format(
                **asdict(scanner.counters)
            ),
            err=as_json,
        )


@click.group()
def scanner() -> None:
    """Find scanners, and see how one is."""


@scanner.command(name="list")
@click.option(
    "--probe",
    metavar="PATH",
    help="Ask at this port too, with every driver in turn. What is there hears questions that it may not "
    "understand: only for a port that you know to be a scanner's.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_scanners(probe: str | None, as_json: bool) -> None:
    """List the serial ports that a scanner may be at; none of them is opened.

    A path under /dev/loamscan or /dev/serial/by-id stays the same wherever the scanner is plugged in.
    """
    ports = found_ports()
    at = None if probe is None else probed(probe)
    if as_json:
        document: dict[str, object] = {"ports": [asdict(port) for port in ports]}
        if at is not None:
            document["scanner"] = {"url": at[0], **_identity(at[1])}
        click.echo(json.dumps(document))
        return
    for port in ports:
        words = (port.path, port.usb, port.description, port.serial and f"serial {port.serial}")
        click.echo("  ".join(word for word in words if word))
    if not ports:
        click.echo("no serial ports", err=True)
    if at is not None:
        click.echo(f"{at[0]}  {at[1].model}, serial {at[1].serial}, firmware {at[1].firmware}")


@scanner.command()
@click.argument("url")
@click.option(
    "--forget-faults", is_flag=True, help="Have the scanner forget the faults that it told of."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(url: str, forget_faults: bool, as_json: bool) -> None:
    """Say what the scanner at URL is, what it can do, and how it is now.

    Don't run this beside the daemon: one program at a time can use a scanner.
    """
    with open_scanner(url) as opened:
        if forget_faults:
            opened.forget_faults()
        who, condition = opened.instrument, asdict(opened.condition())
    able = sorted(who.capabilities)
    if as_json:
        click.echo(json.dumps({**_identity(who), "capabilities": able, "condition": condition}))
        return
    said = {**_identity(who), "can": ", ".join(able), **condition}
    said["faults"] = ", ".join(condition["faults"]) or None
    for name, value in said.items():
        if value not in (None, ""):
            click.echo(f"{name:14} {value}")


def _identity(instrument: Instrument) -> dict[str, str]:
    return {"model": instrument.model, "serial": instrument.serial, "firmware": instrument.firmware}


def _name(received: Scan) -> str:
    return received.label or f"{received.session:08x}-{received.number}"


def _line(received: Scan) -> str:
    temperature = received.temperature_c
    battery = received.battery_pct
    return (
        f"{received.number:6d}  {_name(received)}  {received.role}  {received.kind}  "
        f"mean {float(np.mean(received.values)):.6g}  "
        f"{'-' if temperature is None else f'{temperature:.1f}'} °C  "
        f"battery {'-' if battery is None else battery} %"
    )


def _json_line(received: Scan) -> str:
    mean = float(np.mean(received.values))
    return json.dumps(
        {
            "session": received.session,
            "number": received.number,
            "label": received.label,
            "role": received.role,
            "kind": received.kind,
            "bands": len(received.axis),
            "mean": mean if math.isfinite(mean) else None,
            "scan_time_ms": received.scan_time_ms,
            "temperature_c": received.temperature_c,
            "battery_pct": received.battery_pct,
            "measured_at": None
            if received.measured_at is None
            else received.measured_at.isoformat(),
        }
    )
