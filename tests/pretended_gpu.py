"""A GPU, CUDA's driver and TensorRT's run time, pretended: no machine here has them.

The pretended driver keeps to the order of things: what a stream is given happens when it is waited
for, what is recorded happens at each launch, copies go between page-locked memory and what was
allocated on the GPU, and a thread has no context until it takes one. A plan is an ONNX graph, which
ONNX Runtime runs on the pretended GPU's memory. What it can't show: that a real plan computes the
same, how fast it is, and what of a plan can't be recorded.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime as ort

from edge.engines.tensorrt_plan import Plan
from edge.engines.tensorrt_runtime import TensorRt

Work = Callable[[], None]


class CUresult(IntEnum):
    CUDA_SUCCESS = 0
    CUDA_ERROR_INVALID_VALUE = 1
    CUDA_ERROR_NO_DEVICE = 100
    CUDA_ERROR_INVALID_CONTEXT = 201
    CUDA_ERROR_INVALID_HANDLE = 400
    CUDA_ERROR_LAUNCH_FAILED = 719
    CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900


STREAM = 11
"""The one that was created; 0 would be the default stream, on which nothing can be recorded."""


class PretendedDriver:
    """What of `cuda.bindings.driver` an engine calls, with its names and its ways to answer."""

    CUresult = CUresult
    CUctx_flags = SimpleNamespace(CU_CTX_SCHED_BLOCKING_SYNC=4)
    CUstream_flags = SimpleNamespace(CU_STREAM_NON_BLOCKING=1)
    CUstreamCaptureMode = SimpleNamespace(CU_STREAM_CAPTURE_MODE_THREAD_LOCAL=1)
    CUdevice_attribute = SimpleNamespace(
        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR=75,
        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR=76,
        CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT=16,
    )

    def __init__(self, devices: int = 1, records: bool = True) -> None:
        self.lost = False
        self.launches = 0
        self.context_flags = 0
        self._devices = devices
        self._records = records
        self._current = threading.local()
        self._pinned: dict[int, Any] = {}
        self.memory: dict[int, Any] = {}
        self._given: list[Work] = []
        self._recording: list[Work] | None = None

    def cuInit(self, flags: int) -> tuple[Any, ...]:  # noqa: N802
        return (CUresult.CUDA_SUCCESS,)

    def cuDeviceGet(self, ordinal: int) -> tuple[Any, ...]:  # noqa: N802
        if ordinal >= self._devices:
            return (CUresult.CUDA_ERROR_NO_DEVICE, 0)
        return (CUresult.CUDA_SUCCESS, ordinal)

    def cuDevicePrimaryCtxSetFlags(self, device: int, flags: int) -> tuple[Any, ...]:  # noqa: N802
        self.context_flags = flags
        return (CUresult.CUDA_SUCCESS,)

    def cuDevicePrimaryCtxRetain(self, device: int) -> tuple[Any, ...]:  # noqa: N802
        return (CUresult.CUDA_SUCCESS, 7)

    def cuCtxSetCurrent(self, context: int) -> tuple[Any, ...]:  # noqa: N802
        self._current.context = context
        return (CUresult.CUDA_SUCCESS,)

    def cuStreamCreate(self, flags: int) -> tuple[Any, ...]:  # noqa: N802
        return (self._here(), STREAM)

    def cuDeviceGetName(self, length: int, device: int) -> tuple[Any, ...]:  # noqa: N802
        return (CUresult.CUDA_SUCCESS, b"Pretended Orin".ljust(length, b"\0"))

    def cuDeviceGetAttribute(self, which: int, device: int) -> tuple[Any, ...]:  # noqa: N802
        return (CUresult.CUDA_SUCCESS, {75: 8, 76: 7, 16: 8}[which])

    def cuDriverGetVersion(self) -> tuple[Any, ...]:  # noqa: N802
        return (CUresult.CUDA_SUCCESS, 12060)

    def cuMemHostAlloc(self, size: int, flags: int) -> tuple[Any, ...]:  # noqa: N802
        return (self._here(), _allocated(self._pinned, size))

    def cuMemAlloc(self, size: int) -> tuple[Any, ...]:  # noqa: N802
        return (self._here(), _allocated(self.memory, size))

    def cuMemcpyHtoDAsync(self, to: int, of: int, size: int, stream: int) -> tuple[Any, ...]:  # noqa: N802
        if to not in self.memory or of not in self._pinned:
            return (CUresult.CUDA_ERROR_INVALID_VALUE,)
        return (self.give(lambda: _copy(to, of, size), stream),)

    def cuMemcpyDtoHAsync(self, to: int, of: int, size: int, stream: int) -> tuple[Any, ...]:  # noqa: N802
        if to not in self._pinned or of not in self.memory:
            return (CUresult.CUDA_ERROR_INVALID_VALUE,)
        return (self.give(lambda: _copy(to, of, size), stream),)

    def cuStreamBeginCapture(self, stream: int, mode: int) -> tuple[Any, ...]:  # noqa: N802
        self._recording = []
        return (self._here(stream),)

    def cuStreamEndCapture(self, stream: int) -> tuple[Any, ...]:  # noqa: N802
        recorded, self._recording = self._recording, None
        if not self._records:
            return (CUresult.CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, None)
        return (self._here(stream), recorded)

    def cuGraphInstantiate(self, graph: list[Work], flags: int) -> tuple[Any, ...]:  # noqa: N802
        return (self._here(), tuple(graph))

    def cuGraphLaunch(self, graph: tuple[Work, ...], stream: int) -> tuple[Any, ...]:  # noqa: N802
        self.launches += 1
        for work in graph:
            self.give(work, stream)
        return (self._here(stream),)

    def cuStreamSynchronize(self, stream: int) -> tuple[Any, ...]:  # noqa: N802
        if self.lost:
            return (CUresult.CUDA_ERROR_LAUNCH_FAILED,)
        if self.recording:
            return (CUresult.CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,)
        given, self._given = self._given, []
        for work in given:
            work()
        return (self._here(stream),)

    @property
    def recording(self) -> bool:
        return self._recording is not None

    def give(self, work: Work, stream: int) -> CUresult:
        """Put ``work`` into the stream, or into what is being recorded."""
        (self._given if self._recording is None else self._recording).append(work)
        return self._here(stream)

    def _here(self, stream: int = STREAM) -> CUresult:
        if stream != STREAM:
            return CUresult.CUDA_ERROR_INVALID_HANDLE
        known = getattr(self._current, "context", None) is not None
        return CUresult.CUDA_SUCCESS if known else CUresult.CUDA_ERROR_INVALID_CONTEXT


class PretendedTensorRt:
    """What of TensorRT's run time an engine calls; what it builds is the graph itself."""

    __version__ = "10.3.0"
    TensorIOMode = SimpleNamespace(INPUT="input", OUTPUT="output")
    DataType = SimpleNamespace(FLOAT="float", HALF="half")

    def __init__(self, driver: PretendedDriver, kind: str = "float") -> None:
        self._driver = driver
        self._kind = kind

    class Logger:
        ERROR = 1

        def __init__(self, severity: int) -> None:
            pass

    def Runtime(self, logger: Logger) -> _Runtime:  # noqa: N802
        return _Runtime(self._driver, self._kind)


