"""The predictor computes what the bundle's golden spectra say, or says that it does not."""

from __future__ import annotations

import dataclasses

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
    graphs = reference_bundle.manifest.graphs.model_copy(
        update={"pipeline": {"fp32": "onnx/pipeline.fp32.onnx"}}
    )
    half = reference_bundle.manifest.model_copy(update={"graphs": graphs})
    # The decoder alone in int8 is enough, and the pipeline is then that in fp32.
    assert (
        Predictor(dataclasses.replace(reference_bundle, manifest=half), "int8").check_golden() <= 1
    )
    graphs = graphs.model_copy(update={"mir_decoder": {"fp32": "onnx/mir_decoder.fp32.onnx"}})
    none = reference_bundle.manifest.model_copy(update={"graphs": graphs})
    with pytest.raises(EngineError, match="holds nothing in int8"):
        Predictor(dataclasses.replace(reference_bundle, manifest=none), "int8")


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
