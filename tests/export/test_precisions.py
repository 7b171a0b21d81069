"""A bundle in several precisions: what is in it stays within the budget, and says what it costs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner

from contract.bundle import open_bundle
from edge.predictor import Predictor
from export.commands import export
from export.errors import BudgetError, ExportError
from export.losses import CHANGE_MAX, Judge
from export.pack import BUDGET, export_bundle
from export.precision import quantisation_nodes
from export.precisions import parts_of
from export.running import run
from soil.properties import NAMES


@pytest.fixture(scope="module")
def bundle(exported):
    return open_bundle(exported.path)


@pytest.fixture
def graphs_at_hand(bundle, monkeypatch) -> None:
    """Spare the tracer, which gives the same graphs each time: see `test_same_bytes_...`."""
    exact = {
        name: onnx.load_from_string(bundle.files[members["fp32"]])
        for name, members in bundle.manifest.graphs
    }
    monkeypatch.setattr("export.pack.onnx_graphs", lambda *_: exact)


def graph(bundle, name: str, precision: str) -> bytes:
    return bundle.files[getattr(bundle.manifest.graphs, name)[precision]]


def test_float16_and_int8_are_there_with_what_they_cost(exported, bundle) -> None:
    manifest = bundle.manifest
    assert set(manifest.precisions) == {"fp16", "int8"} == set(exported.precise)
    for precision, narrowing in manifest.precisions.items():
        assert narrowing.parts
        assert max(narrowing.ccc_loss.values()) <= BUDGET
        assert max(narrowing.change.values()) <= CHANGE_MAX
        held = precision in manifest.graphs.mir_decoder
        assert held == (narrowing.mir_loss is not None)
        assert held != ("mir_decoder" in exported.precise[precision].refused)
        assert (narrowing.mir_loss or 0.0) <= BUDGET
        assert (narrowing.quantisation_nodes > 0) == (precision == "int8")


def test_the_figures_are_those_of_the_graphs_on_soils_held_out(bundle, quick_checkpoint) -> None:
    spectra = quick_checkpoint.quantisation
    exact = run(graph(bundle, "pipeline", "fp32"), spectra["judged"])
    card = quick_checkpoint.card
    judge = Judge(exact, spectra["judged_properties"], card.intervals, quick_checkpoint.domain)
    for precision, narrowing in bundle.manifest.precisions.items():
        found = judge.loss(run(graph(bundle, "pipeline", precision), spectra["judged"]))
        assert found.ccc == narrowing.ccc_loss
        assert found.change == narrowing.change
        assert found.verdicts == narrowing.verdicts_changed


def test_what_the_ranges_were_taken_from_is_recorded(bundle, quick_checkpoint) -> None:
    budget = bundle.manifest.budget
    representative = quick_checkpoint.quantisation["representative"]
    assert budget.representative == len(representative)
    assert budget.representative_sha256 == hashlib.sha256(representative.tobytes()).hexdigest()
    assert budget.ccc_loss == BUDGET


def test_pre_processing_stays_in_float(bundle) -> None:
    narrow = onnx.load_from_string(graph(bundle, "pipeline", "int8"))
    exact = onnx.load_from_string(graph(bundle, "pipeline", "fp32"))
    sight = ("sight.preprocessing", "sight.treatments", "sight.scores")
    for name in sight:
        kept = [
            sorted(
                (node.op_type, list(node.input)) for node in each.graph.node if name in node.name
            )
            for each in (narrow, exact)
        ]
        assert kept[0] == kept[1]
    assert quantisation_nodes(narrow) > 0


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_the_device_proves_every_precision_on_the_golden_soils(bundle, precision) -> None:
    assert Predictor(bundle, precision).check_golden() <= 1.0


def test_every_part_that_stays_in_float32_is_listed_with_its_cost(
    exported, quick_checkpoint
) -> None:
    parts = set(parts_of(quick_checkpoint.model))
    for found in exported.precise.values():
        assert set(found.narrowing.parts) <= parts | {"MIR decoder"}
        assert set(found.alone) <= parts
        assert {part for part in parts if "NIR-GP" in part} <= set(found.alone)
    assert set(exported.precise["fp16"].alone) == parts


def test_a_precision_that_was_asked_for_and_does_not_fit_is_an_error(
    quick_folder: Path, tmp_path: Path, monkeypatch, graphs_at_hand
) -> None:
    monkeypatch.setattr("export.losses.CHANGE_MAX", 0.0)
    # A decoder that is nearly linear loses less than the figures show.
    monkeypatch.setattr("export.precisions.spectrum_loss", lambda *_: 1.0)
    with pytest.raises(BudgetError, match="nothing fits into int8"):
        export_bundle(quick_folder, tmp_path, ("int8",), 1e-9, wanted=("int8",))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("budget", [0.0, -1.0, 1.5, float("nan")])
def test_a_budget_that_is_none_is_refused(quick_folder: Path, tmp_path: Path, budget) -> None:
    with pytest.raises(ExportError, match="is no budget"):
        export_bundle(quick_folder, tmp_path, budget=budget)


def test_the_command_exports_the_named_precision_and_says_what_it_costs(
    quick_folder: Path, tmp_path: Path, graphs_at_hand
) -> None:
    command = [str(quick_folder), "--out", str(tmp_path), "--precision", "int8"]
    result = CliRunner().invoke(export, [*command, "--json"])
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert set(said["precisions"]) == {"int8"}
    int8 = said["precisions"]["int8"]
    assert set(int8["ccc_loss"]) == set(NAMES)
    graphs = open_bundle(Path(said["path"])).manifest.graphs
    held = {name for name, own in dict(graphs).items() if "int8" in own}
    assert held == set(int8["graphs"]) == {"pipeline", "mir_decoder"} - set(int8["refused"])
    told = np.array(list(int8["alone"]["NIR encoder"]["ccc"].values()))
    assert np.isfinite(told).all()
