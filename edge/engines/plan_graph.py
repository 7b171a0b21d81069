"""A TensorRT plan as a graph to run: one spectrum at a time, buffers made once, one launch a run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.engines.gpu import Buffer, Gpu
from edge.errors import EngineError

_LOG = logging.getLogger("loamscan")


@contextmanager
def broken_is_an_engine_error() -> Iterator[None]:
    """Whatever TensorRT and CUDA raise inside, as an `EngineError`: their bindings raise what they like."""
    try:
        yield
    except EngineError:
        raise
    except Exception as error:
        raise EngineError(
            f"TensorRT does not work here: {type(error).__name__}: {error}",
            "use the engine of the processor",
        ) from error


class PlanGraph:
    """Page-locked buffers for batch 1, and copies and kernels recorded as one CUDA graph.

    A graph this small is bound by its launches: recorded, it takes one.
    """

    def __init__(self, tensorrt: ModuleType, gpu: Gpu, plan: bytes) -> None:
        """Load ``plan``; raises `EngineError` where it is of another TensorRT or GPU."""
        self._gpu = gpu
        gpu.bind()
        runtime = tensorrt.Runtime(tensorrt.Logger(tensorrt.Logger.ERROR))
        engine = runtime.deserialize_cuda_engine(plan)
        if engine is None:
            raise EngineError(
                f"TensorRT {tensorrt.__version__} can't read the plan",
                "build it anew: loamscan engine build",
            )
        # A context does not keep alive what it was made from.
        self._alive = (runtime, engine)
        self._context = engine.create_execution_context()
        if self._context is None:
            raise EngineError("the GPU has no room for the plan", "use the engine of the processor")
        names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
        given = tensorrt.TensorIOMode.INPUT
        self._given = {
            name: self._input(engine, name)
            for name in names
            if engine.get_tensor_mode(name) == given
        }
        self._found = {name: self._output(name) for name in names if name not in self._given}
        for name in names:
            if engine.get_tensor_dtype(name) != tensorrt.DataType.FLOAT:
                raise EngineError(f"the plan's {name} is not float32", "export the bundle anew")
        self._launch = self._recorded()

    def run(
        self, outputs: Sequence[str], given: Mapping[str, NDArray[np.float32]]
    ) -> list[NDArray[np.float32]]:
        """``outputs``, ``[n, ...]`` each, of inputs ``[n, ...]``, one row after the other.

        Raises `EngineError` where the GPU fails.
        """
        with broken_is_an_engine_error():
            return self._run(outputs, given)

    def _run(
        self, outputs: Sequence[str], given: Mapping[str, NDArray[np.float32]]
    ) -> list[NDArray[np.float32]]:
        self._gpu.bind()
        rows = len(next(iter(given.values())))
        found = [
            np.empty((rows, *self._found[name].host.shape[1:]), np.float32) for name in outputs
        ]
        for row in range(rows):
            for name, buffer in self._given.items():
                buffer.host[0] = given[name][row]
            self._launch()
            self._gpu.wait()
            for name, into in zip(outputs, found, strict=True):
                into[row] = self._found[name].host[0]
        return found

    def _input(self, engine: Any, name: str) -> Buffer:
        shape = (1, *tuple(engine.get_tensor_shape(name))[1:])
        if not self._context.set_input_shape(name, shape):
            raise EngineError(f"the plan takes no {name} of shape {shape}", "build it anew")
        return self._addressed(name, shape)

    def _output(self, name: str) -> Buffer:
        return self._addressed(name, tuple(self._context.get_tensor_shape(name)))

    def _addressed(self, name: str, shape: tuple[int, ...]) -> Buffer:
        buffer = self._gpu.buffer(shape)
        if not self._context.set_tensor_address(name, int(buffer.device_pointer)):
            raise EngineError(f"the plan takes no address for {name}", "build it anew")
        return buffer

    def _recorded(self) -> Callable[[], None]:
        # The first run does what TensorRT put off; it must not be recorded.
        self._enqueue()
        self._gpu.wait()
        try:
            return self._gpu.record(self._enqueue)
        except EngineError as error:
            # Not every kernel can be recorded; one by one they run all the same.
            _LOG.warning("the plan runs kernel by kernel, since it can't be recorded: %s", error)
            return self._enqueue

    def _enqueue(self) -> None:
        for buffer in self._given.values():
            self._gpu.upload(buffer)
        if not self._context.execute_async_v3(self._gpu.stream):
            raise EngineError("TensorRT does not run the plan", "use the engine of the processor")
        for buffer in self._found.values():
            self._gpu.download(buffer)
