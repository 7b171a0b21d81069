from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from click.testing import CliRunner

from contract.bundle import open_bundle
from export.commands import export
from export.errors import ExportError, GoldenMismatchError
from export.onnx_graphs import IR_VERSION_MAX, OPSET
from export.pack import export_bundle
from soil.properties import NAMES, PROPERTIES
from training.checkpoint import QUANTISATION, load, save
from training.errors import CheckpointError
from training.golden import golden_spectra
from training.synthetic.soils import Scans, SoilSet, draw_soils

ROOT = Path(__file__).parents[2]
BUNDLES = ROOT / "edge" / "bundles"
PINNED_TORCH = "2.13.0"
GRAPHS = ("pipeline", "mir_decoder")


@pytest.fixture(scope="module")
def bundle(exported):
    return open_bundle(exported.path, agent_version="0.1.0")


def run(bundle, name: str, values):
    graphs = getattr(bundle.manifest.graphs, name)
    session = onnxruntime.InferenceSession(bundle.files[graphs["fp32"]])
    return session.run(None, {session.get_inputs()[0].name: values})


def test_the_bundle_opens_and_says_what_the_card_says(exported, bundle, quick_checkpoint) -> None:
    card, manifest = quick_checkpoint.card, bundle.manifest
    assert exported.path.name == "quick-one-0.1.0.loam"
    assert exported.size_bytes == exported.path.stat().st_size
    assert exported.sha256 == bundle.sha256
    assert manifest.synthetic
    assert bundle.axis == card.axis.axis()
    assert [output.name for output in manifest.outputs] == list(NAMES)
    assert [output.scale == "log1p" for output in manifest.outputs] == [
        p.skewed for p in PROPERTIES
    ]
    assert manifest.intervals == card.intervals
    assert manifest.metrics == card.metrics
    assert manifest.evaluation == card.evaluation
    assert manifest.latent_features == 32
    q = manifest.domain.q_residual
    assert np.array_equal(bundle.array(q.mean), quick_checkpoint.domain.q.mean)
    assert np.array_equal(bundle.array(q.components), quick_checkpoint.domain.q.components)
    gh = manifest.domain.gh
    assert np.array_equal(bundle.array(gh.mean), quick_checkpoint.domain.gh.mean)
    assert np.array_equal(bundle.array(gh.whitening), quick_checkpoint.domain.gh.whitening)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_onnx_gives_what_torch_gives(bundle, quick_checkpoint, count: int) -> None:
    spectra = golden_spectra(draw_soils(9, SoilSet.TEST, 20, Scans(2, 1)).nir[:, 0])[:count]
    wanted = quick_checkpoint.model.outputs(spectra)
    properties, latent, preprocessed = run(bundle, "pipeline", spectra)
    close = {"rtol": 1e-3, "atol": 1e-3}
    assert np.allclose(properties, wanted["properties"], **close)
    assert np.allclose(latent, wanted["latent"], **close)
    assert np.allclose(preprocessed, wanted["preprocessed"], **close)
    assert np.allclose(run(bundle, "mir_decoder", latent)[0], wanted["mir"], **close)


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_have_stable_names_and_tell_nothing_of_their_machine(bundle, name: str) -> None:
    content = bundle.files[getattr(bundle.manifest.graphs, name)["fp32"]]
    graph = onnx.load_from_string(content)
    inputs = {"pipeline": "reflectance", "mir_decoder": "latent"}
    outputs = {"pipeline": ["properties", "latent", "preprocessed"], "mir_decoder": ["mir"]}
    assert [i.name for i in graph.graph.input] == [inputs[name]]
    assert [o.name for o in graph.graph.output] == outputs[name]
    assert graph.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "n"
    assert graph.ir_version <= IR_VERSION_MAX
    assert {o.domain: o.version for o in graph.opset_import} == {"": OPSET}
    assert not any(node.metadata_props or node.doc_string for node in graph.graph.node)
    # Any three bytes are found sooner or later in megabytes of weights.
    del graph.graph.initializer[:]
    words = graph.SerializeToString()
    for path in (str(ROOT), "site-packages", ".py"):
        assert path.encode() not in words


