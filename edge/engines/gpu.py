"""The GPU as an engine needs it, on CUDA's driver API: memory, one stream, and runs recorded on it.

The driver API, since its library comes with the driver, on a Jetson too; the runtime API of a wheel is
not built for one. Never run on a GPU so far: tests pretend one.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.errors import EngineError

_NAME_LENGTH = 256


class Buffer(NamedTuple):
    """The same float32 values here, in page-locked memory, and on the GPU."""

    host: NDArray[np.float32]
    host_pointer: Any
    device_pointer: Any


class Gpu:
    """The first GPU; what is allocated there stays until the process ends."""

    def __init__(self, driver: ModuleType) -> None:
        """Open it through ``driver``, `cuda.bindings.driver` or one with its API.

        Raises `EngineError` where there is none.
        """
        self._driver = driver
        try:
            self._call("cuInit", 0)
        except EngineError:
            raise
        # A driver that is missing raises a class of its own.
        except Exception as error:
            raise EngineError(f"there is no driver of CUDA here: {error}") from error
        self._device = self._call("cuDeviceGet", 0)
        # Without it a thread that waits for the GPU turns in circles. Drivers have refused it where
        # somebody uses the GPU already; then so be it.
        flags = int(driver.CUctx_flags.CU_CTX_SCHED_BLOCKING_SYNC)
        with suppress(EngineError):
            self._call("cuDevicePrimaryCtxSetFlags", self._device, flags)
        self._context = self._call("cuDevicePrimaryCtxRetain", self._device)
        self.bind()
        apart = int(driver.CUstream_flags.CU_STREAM_NON_BLOCKING)
        self._stream = self._call("cuStreamCreate", apart)

    @property
    def name(self) -> str:
        """Its maker's name for it."""
        text: bytes = self._call("cuDeviceGetName", _NAME_LENGTH, self._device)
        return text.partition(b"\0")[0].decode(errors="replace")

    @property
    def compute_capability(self) -> str:
        """What its kernels are built for, as 8.7."""
        major = self._attribute("COMPUTE_CAPABILITY_MAJOR")
        return f"{major}.{self._attribute('COMPUTE_CAPABILITY_MINOR')}"

    @property
    def multiprocessors(self) -> int:
        """How many of them are switched on."""
        return self._attribute("MULTIPROCESSOR_COUNT")

    @property
    def cuda(self) -> str:
        """The newest CUDA that the driver knows, as 12.6."""
        version: int = self._call("cuDriverGetVersion")
        return f"{version // 1000}.{version % 1000 // 10}"

    @property
    def stream(self) -> int:
        """The stream that everything runs on, as TensorRT takes it."""
        return int(self._stream)

    def bind(self) -> None:
        """Make this GPU that of the calling thread: each thread begins without one."""
        self._call("cuCtxSetCurrent", self._context)

    def buffer(self, shape: tuple[int, ...]) -> Buffer:
        """Room for float32 values of ``shape``, zero here."""
        size = int(np.prod(shape))
        nbytes = size * np.dtype(np.float32).itemsize
        pointer = self._call("cuMemHostAlloc", nbytes, 0)
        memory = (ctypes.c_float * size).from_address(int(pointer))
        host = np.ctypeslib.as_array(memory).reshape(shape)
        host[...] = 0
        return Buffer(host, pointer, self._call("cuMemAlloc", nbytes))

    def upload(self, buffer: Buffer) -> None:
        """Copy to the GPU what ``buffer`` holds here, in the stream's turn."""
        self._call(
            "cuMemcpyHtoDAsync",
            buffer.device_pointer, buffer.host_pointer, buffer.host.nbytes, self._stream,
        )  # fmt: skip

    def download(self, buffer: Buffer) -> None:
        """Copy here what ``buffer`` holds on the GPU, in the stream's turn; there after `wait`."""
        self._call(
            "cuMemcpyDtoHAsync",
            buffer.host_pointer, buffer.device_pointer, buffer.host.nbytes, self._stream,
        )  # fmt: skip

    def wait(self) -> None:
        """Wait, asleep, until the stream has done all that it was given."""
        self._call("cuStreamSynchronize", self._stream)

    def record(self, run: Callable[[], None]) -> Callable[[], None]:
        """What ``run`` gives the stream, as one launch: a CUDA graph.

        Raises `EngineError` where something in it can't be recorded.
        """
        mode = self._driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        self._call("cuStreamBeginCapture", self._stream, mode)
        try:
            run()
        finally:
            recorded = self._call("cuStreamEndCapture", self._stream)
        launchable = self._call("cuGraphInstantiate", recorded, 0)
        return lambda: self._call("cuGraphLaunch", launchable, self._stream)

    def _attribute(self, name: str) -> int:
        which = getattr(self._driver.CUdevice_attribute, f"CU_DEVICE_ATTRIBUTE_{name}")
        value: int = self._call("cuDeviceGetAttribute", which, self._device)
        return value

    def _call(self, name: str, *given: Any) -> Any:
        status, *found = getattr(self._driver, name)(*given)
        if status != self._driver.CUresult.CUDA_SUCCESS:
            raise EngineError(f"CUDA fails in {name}: {getattr(status, 'name', status)}")
        return found[0] if found else None