class _Runtime:
    def __init__(self, driver: PretendedDriver, kind: str) -> None:
        self._driver = driver
        self._kind = kind

    def deserialize_cuda_engine(self, plan: bytes) -> _Engine | None:
        try:
            return _Engine(self._driver, ort.InferenceSession(plan), self._kind)
        # ONNX Runtime raises classes of its own that share no base but Exception.
        except Exception:  # noqa: BLE001
            return None


class _Engine:
    def __init__(self, driver: PretendedDriver, session: ort.InferenceSession, kind: str) -> None:
        self._driver = driver
        self._session = session
        self._kind = kind
        self._shapes = {io.name: io.shape for io in (*session.get_inputs(), *session.get_outputs())}
        self._inputs = {io.name for io in session.get_inputs()}
        self.num_io_tensors = len(self._shapes)

    def get_tensor_name(self, index: int) -> str:
        return list(self._shapes)[index]

    def get_tensor_mode(self, name: str) -> str:
        return "input" if name in self._inputs else "output"

    def get_tensor_shape(self, name: str) -> list[int]:
        return [size if isinstance(size, int) else -1 for size in self._shapes[name]]

    def get_tensor_dtype(self, name: str) -> str:
        return "float" if name in self._inputs else self._kind

    def create_execution_context(self) -> _Context:
        return _Context(self._driver, self._session, self)


