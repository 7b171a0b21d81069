"""Commands of the export room."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Folder, or a file named *.loam."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def export(checkpoint: Path, out: Path, as_json: bool) -> None:
    """Export a CHECKPOINT folder as a bundle (NAME-VERSION.loam)."""
    from export.pack import export_bundle

    done = export_bundle(checkpoint, out)
    ccc = {name: round(row["ccc"], 3) for name, row in done.manifest.metrics.items()}
    result = {
        "path": str(done.path),
        "size_bytes": done.size_bytes,
        "sha256": done.sha256,
        "golden_share": done.golden_share,
        "synthetic": done.manifest.synthetic,
        "ccc": ccc,
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
