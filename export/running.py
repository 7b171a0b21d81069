"""A graph on ONNX Runtime as the device runs it: one thread, on the processor."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

_ERRORS_ALONE = 3


def session(graph: bytes) -> Any:
    """A session of ``graph``."""
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ALONE
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def run(graph: bytes, values: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """The outputs of ``graph`` for ``values`` ``[n, k]``, by name."""
    own = session(graph)
    names = [output.name for output in own.get_outputs()]
    found = own.run(names, {own.get_inputs()[0].name: values})
    return dict(zip(names, found, strict=True))