def test_same_bytes_from_another_checkout_and_hash_seed(
    exported, quick_folder: Path, tmp_path: Path
) -> None:
    rooms = ("soil", "contract", "calibration", "training", "export")
    other = tmp_path / "another checkout"
    for room in rooms:
        shutil.copytree(ROOT / room, other / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(quick_folder, tmp_path / "copied")
    code = (
        "import sys, pathlib; from export.pack import export_bundle; "
        "export_bundle(*map(pathlib.Path, sys.argv[1:]))"
    )
    out = tmp_path / "another.loam"
    environment = {**os.environ, "PYTHONHASHSEED": "2", "PYTHONPATH": str(other)}
    command = [sys.executable, "-c", code, str(tmp_path / "copied"), str(out)]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=600)
    assert out.read_bytes() == exported.path.read_bytes()


def test_weights_of_another_run_are_refused_and_the_old_file_stays(
    quick_folder: Path, tmp_path: Path
) -> None:
    checkpoint = load(quick_folder)
    with torch.no_grad():
        next(iter(checkpoint.model.pipeline.heads.parameters())).mul_(1.1)
    save(checkpoint, tmp_path / "wrong")
    out = tmp_path / "old.loam"
    out.write_bytes(b"old")
    with pytest.raises(GoldenMismatchError, match="properties"):
        export_bundle(tmp_path / "wrong", out, ())
    assert out.read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["old.loam", "wrong"]


def test_no_checkpoint_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError):
        export_bundle(tmp_path, tmp_path / "out.loam")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["--out", "--report"])
def test_a_place_that_cannot_be_written_is_named_before_the_work(
    quick_folder: Path, tmp_path: Path, monkeypatch, option: str
) -> None:
    monkeypatch.setattr("export.pack.onnx_graphs", lambda *_: pytest.fail("the work began"))
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.loam").mkdir()
    for place in (tmp_path / "file" / "below.loam", tmp_path / "folder.loam"):
        options = {"--out": str(tmp_path / "out"), option: str(place)}
        result = CliRunner().invoke(export, [str(quick_folder), *chain(*options.items())])
        assert result.exit_code
        said = str(result.exception) + result.output
        assert "can't be written to" in said or "is a directory" in said
        assert str(place) in said


def test_a_version_that_is_none_is_refused(quick_folder: Path, tmp_path: Path) -> None:
    command = [str(quick_folder), "--out", str(tmp_path), "--version", "next"]
    result = CliRunner().invoke(export, command)
    assert result.exit_code == 2
    assert "write it as 1.2.0" in result.stderr


@pytest.fixture(scope="module")
def folder_without_spectra(quick_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("older")
    save(dataclasses.replace(load(quick_folder), quantisation=None), folder)
    assert not (folder / QUANTISATION).exists()
    return folder


@pytest.fixture(scope="module")
def released_again(folder_without_spectra: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What the command says of the same model in fp32 alone, as another version."""
    out = tmp_path_factory.mktemp("again")
    command = [str(folder_without_spectra), "--out", str(out), "--precision", "fp32"]
    result = CliRunner().invoke(export, [*command, "--version", "0.2.0", "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_same_model_is_released_again_as_another_version(released_again, bundle) -> None:
    path = Path(released_again["path"])
    again = open_bundle(path)
    assert path.name == "quick-one-0.2.0.loam"
    assert again.sha256 == released_again["sha256"]
    assert again.manifest.version == "0.2.0"
    assert again.files["onnx/pipeline.fp32.onnx"] == bundle.files["onnx/pipeline.fp32.onnx"]


def test_fp32_alone_needs_no_spectra(released_again) -> None:
    manifest = open_bundle(Path(released_again["path"])).manifest
    assert set(manifest.graphs.pipeline) == {"fp32"}
    assert not manifest.precisions


def test_fewer_bits_need_spectra(folder_without_spectra: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="keeps no spectra to judge fp16 and int8 by"):
        export_bundle(folder_without_spectra, tmp_path)


def test_the_reference_bundle_is_its_checkpoint_exported(tmp_path: Path) -> None:
    if not torch.__version__.startswith(PINNED_TORCH):
        pytest.skip(f"bytes are compared with torch {PINNED_TORCH} alone")
    fresh = export_bundle(BUNDLES / "reference-neospectra", tmp_path)
    kept = BUNDLES / fresh.path.name
    assert fresh.path.read_bytes() == kept.read_bytes()
    assert fresh.size_bytes < 25 * 2**20
