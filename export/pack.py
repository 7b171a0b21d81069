"""A checkpoint folder to a bundle file, checked on its golden spectra before anything is written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from errno import EACCES, EISDIR
from pathlib import Path
from typing import Final

from contract.bundle import bundle_bytes, open_bundle, parse_bundle
from contract.manifest import Manifest
from contract.whole_file import write_whole
from export.budget import BUDGET
from export.errors import BudgetError, ExportError
from export.golden_check import check_golden
from export.members import manifest, members
from export.onnx_graphs import onnx_graphs, serialised
from export.precisions import PRECISIONS, Narrower, Precise, Precision
from export.representative import representative_of
from training.checkpoint import load
from training.fitting import Progress
from training.libraries.library import Library

SUFFIX: Final = ".loam"


@dataclass(frozen=True)
class Exported:
    """A bundle on disk; ``golden_share`` is its largest golden deviation over the allowed one.

    ``precise`` is what came of each precision that was asked for, taken or not.
    """

    path: Path
    manifest: Manifest
    size_bytes: int
    sha256: str
    golden_share: float
    precise: dict[Precision, Precise]


def export_bundle(
    checkpoint_folder: Path,
    out: Path,
    precisions: Sequence[Precision] = PRECISIONS,
    budget: float = BUDGET,
    progress: Progress = lambda _: None,
    wanted: Sequence[Precision] = (),
    library: Library | None = None,
    version: str | None = None,
) -> Exported:
    """Write the bundle of a checkpoint to ``out``, a ``.loam`` file or a folder for one.

    In float32, and in those of ``precisions`` that stay within ``budget``; ranges of int8 are those of
    ``library``, or of the spectra that the checkpoint keeps; without ``version`` it is the checkpoint's.
    The same of all these gives the same bytes.

    Raises from `training.errors.CheckpointError`, `ExportError` where the checkpoint keeps no spectra to
    judge a precision by, `BudgetError` where nothing of one that is ``wanted`` fits, or
    `GoldenMismatchError` where ONNX Runtime does not reproduce the golden outputs; whatever is raised, a
    file that was there is left as it was.
    """
    if not 0.0 < budget <= 1.0:
        raise ExportError(f"{budget} is no budget", "give a share of a CCC, 0.005 say")
    checkpoint = load(checkpoint_folder)
    card = checkpoint.card.model_copy(update={"version": version} if version else {})
    path = out if out.suffix == SUFFIX else out / f"{card.name}-{card.version}{SUFFIX}"
    check_place("bundle", path)
    if precisions and checkpoint.quantisation is None:
        raise ExportError(
            f"{checkpoint_folder} keeps no spectra to judge {' and '.join(precisions)} by",
            "train again, or use --precision fp32",
        )
    progress("fp32: both graphs")
    exact = onnx_graphs(checkpoint.model, card.architecture)
    graphs = {"fp32": {name: serialised(graph) for name, graph in exact.items()}}
    share = check_golden(graphs["fp32"], checkpoint.golden, card.golden)
    precise: dict[Precision, Precise] = {}
    narrower = None
    if precisions:
        representative = None if library is None else representative_of(library, checkpoint)
        narrower = Narrower(checkpoint, exact, budget, progress, representative)
        precise = {precision: narrower.narrowed(precision) for precision in precisions}
    for precision in wanted:
        if not precise[precision].graphs:
            reasons = "; ".join(precise[precision].refused.values())
            raise BudgetError(
                f"nothing fits into {precision} within a budget of {budget:g}: {reasons}",
                "raise --budget, or leave it out",
            )
    graphs |= {precision: found.graphs for precision, found in precise.items() if found.graphs}
    taken = {name: found.narrowing for name, found in precise.items() if found.narrowing}
    files = members(checkpoint, graphs)
    described = manifest(card, files, narrower.budget if narrower else None, taken)
    data = bundle_bytes(described, files)
    bundle = parse_bundle(data)
    _write("bundle", path, data)
    return Exported(path, described, len(data), bundle.sha256, share, precise)


def write_report(done: Exported, path: Path) -> None:
    """Write the page about an export; raises `ExportError` where it can't be written."""
    from export.deployment_report import deployment_report

    page = deployment_report(open_bundle(done.path), done.precise)
    _write("report", path, page.encode())


def check_place(what: str, path: Path) -> None:
    """Make the folder of ``path`` before the work begins; raises `ExportError` if it can't be had."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(EACCES, os.strerror(EACCES))
    except OSError as error:
        raise _unwritable(what, path, error) from error


def _write(what: str, path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise _unwritable(what, path, error) from error


def _unwritable(what: str, path: Path, error: OSError) -> ExportError:
    return ExportError(
        f"the {what} can't be written to {path}: {error.strerror}", "name another place"
    )
