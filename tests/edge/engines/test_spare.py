"""An engine that fails once is not asked again: fp32 on the processor goes on in its place."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from contract.bundle import Bundle
from edge.engines.spare import WithSpare
from edge.errors import EngineError
from edge.predictor import Estimate, Predictor


class Failing:
    engine = "tensorrt/fp16"

    def __init__(self, predictor: Predictor, good_for: int) -> None:
        self._predictor = predictor
        self.left = good_for

    def predict(self, reflectance) -> Estimate:
        self.left -= 1
        if self.left < 0:
            raise EngineError("CUDA fails in cuGraphLaunch")
        return self._predictor.predict(reflectance)


@pytest.fixture
def spectrum(reference_bundle: Bundle) -> np.ndarray:
    return reference_bundle.array(reference_bundle.manifest.golden.reflectance)[:1]


def test_the_spectrum_at_which_it_fails_is_computed_all_the_same(
    reference_bundle: Bundle, spectrum, caplog
) -> None:
    fp32 = Predictor(reference_bundle)
    first = Failing(fp32, 2)
    engine = WithSpare(first, lambda: fp32)
    with caplog.at_level(logging.ERROR):
        found = [(engine.predict(spectrum), engine.engine) for _ in range(4)]
    assert [name for _, name in found] == ["tensorrt/fp16"] * 2 + ["onnxruntime/fp32"] * 2
    wanted = fp32.predict(spectrum).properties
    assert all(np.array_equal(estimate.properties, wanted) for estimate, _ in found)
    assert first.left == -1, "asked once more than it was good for, and never again"
    assert "tensorrt/fp16 failed and is not used again" in caplog.text


def test_where_the_spare_fails_too_that_is_an_error(reference_bundle: Bundle, spectrum) -> None:
    fp32 = Predictor(reference_bundle)
    engine = WithSpare(Failing(fp32, 0), lambda: Failing(fp32, 0))
    for _ in range(2):
        with pytest.raises(EngineError, match="CUDA fails"):
            engine.predict(spectrum)
