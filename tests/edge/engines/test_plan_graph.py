"""A plan's graph computes what the plan says, in one launch a spectrum, on any thread.

On a pretended GPU (`pretended_gpu`): no real one was ever at hand.
"""

from __future__ import annotations

import inspect
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from contract.bundle import Bundle
from edge.engines.gpu import Gpu
from edge.engines.plan_graph import PlanGraph
from edge.errors import EngineError
from pretended_gpu import PretendedDriver, PretendedTensorRt

OUTPUTS = ["properties", "latent", "preprocessed"]


@pytest.fixture
def plan(reference_bundle: Bundle) -> bytes:
    return reference_bundle.files[reference_bundle.manifest.graphs.pipeline["int8"]]


@pytest.fixture
def spectra(reference_bundle: Bundle) -> np.ndarray:
    return reference_bundle.array(reference_bundle.manifest.golden.reflectance)[:3]


def loaded(driver: PretendedDriver, plan: bytes) -> PlanGraph:
    return PlanGraph(PretendedTensorRt(driver), Gpu(driver), plan)


def test_spectra_are_computed_in_one_launch_each(plan: bytes, spectra) -> None:
    driver = PretendedDriver()
    graph = loaded(driver, plan)
    before = driver.launches
    found = graph.run(OUTPUTS, {"reflectance": spectra})
    assert driver.launches - before == len(spectra)
    session = ort.InferenceSession(plan)
    for row, spectrum in enumerate(spectra):
        wanted = session.run(OUTPUTS, {"reflectance": spectrum[None]})
        for own, expected in zip(found, wanted, strict=True):
            assert np.array_equal(own[row], expected[0])


def test_results_are_the_callers_own(plan: bytes, spectra) -> None:
    graph = loaded(PretendedDriver(), plan)
    (first,) = graph.run(["properties"], {"reflectance": spectra[:1]})
    kept = first.copy()
    graph.run(["properties"], {"reflectance": spectra[1:2]})
    assert np.array_equal(first, kept)


def test_another_thread_than_the_one_that_loaded_it_may_run_it(plan: bytes, spectra) -> None:
    graph = loaded(PretendedDriver(), plan)
    wanted = graph.run(OUTPUTS, {"reflectance": spectra})
    with ThreadPoolExecutor(1) as other:
        found = other.submit(graph.run, OUTPUTS, {"reflectance": spectra}).result()
    assert all(np.array_equal(own, expected) for own, expected in zip(found, wanted, strict=True))


def test_what_cannot_be_recorded_runs_all_the_same(plan: bytes, spectra) -> None:
    driver = PretendedDriver(records=False)
    found = loaded(driver, plan).run(["properties"], {"reflectance": spectra})
    recorded = loaded(PretendedDriver(), plan).run(["properties"], {"reflectance": spectra})
    assert np.array_equal(found, recorded)
    assert driver.launches == 0


def test_memory_is_allocated_once(plan: bytes, spectra) -> None:
    driver = PretendedDriver()
    graph = loaded(driver, plan)
    before = len(driver.memory)
    for _ in range(5):
        graph.run(OUTPUTS, {"reflectance": spectra})
    assert len(driver.memory) == before


def test_a_gpu_that_is_lost_is_an_error_of_the_engine(plan: bytes, spectra) -> None:
    driver = PretendedDriver()
    graph = loaded(driver, plan)
    driver.lost = True
    with pytest.raises(EngineError, match=r"CUDA fails in cuStreamSynchronize: .*LAUNCH_FAILED"):
        graph.run(OUTPUTS, {"reflectance": spectra})


def test_a_plan_of_another_tensorrt_is_refused() -> None:
    with pytest.raises(EngineError, match=r"TensorRT 10\.3\.0 can't read the plan"):
        loaded(PretendedDriver(), b"junk")


def test_a_machine_without_a_gpu_is_named() -> None:
    with pytest.raises(EngineError, match="CUDA fails in cuDeviceGet: CUDA_ERROR_NO_DEVICE"):
        Gpu(PretendedDriver(devices=0))


def test_the_gpu_says_what_it_is() -> None:
    gpu = Gpu(PretendedDriver())
    assert (gpu.name, gpu.compute_capability, gpu.cuda) == ("Pretended Orin", "8.7", "12.6")


def test_the_real_driver_says_that_there_is_none() -> None:
    driver = pytest.importorskip("cuda.bindings.driver")
    if Path("/proc/driver/nvidia").exists():
        assert Gpu(driver).name
        return
    with pytest.raises(EngineError, match=r"there is no driver of CUDA here|CUDA fails in"):
        Gpu(driver)


def test_what_is_pretended_has_the_names_and_forms_of_the_real_driver() -> None:
    real = pytest.importorskip("cuda.bindings.driver")
    for name, call in inspect.getmembers(PretendedDriver, inspect.isfunction):
        if name.startswith("cu"):
            given = list(inspect.signature(call).parameters)[1:]
            form = re.match(rf"{name}\((.*)\)", getattr(real, name).__doc__)
            assert form, name
            assert len(form[1].split(",")) == len(given) or (not form[1] and not given), name
    for kind in ("CUctx_flags", "CUstream_flags", "CUstreamCaptureMode", "CUdevice_attribute"):
        for name, value in vars(getattr(PretendedDriver, kind)).items():
            assert int(getattr(getattr(real, kind), name)) == value
    for member in PretendedDriver.CUresult:
        assert int(getattr(real.CUresult, member.name)) == member.value
