"""Commands of the export room."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from contract.version import is_version
from export.budget import BUDGET
from training.libraries.commands import FORMATS


@click.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Folder, or a file named *.loam."
)
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    type=click.Choice(("auto", "fp32", "fp16", "int8")),
    default=("auto",),
    show_default=True,
    help="In what to export besides fp32; auto: in all that stay within the budget. With a name, what "
    "does not is an error. May be given several times.",
)
@click.option(
    "--budget",
    type=click.FloatRange(0, 1, min_open=True),
    default=BUDGET,
    show_default=True,
    help="What a precision may lose of the CCC of each property on soils that no stage has seen.",
)
@click.option(
    "--representative",
    "sources",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="A file or folder of a library whose NIR spectra int8 ranges are taken from, instead of those "
    "that the checkpoint keeps. May be given several times.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    help="What --representative names, as for `loamscan library check`.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a page about the export, with figures, to this HTML file.",
)
@click.option(
    "--version",
    metavar="X.Y.Z",
    help="Version of the bundle, where the same model is released again; else the checkpoint's.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def export(
    checkpoint: Path,
    out: Path,
    precisions: tuple[str, ...],
    budget: float,
    sources: tuple[Path, ...],
    format_name: str | None,
    report: Path | None,
    version: str | None,
    as_json: bool,
) -> None:
    """Export a CHECKPOINT folder as a bundle (NAME-VERSION.loam).

    The bundle holds the graphs in fp32 and in every precision asked for, each part of the model in
    fewer bits only where the whole stays within --budget on soils that no stage has seen. What that
    costs stands in the manifest.
    """
    from export.budget_table import budget_lines
    from export.pack import check_place, export_bundle, write_report
    from export.precisions import PRECISIONS

    if bool(sources) != (format_name is not None):
        raise click.UsageError("--representative and --format go together")
    library = None
    if format_name is not None:
        from training.libraries.sources import read_library

        library, _ = read_library(format_name, sources)
    if version is not None and not is_version(version):
        raise click.BadParameter(f"{version!r}: write it as 1.2.0", param_hint="--version")
    if report is not None:
        check_place("report", report)
    by_name = [name for name in PRECISIONS if name in precisions]
    asked = list(PRECISIONS) if "auto" in precisions else by_name
    done = export_bundle(
        checkpoint,
        out,
        asked,
        budget,
        lambda line: click.echo(line, err=True),
        by_name,
        library,
        version,
    )
    if report is not None:
        write_report(done, report)
    ccc = {name: round(row["ccc"], 3) for name, row in done.manifest.metrics.items()}
    result = {
        "path": str(done.path),
        "size_bytes": done.size_bytes,
        "sha256": done.sha256,
        "golden_share": done.golden_share,
        "synthetic": done.manifest.synthetic,
        "ccc": ccc,
        "precisions": {
            name: {
                "graphs": {graph: len(content) for graph, content in found.graphs.items()},
                "refused": found.refused,
                "alone": {part: asdict(loss) for part, loss in found.alone.items()},
                **(found.narrowing.model_dump() if found.narrowing else {}),
            }
            for name, found in done.precise.items()
        },
    }
    if as_json:
        click.echo(json.dumps(result, indent=1))
        return
    click.echo(f"{done.path}\n{done.size_bytes} bytes, sha256 {done.sha256}")
    click.echo(f"golden outputs reproduced, at {done.golden_share:.2%} of the allowed deviation")
    click.echo(
        "CCC on the test set"
        + (" (synthetic): " if done.manifest.synthetic else ": ")
        + ", ".join(f"{name} {value}" for name, value in ccc.items())
    )
    for line in budget_lines(done.precise):
        click.echo(line)
    if report is not None:
        click.echo(f"report: {report}")
