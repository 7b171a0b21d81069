"""The report of a checkpoint on a test set: read out, evaluated, drawn and written."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from contract.whole_file import write_whole
from training.checkpoint import Checkpoint
from training.errors import EvaluationError
from training.evaluation.document import Evaluation
from training.evaluation.evaluate import evaluate
from training.evaluation.local_calibration import local_rivals
from training.evaluation.page import page
from training.evaluation.readings import Predicted
from training.evaluation.sources import Scanned, named, on_model_axis, read_out
from training.evaluation.strategy_readings import mir_strategies, nir_strategies
from training.fitting import Progress, reproducible

HTML: Final = "report.html"
JSON: Final = "report.json"


def make_report(
    checkpoint: Checkpoint, scanned: Scanned, resamples: int, seed: int, progress: Progress
) -> tuple[Evaluation, str]:
    """The document and the page; the same arguments give the same bytes of both."""
    with reproducible(seed):
        return _made(checkpoint, scanned, resamples, seed, progress)


def _made(
    checkpoint: Checkpoint, scanned: Scanned, resamples: int, seed: int, progress: Progress
) -> tuple[Evaluation, str]:
    progress(f"predicting {len(scanned.soil):,} scans")
    reflectance = on_model_axis(scanned, checkpoint.card)
    readings = read_out(checkpoint, scanned, reflectance)
    rivals: dict[str, Predicted] = {}
    if checkpoint.strategies is not None:
        progress("asking every strategy")
        sight = checkpoint.model.pipeline.sight
        rivals |= nir_strategies(checkpoint.strategies, sight, reflectance)
        rivals |= mir_strategies(checkpoint.strategies, scanned.mir, scanned.soil)
    progress("calibrating local rivals")
    rivals |= local_rivals(readings, seed)
    found = evaluate(
        readings, rivals, named(checkpoint.card), scanned.about, resamples, seed, progress
    )
    progress("drawing")
    return found, page(found, readings)


def write_report(found: Evaluation, html: str, folder: Path) -> None:
    """Write both files, each whole or not at all; raises `EvaluationError` if they can't be."""
    try:
        write_whole(folder / JSON, found.to_json())
        write_whole(folder / HTML, html.encode())
    except OSError as error:
        raise EvaluationError(
            f"the report can't be written to {folder}: {error.strerror}", "name another folder"
        ) from error
