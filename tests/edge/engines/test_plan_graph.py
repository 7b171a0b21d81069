"""A plan's graph computes what the plan says, in one launch a spectrum, on any thread.

On a pretended GPU (`pretended_gpu`): no real one was ever at hand.
"""

from __future__ import annotations

import inspect
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime as ort
import pytest

from contract.bundle import Bundle
from edge.engines.gpu import Gpu
from edge.engines.plan_graph import PlanGraph
from edge.errors import EngineError
from parts import part
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


def test_what_cannot_be_recorded_runs_all_the_same_and_says_so(
    plan: bytes, spectra, caplog
) -> None:
    driver = PretendedDriver(records=False)
    found = loaded(driver, plan).run(["properties"], {"reflectance": spectra})
    recorded = loaded(PretendedDriver(), plan).run(["properties"], {"reflectance": spectra})
    assert np.array_equal(found, recorded)
    assert driver.launches == 0
    assert "runs kernel by kernel" in caplog.text


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
    assert gpu.multiprocessors == 8


def test_who_waits_for_it_sleeps() -> None:
    driver = PretendedDriver()
    Gpu(driver)
    assert driver.context_flags == PretendedDriver.CUctx_flags.CU_CTX_SCHED_BLOCKING_SYNC


def test_a_plan_that_is_not_of_float32_is_refused(plan: bytes) -> None:
    driver = PretendedDriver()
    with pytest.raises(EngineError, match="is not float32"):
        PlanGraph(PretendedTensorRt(driver, "half"), Gpu(driver), plan)


def test_whatever_the_bindings_raise_is_an_error_of_the_engine(
    plan: bytes, spectra, monkeypatch
) -> None:
    driver = PretendedDriver()
    graph = loaded(driver, plan)

    def broken(*_given) -> None:
        raise RuntimeError("symbol not found")

    monkeypatch.setattr(driver, "cuGraphLaunch", broken)
    with pytest.raises(EngineError, match="does not work here: RuntimeError: symbol not found"):
        graph.run(OUTPUTS, {"reflectance": spectra})


def test_the_real_driver_says_that_there_is_none() -> None:
    driver = part("cuda.bindings.driver")
    words = ""
    try:
        words = f"{Gpu(driver).name} is here"
    except EngineError as error:
        words = error.what
    assert re.search(r"is here$|^there is no driver of CUDA here|^CUDA fails in", words)


def test_what_is_pretended_has_the_names_and_forms_of_the_real_driver() -> None:
    real = part("cuda.bindings.driver")
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
