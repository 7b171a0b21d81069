"""TensorRT as a runtime: is it here, plans for a bundle, the bundle proved on them.

*No plan has ever been executed*, on a Jetson or elsewhere. What builds plans is proved on TensorRT for
RTX, what runs them on a GPU that tests pretend.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Final

from contract.bundle import Bundle
from contract.manifest import Precision
from edge.engines.gpu import Gpu
from edge.engines.kept_plans import KeptPlans, Machine
from edge.engines.own_process import Tell, in_own_process
from edge.engines.plan_graph import PlanGraph, broken_is_an_engine_error
from edge.engines.runtime import Graph
from edge.engines.tensorrt_plan import build_plan
from edge.errors import EngineError
from edge.predictor import Predictor
from edge.proof import prove

PRECISIONS: Final[tuple[Precision, ...]] = ("fp16", "int8")
"""In which TensorRT may serve: in fp32 a GPU has nothing to gain on graphs this small. Ours."""

PROBE_TIMEOUT_S: Final = 60.0
"""A first import after an installation reads hundreds of megabytes. Ours."""

BUILD_TIMEOUT_S: Final = 1800.0
"""Minutes are usual on a Jetson. Ours."""

EXTRAS: Final = "pip install 'loamscan[jetpack6]' (or jetpack7)"


class TensorRt:
    """TensorRT with the first GPU, and the plans that were built for both."""

    name = "tensorrt"

    def __init__(self, tensorrt: ModuleType, driver: ModuleType, folder: Path) -> None:
        """Open the GPU; raises `EngineError` where there is none."""
        self._tensorrt = tensorrt
        self._gpu = Gpu(driver)
        self.machine = Machine(
            tensorrt.__version__,
            self._gpu.cuda,
            self._gpu.name,
            self._gpu.compute_capability,
            self._gpu.multiprocessors,
        )
        self._plans = KeptPlans(folder, self.machine)

    def load(self, bundle: Bundle, member: str) -> Graph:
        """The plan of ``member``; raises `EngineError` where there is none, or it does not load."""
        plan = self._plans.read(bundle.files[member])
        if plan is None:
            raise EngineError(
                f"there is no plan of {member} for TensorRT {self.machine.tensorrt} on this "
                f"{self.machine.gpu}",
                "run `loamscan engine build` again",
            )
        return PlanGraph(self._tensorrt, self._gpu, plan)

    def build(self, bundle: Bundle, member: str, tell: Tell) -> None:
        """Build and keep the plan of ``member``, unless it is there."""
        graph = bundle.files[member]
        if self._plans.read(graph) is None:
            tell(f"TensorRT {self.machine.tensorrt} builds {member}, which may take minutes")
            plan = build_plan(
                self._tensorrt,
                graph,
                timing_cache=self._plans.timings(),
                progress=lambda line: tell(f"{member}: {line}"),
            )
            self._plans.keep(graph, plan)


def open_tensorrt(folder: Path) -> TensorRt:
    """TensorRT as it is installed, with plans in ``folder``; raises `EngineError` where it is not."""
    tensorrt = _imported("tensorrt", "JetPack's packages bring it")
    driver = _imported("cuda.bindings.driver", EXTRAS)
    return TensorRt(tensorrt, driver, folder)


Open = Callable[[Path], TensorRt]


def probe_tensorrt(folder: Path, opened: Open = open_tensorrt) -> Machine:
    """What plans are tied to here, asked in a process of its own.

    A broken installation can crash. Raises `EngineError` where TensorRT or a GPU is missing or does
    not work.
    """
    return in_own_process("TensorRT", _machine, folder, opened, timeout_s=PROBE_TIMEOUT_S)


def build_on_tensorrt(
    bundle: Bundle, precision: Precision, folder: Path, tell: Tell, opened: Open = open_tensorrt
) -> Predictor:
    """Build the plans of ``bundle`` in ``precision``, in a process of its own, and prove it on them.

    Raises `EngineError` where TensorRT refuses a graph, crashes, or does not reproduce the golden
    spectra.
    """
    in_own_process(
        "TensorRT", _build, bundle, precision, folder, opened,
        timeout_s=BUILD_TIMEOUT_S, tell=tell,
    )  # fmt: skip
    return prove_on_tensorrt(bundle, precision, folder, opened)


def prove_on_tensorrt(
    bundle: Bundle, precision: Precision, folder: Path, opened: Open = open_tensorrt
) -> Predictor:
    """``bundle`` proved on plans that are there: in a process of its own first, then here.

    Raises `EngineError` as `build_on_tensorrt` does.
    """
    in_own_process("TensorRT", _prove, bundle, precision, folder, opened, timeout_s=PROBE_TIMEOUT_S)
    with broken_is_an_engine_error():
        return prove(bundle, precision, opened(folder))


def _machine(folder: Path, opened: Open, _tell: Tell) -> Machine:
    return opened(folder).machine


def _build(bundle: Bundle, precision: Precision, folder: Path, opened: Open, tell: Tell) -> None:
    tensorrt = opened(folder)
    for member in bundle.manifest.graphs.members(precision):
        tensorrt.build(bundle, member, tell)


def _prove(bundle: Bundle, precision: Precision, folder: Path, opened: Open, _tell: Tell) -> None:
    prove(bundle, precision, opened(folder))


def _imported(name: str, remedy: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise EngineError(f"{error.name} is not installed", remedy) from error
    # What a broken installation raises is not for us to foresee.
    except Exception as error:
        raise EngineError(f"{name} does not load: {error}", "install it anew") from error
