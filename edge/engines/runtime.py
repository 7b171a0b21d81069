"""What runs a bundle's graphs: ONNX Runtime on the processor, or another library with the same manners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from contract.bundle import Bundle
from edge.errors import EngineError


class Graph(Protocol):
    """A loaded graph."""

    def run(
        self, outputs: Sequence[str], given: Mapping[str, NDArray[np.float32]], /
    ) -> Sequence[NDArray[np.float32]]:
        """``outputs`` by name, ``[n, ...]`` each, of inputs ``[n, ...]``."""


class Runtime(Protocol):
    """Loads graphs; its name goes into every reading."""

    @property
    def name(self) -> str: ...  # noqa: D102

    def load(self, bundle: Bundle, member: str) -> Graph:
        """The graph ``member`` of ``bundle``; raises `EngineError` where it does not load."""


class OnnxRuntime:
    """ONNX Runtime on one thread, without spinning: an idle scanner must not warm the device."""

    name = "onnxruntime"

    def load(self, bundle: Bundle, member: str) -> Graph:
        """A session of ``member``; raises `EngineError` where it does not load."""
        ort.disable_telemetry_events()
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            session: Graph = ort.InferenceSession(
                bundle.files[member], options, providers=["CPUExecutionProvider"]
            )
        # ONNX Runtime raises classes of its own that share no base but Exception.
        except Exception as error:
            raise EngineError(
                f"{member} does not load: {error}", "install another bundle"
            ) from error
        return session
