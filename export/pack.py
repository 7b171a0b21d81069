"""A checkpoint folder to a bundle file, checked on its golden spectra before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from contract.bundle import bundle_bytes, parse_bundle
from contract.manifest import Manifest
from export.errors import ExportError
from export.golden_check import check_golden
from export.members import manifest, members
from export.onnx_graphs import onnx_graphs
from training.atomic_file import write_atomically
from training.checkpoint import load

SUFFIX = ".loam"


@dataclass(frozen=True)
class Exported:
    """A bundle on disk; ``golden_share`` is its largest golden deviation over the allowed one."""

    path: Path
    manifest: Manifest
    size_bytes: int
    sha256: str
    golden_share: float


def export_bundle(checkpoint_folder: Path, out: Path) -> Exported:
    """Write the bundle of a checkpoint to ``out``, a ``.loam`` file or a folder for one.

    The same checkpoint gives the same bytes. Raises from `training.errors.CheckpointError`, or
    `GoldenMismatchError` where ONNX Runtime does not reproduce the golden outputs; whatever is
    raised, a file that was there is left as it was.
    """
    checkpoint = load(checkpoint_folder)
    card = checkpoint.card
    graphs = onnx_graphs(checkpoint.model, card.architecture)
    share = check_golden(graphs, checkpoint.golden, card.golden)
    files = members(checkpoint, graphs)
    described = manifest(card, files)
    data = bundle_bytes(described, files)
    bundle = parse_bundle(data)
    path = out if out.suffix == SUFFIX else out / f"{card.name}-{card.version}{SUFFIX}"
    try:
        write_atomically(path, data)
    except OSError as error:
        raise ExportError(
            f"the bundle can't be written to {path}: {error.strerror}", "name another place"
        ) from error
    return Exported(path, described, len(data), bundle.sha256, share)
