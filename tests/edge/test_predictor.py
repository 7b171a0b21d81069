"""The predictor computes what the bundle's golden spectra say, or says that it does not."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest

from contract.bundle import Bundle
from edge.errors import EngineError
from edge.predictor import Predictor


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_the_golden_spectra_are_reproduced(reference_bundle: Bundle, precision) -> None:
    predictor = Predictor(reference_bundle, precision)
    assert predictor.check_golden() <= 1.0
    assert predictor.engine == f"onnxruntime/{precision}"


def test_a_precision_that_the_bundle_lacks_is_named(reference_bundle: Bundle) -> None:
    graphs = reference_bundle.manifest.graphs
    decoder = graphs.model_copy(update={"pipeline": {"fp32": graphs.pipeline["fp32"]}})
    manifest = reference_bundle.manifest.model_copy(update={"graphs": decoder})
    # A decoder alone is none: it is the pipeline that a reading's engine names.
    with pytest.raises(EngineError, match="has no pipeline in int8"):
        Predictor(dataclasses.replace(reference_bundle, manifest=manifest), "int8")


def test_values_in_fewer_bits_are_held_to_their_intervals(reference_bundle: Bundle) -> None:
    """Whatever the factor says: it is of latent and converted spectrum alone."""
    worst = Predictor(reference_bundle, "int8").check_golden()
    budget = reference_bundle.manifest.budget.model_copy(update={"change": 1e-6})
    strict = reference_bundle.manifest.model_copy(update={"budget": budget})
    assert worst <= 1
    with pytest.raises(EngineError, match="int8 does not reproduce the golden properties"):
        Predictor(dataclasses.replace(reference_bundle, manifest=strict), "int8").check_golden()


def test_a_graph_that_loads_and_does_not_run_is_an_error_of_the_engine(
    reference_bundle: Bundle,
) -> None:
    graphs = reference_bundle.manifest.graphs
    files = {
        **reference_bundle.files,
        graphs.pipeline["int8"]: reference_bundle.files[graphs.mir_decoder["fp32"]],
    }
    with pytest.raises(EngineError, match="int8 does not run"):
        Predictor(dataclasses.replace(reference_bundle, files=files), "int8").check_golden()


@pytest.mark.parametrize("shape", [(0, 239), (), (239,)])
def test_golden_spectra_that_are_none_are_refused(reference_bundle: Bundle, shape) -> None:
    out = io.BytesIO()
    np.save(out, np.zeros(shape, dtype=np.float32))
    name = reference_bundle.manifest.golden.reflectance
    files = {**reference_bundle.files, name: out.getvalue()}
    with pytest.raises(EngineError, match="golden reflectance has shape"):
        Predictor(dataclasses.replace(reference_bundle, files=files)).check_golden()


def test_a_wrong_golden_output_is_named(reference_bundle: Bundle) -> None:
    name = reference_bundle.manifest.golden.latent
    array = reference_bundle.array(name)
    header = len(reference_bundle.files[name]) - array.nbytes
    wrong = reference_bundle.files[name][:header] + (array + 1).astype("<f4").tobytes()
    bundle = dataclasses.replace(reference_bundle, files={**reference_bundle.files, name: wrong})
    with pytest.raises(EngineError, match="does not reproduce the golden latent"):
        Predictor(bundle).check_golden()


def test_a_graph_that_does_not_load_is_named(reference_bundle: Bundle) -> None:
    name = reference_bundle.manifest.graphs.pipeline["fp32"]
    bundle = dataclasses.replace(reference_bundle, files={**reference_bundle.files, name: b"junk"})
    with pytest.raises(EngineError, match="does not load"):
        Predictor(bundle)


def test_spectra_of_another_length_are_refused(reference_bundle: Bundle) -> None:
    with pytest.raises(EngineError, match="do not fit a model of 239 bands"):
        Predictor(reference_bundle).predict(np.ones((1, 257), dtype=np.float32))


def test_a_latent_becomes_a_mir_spectrum_on_the_declared_axis(reference_bundle: Bundle) -> None:
    predictor = Predictor(reference_bundle)
    golden = reference_bundle.array(reference_bundle.manifest.golden.reflectance)
    mir = predictor.convert(predictor.predict(golden).latent)
    assert mir.shape == (len(golden), len(reference_bundle.manifest.mir_axis.values))
