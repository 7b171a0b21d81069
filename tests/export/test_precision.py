"""Fewer bits: every node that was asked for, in the form that TensorRT takes, and no other."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from export.errors import QuantisationError
from export.onnx_graphs import GraphForm, onnx_graph, serialised
from export.precision import (
    SCALE_BITS,
    check_quantised,
    in_float16,
    in_int8,
    quantisable,
    quantisation_nodes,
)
from export.running import run

FORM = GraphForm("two_layers", "values", 12, ("found",))


class TwoLayers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(12, 8)
        self.second = nn.Linear(8, 3)

    def forward(self, values):
        return self.second(torch.relu(self.first(values)))


@pytest.fixture(scope="module")
def module() -> TwoLayers:
    torch.manual_seed(0)
    return TwoLayers().eval()


@pytest.fixture(scope="module")
def graph(module):
    return onnx_graph(module, FORM)


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(64, 12)).astype(np.float32)


@pytest.fixture(scope="module")
def int8(graph, values):
    return in_int8(graph, quantisable(graph), values)


def scales(graph) -> dict[str, np.ndarray]:
    """Scales of what flows through, by name."""
    names = {node.input[1] for node in graph.graph.node if node.op_type == "QuantizeLinear"}
    held = {tensor.name: tensor for tensor in graph.graph.initializer}
    return {name: numpy_helper.to_array(held[name]) for name in names}


def test_a_node_is_named_after_the_module_that_it_is_of(graph) -> None:
    assert [name.split("/")[0] for name in quantisable(graph)] == ["first", "second"]
    assert quantisable(graph, "second") == quantisable(graph)[1:]
    assert quantisable(graph, "sec") == []


def test_int8_is_near_float32_and_float16_nearer(graph, int8, module, values) -> None:
    exact = run(serialised(graph), values)["found"]
    half = run(serialised(onnx_graph(in_float16(module, [""]), FORM)), values)["found"]
    off = [np.abs(run(serialised(int8), values)["found"] - exact).max(), np.abs(half - exact).max()]
    assert 0 < off[1] < 0.002 * np.abs(exact).max()
    assert off[1] < off[0] < 0.1 * np.abs(exact).max()


def test_every_input_of_a_node_in_int8_comes_from_a_dq_node(graph, int8) -> None:
    check_quantised(int8, quantisable(graph))
    # Two layers: input, weights and output of each; they share what lies between them.
    assert quantisation_nodes(int8) >= 8
    assert quantisation_nodes(graph) == 0


def test_a_quantiser_that_did_nothing_is_found_out(graph) -> None:
    with pytest.raises(QuantisationError, match="came out of the quantiser as they were"):
        check_quantised(graph, quantisable(graph))
    with pytest.raises(QuantisationError, match="gone/node"):
        check_quantised(graph, ["gone/node"])


def test_int8_is_symmetric_and_biases_stay_float_as_tensorrt_wants_it(int8) -> None:
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in int8.graph.initializer}
    for node in int8.graph.node:
        if node.op_type in {"QuantizeLinear", "DequantizeLinear"}:
            assert not held[node.input[2]].any()
            assert held[node.input[2]].dtype == np.int8
    assert not any(array.dtype == np.int32 for array in held.values())
    assert any(array.dtype == np.int8 and array.ndim == 2 for array in held.values())


def test_spectra_that_can_t_be_quantised_are_an_error_of_the_quantiser(graph, values) -> None:
    with pytest.raises(QuantisationError, match="can't be quantised"):
        in_int8(graph, quantisable(graph), np.full_like(values, np.inf))


def test_a_stack_of_matrices_has_one_scale_and_a_matrix_one_for_each_channel(graph, int8) -> None:
    class Stack(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(3, 12, 5))

        def forward(self, values):
            return torch.matmul(values, self.weight).mean(dim=0)

    torch.manual_seed(0)
    stack = onnx_graph(Stack().eval(), FORM)
    values = np.random.default_rng(0).normal(size=(16, 12)).astype(np.float32)
    for quantised, stacked in ((in_int8(stack, quantisable(stack), values), True), (int8, False)):
        held = {tensor.name: tensor for tensor in quantised.graph.initializer}
        counts = {
            len(numpy_helper.to_array(held[node.input[1]]).ravel())
            for node in quantised.graph.node
            if node.op_type == "DequantizeLinear" and node.input[0] in held
        }
        assert (counts == {1}) == stacked


def test_only_the_nodes_that_were_named_are_in_int8(graph, values) -> None:
    last = quantisable(graph, "second")
    narrowed = in_int8(graph, last, values)
    check_quantised(narrowed, last)
    with pytest.raises(QuantisationError, match="first/"):
        check_quantised(narrowed, quantisable(graph))


def test_scales_hold_few_bits_so_that_another_processor_s_rounding_changes_nothing(
    graph, int8, values
) -> None:
    for scale in scales(int8).values():
        mantissa, _ = np.frexp(scale)
        assert mantissa * 2**SCALE_BITS == np.round(mantissa * 2**SCALE_BITS)
    moved = in_int8(graph, quantisable(graph), values * np.float32(1 + 1e-6))
    assert serialised(moved) == serialised(int8)
    # Rounded up: nothing that was seen saturates.
    assert max(scale.max() for scale in scales(int8).values()) * 127 >= np.abs(values).max()


def test_what_is_given_stays_as_it_was(module, graph, values) -> None:
    before, weights = graph.SerializeToString(), module.first.weight.clone()
    in_int8(graph, quantisable(graph), values)
    in_float16(module, ["first"])
    assert graph.SerializeToString() == before
    assert module.first.weight.dtype == torch.float32
    assert torch.equal(module.first.weight, weights)


def test_float16_of_a_part_leaves_the_rest_in_float32(module) -> None:
    graph = onnx_graph(in_float16(module, ["first"]), FORM)
    held = {tensor.name: numpy_helper.to_array(tensor).dtype for tensor in graph.graph.initializer}
    assert {str(kind) for name, kind in held.items() if name.startswith("first")} == {"float16"}
    assert {str(kind) for name, kind in held.items() if name.startswith("second")} == {"float32"}
    assert [i.type.tensor_type.elem_type for i in graph.graph.input] == [onnx.TensorProto.FLOAT]
    assert [o.type.tensor_type.elem_type for o in graph.graph.output] == [onnx.TensorProto.FLOAT]
    onnxruntime.InferenceSession(serialised(graph))
