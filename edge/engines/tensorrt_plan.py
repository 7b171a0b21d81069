"""A TensorRT plan from an ONNX graph, on the part of the Python API that TensorRT 10.3 and 11 share.

Networks are strongly typed: the graph alone says what is computed in which precision. A plan is of
one GPU, driver and TensorRT version; it is built on the device, never shipped. The builder is proved on
TensorRT for RTX, which needs no GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, Final, NamedTuple

from edge.errors import EngineError

WORKSPACE_BYTES: Final = 256 * 2**20
"""Scratch memory that a kernel may ask for. Ours: many times what the graphs need."""

_FREE: Final = -1
"""How TensorRT writes an axis of any length."""

BUILDER: Final = 1
"""Counts changes to how plans are built, each of which makes older ones stale."""

Progress = Callable[[str], None]


class Plan(NamedTuple):
    """A serialised engine, and the timings that make the next build faster."""

    content: bytes
    timing_cache: bytes


def build_plan(
    tensorrt: ModuleType,
    graph: bytes,
    batch_max: int = 1,
    timing_cache: bytes = b"",
    progress: Progress = lambda _: None,
) -> Plan:
    """The plan of ``graph`` for 1 to ``batch_max`` spectra, best at one.

    ``tensorrt`` is the module, or one with its API; ``timing_cache`` is what an earlier build left.
    Raises `EngineError`, naming the node, where the parser refuses the graph, or the builder gives
    nothing.
    """
    said: list[str] = []
    logger = _logger(tensorrt, said)
    builder = tensorrt.Builder(logger)
    # Required by 10, accepted and without effect in 11.
    typed = 1 << int(tensorrt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = builder.create_network(typed)
    parser = tensorrt.OnnxParser(network, logger)
    if not parser.parse(graph):
        raise EngineError(
            f"TensorRT {tensorrt.__version__} refuses the graph: {_faults(parser)}",
            "use the engine of the processor",
        )
    config = builder.create_builder_config()
    config.set_memory_pool_limit(tensorrt.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
    config.add_optimization_profile(_profile(builder, network, batch_max))
    for timings in (timing_cache, b""):
        cache = config.create_timing_cache(timings)
        # Where TensorRT refuses what was kept, it begins with none.
        if cache is not None and config.set_timing_cache(cache, ignore_mismatch=False):
            break
    # Kept in a name: the builder holds no reference of its own.
    monitor = _monitor(tensorrt, progress)
    config.progress_monitor = monitor
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise EngineError(
            f"TensorRT {tensorrt.__version__} builds nothing of the graph: {_last(said)}",
            "use the engine of the processor",
        )
    kept = config.get_timing_cache()
    return Plan(bytes(plan), bytes(kept.serialize()) if kept is not None else b"")


def _profile(builder: Any, network: Any, batch_max: int) -> Any:
    profile = builder.create_optimization_profile()
    for i in range(network.num_inputs):
        given = network.get_input(i)
        batch, *rest = given.shape if len(given.shape) else (0,)
        if batch != _FREE or _FREE in rest:
            raise EngineError(
                f"the graph's input {given.name} has shape {tuple(given.shape)}, wanted is a free batch of "
                "spectra of one length",
                "use the engine of the processor",
            )
        profile.set_shape(given.name, (1, *rest), (1, *rest), (batch_max, *rest))
    return profile


def _faults(parser: Any) -> str:
    errors = [parser.get_error(i) for i in range(parser.num_errors)]
    faults = [f"{error.node_operator()} {error.node_name()}: {error.desc()}" for error in errors]
    return "; ".join(faults) or "no reason given"


def _last(said: list[str]) -> str:
    return said[-1] if said else "no reason given"


def _logger(tensorrt: ModuleType, said: list[str]) -> Any:
    class Logger(tensorrt.ILogger):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            tensorrt.ILogger.__init__(self)

        def log(self, severity: Any, text: str) -> None:
            if severity <= tensorrt.ILogger.ERROR:
                said.append(text)

    return Logger()


def _monitor(tensorrt: ModuleType, progress: Progress) -> Any:
    class Monitor(tensorrt.IProgressMonitor):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            tensorrt.IProgressMonitor.__init__(self)

        def phase_start(self, phase: str, parent: str | None, steps: int) -> None:
            if parent is None:
                progress(f"{phase}: {steps} steps")

        def phase_finish(self, _phase: str) -> None:
            pass

        def step_complete(self, _phase: str, _step: int) -> bool:
            return True

    return Monitor()
