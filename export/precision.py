"""A graph in fewer bits: parts of the module in float16, or nodes of the graph in int8 between Q and DQ."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from torch import nn

from export.errors import QuantisationError
from export.onnx_graphs import only_errors

QUANTISABLE: Final = frozenset({"Gemm", "MatMul"})
"""Node types that hold the weights, and that TensorRT takes in int8."""

_TENSORRT_SAFE: Final = {
    "ActivationSymmetric": True,
    "WeightSymmetric": True,
    # TensorRT's parser refuses biases in int32.
    "QuantizeBias": False,
}

_MATRIX: Final = 2

SCALE_BITS: Final = 8
"""Bits that a scale keeps of its mantissa, rounded up: ranges that another processor's rounding moved
by a millionth then give the same bytes. Ours; the range grows by less than .8 %."""


class InFloat16(nn.Module):  # type: ignore[misc]
    """A module that computes in float16 between float32 input and output."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = copy.deepcopy(module).half()

    def forward(self, values: Any) -> Any:
        """As the module does."""
        return self.module(values.half()).float()


def in_float16(module: Any, paths: Collection[str]) -> Any:
    """A copy of ``module`` whose submodules at ``paths`` compute in float16; "" is all of it."""
    if "" in paths:
        return InFloat16(module)
    narrowed = copy.deepcopy(module)
    for path in paths:
        narrowed.set_submodule(path, InFloat16(module.get_submodule(path)))
    narrowed.eval()
    return narrowed


def quantisable(graph: Any, path: str = "") -> list[str]:
    """The nodes of ``graph`` under the module at ``path`` that multiply by weights of its own."""
    own = {tensor.name for tensor in graph.graph.initializer}
    return [
        node.name
        for node in graph.graph.node
        if node.op_type in QUANTISABLE
        and any(name in own for name in node.input)
        and (not path or node.name.startswith((f"{path}/", f"{path}.")))
    ]


def in_int8(graph: Any, nodes: Collection[str], representative: NDArray[np.float32]) -> Any:
    """``graph`` with ``nodes`` between Q and DQ nodes, ranges those of ``representative`` ``[n, k]``.

    Symmetric; a matrix of weights has a scale for each channel, a stack of them one. Raises
    `QuantisationError` where a node came out unquantised.
    """
    with tempfile.TemporaryDirectory() as folder, only_errors():
        path = Path(folder) / "int8.onnx"
        _quantise(
            # The quantiser works on what it is given.
            copy.deepcopy(graph),
            path,
            _Once({graph.graph.input[0].name: representative}),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=sorted(QUANTISABLE),
            nodes_to_quantize=sorted(nodes),
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            extra_options={**_TENSORRT_SAFE, "TensorQuantOverrides": _stacked_weights(graph)},
        )
        quantised = onnx.load(path)
    check_quantised(quantised, nodes)
    _round_scales_up(quantised)
    return quantised


def _stacked_weights(graph: Any) -> dict[str, list[dict[str, Any]]]:
    """Weights of several matrices at once have one scale: ONNX Runtime 1.23 runs no other."""
    return {
        tensor.name: [{"symmetric": True}]
        for tensor in graph.graph.initializer
        if len(tensor.dims) > _MATRIX
    }


def _quantise(*arguments: Any, **options: Any) -> None:
    try:
        quantize_static(*arguments, **options)
    # The quantiser asserts, and raises what ONNX Runtime does.
    except Exception as error:
        said = str(error).strip().splitlines()
        raise QuantisationError(
            f"the graph can't be quantised: {said[0] if said else type(error).__name__}",
            "leave int8 out with --precision fp32",
        ) from error


def quantisation_nodes(graph: Any) -> int:
    """How many Q and DQ nodes there are."""
    return sum(node.op_type in {"QuantizeLinear", "DequantizeLinear"} for node in graph.graph.node)


def check_quantised(graph: Any, nodes: Collection[str]) -> None:
    """Raises `QuantisationError` where one of ``nodes`` is gone or has an input that is no DQ's.

    Tools have reported success with nothing quantised.
    """
    given = {node.output[0] for node in graph.graph.node if node.op_type == "DequantizeLinear"}
    sound = {node.name for node in graph.graph.node if given.issuperset(node.input[:2])}
    left = sorted(set(nodes) - sound)
    if left:
        raise QuantisationError(
            f"{', '.join(left)} came out of the quantiser as they were",
            "use another version of onnxruntime, or leave int8 out with --precision",
        )


class _Once(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, feed: dict[str, NDArray[np.float32]]) -> None:
        self._feeds = iter([feed])

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._feeds, None)


def _round_scales_up(graph: Any) -> None:
    scales = {node.input[1] for node in graph.graph.node if node.op_type == "QuantizeLinear"}
    for tensor in graph.graph.initializer:
        if tensor.name in scales:
            mantissa, exponent = np.frexp(numpy_helper.to_array(tensor))
            rounded = np.ldexp(np.ceil(mantissa * 2**SCALE_BITS) / 2**SCALE_BITS, exponent)
            tensor.CopyFrom(numpy_helper.from_array(rounded.astype(np.float32), tensor.name))
