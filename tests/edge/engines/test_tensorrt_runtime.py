"""TensorRT is asked for, built with and proved in a process of its own, and named where it fails.

Where something runs, the GPU is pretended; where something is built, the parser and builder are those
of TensorRT for RTX.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import os
from functools import partial
from pathlib import Path

import pytest

import pretended_gpu
from contract.bundle import Bundle
from edge.engines.kept_plans import Machine
from edge.engines.tensorrt_runtime import (
    TensorRt,
    build_on_tensorrt,
    probe_tensorrt,
    prove_on_tensorrt,
)
from edge.errors import EngineError
from parts import part
from pretended_gpu import PretendedDriver, PretendedTensorRt


def opened_on_rtx(folder: Path) -> TensorRt:
    return TensorRt(importlib.import_module("tensorrt_rtx"), PretendedDriver(), folder)


def test_a_machine_without_tensorrt_says_so(tmp_path: Path) -> None:
    if importlib.util.find_spec("tensorrt"):
        pytest.skip("TensorRT is here")
    with pytest.raises(EngineError, match="tensorrt is not installed"):
        probe_tensorrt(tmp_path)


def test_a_machine_says_what_its_plans_are_tied_to(tmp_path: Path) -> None:
    found = probe_tensorrt(tmp_path, pretended_gpu.opened)
    assert found == Machine("10.3.0", "12.6", "Pretended Orin", "8.7", 8)


def test_a_machine_without_a_gpu_says_so(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="NO_DEVICE"):
        probe_tensorrt(tmp_path, pretended_gpu.opened_without_gpu)


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_bundle_is_proved_on_its_plans(
    reference_bundle: Bundle, tmp_path: Path, precision
) -> None:
    told: list[str] = []
    found = build_on_tensorrt(
        reference_bundle, precision, tmp_path, told.append, pretended_gpu.opened
    )
    assert found.engine == f"tensorrt/{precision}"
    assert found.check_golden() <= 1
    members = reference_bundle.manifest.graphs.members(precision)
    assert told == [f"pretends to build {member}" for member in members]
    again = prove_on_tensorrt(reference_bundle, precision, tmp_path, pretended_gpu.opened)
    assert again.engine == found.engine


def test_without_a_plan_it_says_what_to_do(reference_bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"no plan of .*int8.*Pretended Orin.*engine build"):
        prove_on_tensorrt(reference_bundle, "int8", tmp_path, pretended_gpu.opened)


def test_plans_that_do_not_reproduce_the_golden_spectra_are_not_used(
    reference_bundle: Bundle, tmp_path: Path
) -> None:
    name = reference_bundle.manifest.golden.properties
    golden = reference_bundle.files[reference_bundle.manifest.golden.latent]
    files = {**reference_bundle.files, name: golden}
    wrong = dataclasses.replace(reference_bundle, files=files)
    with pytest.raises(EngineError, match="golden properties"):
        build_on_tensorrt(wrong, "int8", tmp_path, lambda _: None, pretended_gpu.opened)


def test_plans_are_really_built_and_what_crashes_without_a_gpu_is_told(
    reference_bundle: Bundle, tmp_path: Path
) -> None:
    part("tensorrt_rtx")
    told: list[str] = []
    with pytest.raises(EngineError, match=r"can't read the plan|crashes when it is used"):
        build_on_tensorrt(reference_bundle, "int8", tmp_path, told.append, opened_on_rtx)
    assert any("Building engine" in line for line in told)
    plans = {path.stat().st_size for path in tmp_path.glob("*.plan")}
    assert len(plans) == 2
    assert min(plans) > 100_000
    assert list(tmp_path.glob("*.timings"))
    told.clear()
    with pytest.raises(EngineError, match=r"can't read the plan|crashes when it is used"):
        build_on_tensorrt(reference_bundle, "int8", tmp_path, told.append, opened_on_rtx)
    assert told == [], "plans that are there are not built again"


def test_plans_of_before_an_update_are_none(reference_bundle: Bundle, tmp_path: Path) -> None:
    build_on_tensorrt(reference_bundle, "int8", tmp_path, lambda _: None, pretended_gpu.opened)
    with pytest.raises(EngineError, match=r"no plan of .* for TensorRT 10\.7\.0"):
        prove_on_tensorrt(reference_bundle, "int8", tmp_path, pretended_gpu.opened_after_an_update)


def test_what_breaks_in_this_process_alone_is_an_error_of_the_engine(
    reference_bundle: Bundle, tmp_path: Path
) -> None:
    build_on_tensorrt(reference_bundle, "int8", tmp_path, lambda _: None, pretended_gpu.opened)
    here = os.getpid()
    with pytest.raises(EngineError, match=r"does not work here: TypeError: .*nullptr"):
        prove_on_tensorrt(
            reference_bundle, "int8", tmp_path, partial(pretended_gpu.opened_elsewhere, here)
        )


def test_a_folder_that_takes_no_plan_is_named_as_such(
    reference_bundle: Bundle, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match=r"file/engines/.*plan can't be written"):
        build_on_tensorrt(
            reference_bundle, "int8", tmp_path / "file" / "engines", lambda _: None,
            pretended_gpu.opened,
        )  # fmt: skip


def test_a_graph_that_tensorrt_refuses_is_named(reference_bundle: Bundle, tmp_path: Path) -> None:
    part("tensorrt_rtx")
    files = {
        **reference_bundle.files,
        reference_bundle.manifest.graphs.pipeline["fp16"]: b"junk",
    }
    bundle = dataclasses.replace(reference_bundle, files=files)
    with pytest.raises(EngineError, match="refuses the graph"):
        build_on_tensorrt(bundle, "fp16", tmp_path, lambda _: None, opened_on_rtx)


def test_what_is_pretended_has_the_names_of_the_real_run_time() -> None:
    real = part("tensorrt_rtx")
    for pretended, name in (
        (pretended_gpu._Runtime, "Runtime"),
        (pretended_gpu._Engine, "ICudaEngine"),
        (pretended_gpu._Context, "IExecutionContext"),
    ):
        for member in vars(pretended):
            if not member.startswith("_"):
                assert hasattr(getattr(real, name), member), f"{name}.{member}"
    assert hasattr(real.ICudaEngine, "num_io_tensors")
    assert hasattr(real.Logger, "ERROR")
    for kind in ("TensorIOMode", "DataType"):
        for member in vars(getattr(PretendedTensorRt, kind)):
            assert hasattr(getattr(real, kind), member)