class _Context:
    def __init__(
        self, driver: PretendedDriver, session: ort.InferenceSession, engine: _Engine
    ) -> None:
        self._driver = driver
        self._session = session
        self._engine = engine
        self._batch = 0
        self._address: dict[str, int] = {}
        self._has_run = False

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self._batch, *rest = shape
        return rest == self._engine.get_tensor_shape(name)[1:]

    def get_tensor_shape(self, name: str) -> list[int]:
        return [self._batch, *self._engine.get_tensor_shape(name)[1:]]

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._address[name] = address
        return address in self._driver.memory

    def execute_async_v3(self, stream: int) -> bool:
        # What TensorRT puts off until the first run can't be recorded.
        if self._driver.recording and not self._has_run:
            return False
        self._has_run = True
        return self._driver.give(self._compute, stream) is CUresult.CUDA_SUCCESS

    def _compute(self) -> None:
        inputs = [io.name for io in self._session.get_inputs()]
        outputs = [io.name for io in self._session.get_outputs()]
        found = self._session.run(outputs, {name: self._at(name) for name in inputs})
        for name, values in zip(outputs, found, strict=True):
            self._at(name)[...] = values

    def _at(self, name: str) -> Any:
        shape = tuple(self.get_tensor_shape(name))
        memory = (ctypes.c_float * int(np.prod(shape))).from_address(self._address[name])
        return np.ctypeslib.as_array(memory).reshape(shape)


def _allocated(into: dict[int, Any], size: int) -> int:
    memory = ctypes.create_string_buffer(size)
    into[ctypes.addressof(memory)] = memory
    return ctypes.addressof(memory)


def _copy(to: int, of: int, size: int) -> None:
    ctypes.memmove(to, of, size)


class PretendingTensorRt(TensorRt):
    """`TensorRt` on all that is pretended here; plans are graphs, so that none needs to be built."""

    def build(self, bundle: Any, member: str, tell: Callable[[str], None]) -> None:
        tell(f"pretends to build {member}")
        graph = bundle.files[member]
        self._plans.keep(graph, Plan(graph, b"timings"))


def opened(folder: Path) -> TensorRt:
    """For `edge.engines.tensorrt_runtime`, in any process."""
    driver = PretendedDriver()
    return PretendingTensorRt(PretendedTensorRt(driver), driver, folder)


def opened_after_an_update(folder: Path) -> TensorRt:
    driver = PretendedDriver()
    updated = PretendedTensorRt(driver)
    updated.__version__ = "10.7.0"  # type: ignore[misc]
    return PretendingTensorRt(updated, driver, folder)


def opened_elsewhere(but_not_in: int, folder: Path) -> TensorRt:
    if os.getpid() == but_not_in:
        raise TypeError("pybind11::init(): factory function returned nullptr")
    return opened(folder)


def opened_without_gpu(folder: Path) -> TensorRt:
    driver = PretendedDriver(devices=0)
    return PretendingTensorRt(PretendedTensorRt(driver), driver, folder)
