"""Plans: TensorRT's own parser and builder take every graph of a bundle, in every precision.

They are those of TensorRT for RTX, which builds on a machine without a GPU and has the same API. What
runs a plan needs a GPU and is not tested here; none of this has been run on a Jetson.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from contract.bundle import Bundle
from edge.engines.tensorrt_plan import build_plan
from edge.errors import EngineError
from parts import part

onnx = pytest.importorskip("onnx", reason="not among what a device has")
TensorProto, helper, numpy_helper = onnx.TensorProto, onnx.helper, onnx.numpy_helper


@pytest.fixture(scope="module")
def tensorrt() -> ModuleType:
    return part("tensorrt_rtx")


def graph_of(*nodes, weights=(), shape=("n", 4)) -> bytes:
    """A graph from ``given``, ``[n, 4]`` unless said otherwise, to ``found``."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("given", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("found", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(array, name) for name, array in weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 10
    return model.SerializeToString()


pytestmark = pytest.mark.filterwarnings("ignore:Use Deprecated in TensorRT-RTX")
"""There timing caches have no effect; in TensorRT they do."""


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("name", ["pipeline", "mir_decoder"])
def test_every_graph_of_the_bundle_becomes_a_plan(
    tensorrt, reference_bundle: Bundle, name: str, precision: str
) -> None:
    graph = reference_bundle.files[getattr(reference_bundle.manifest.graphs, name)[precision]]
    told: list[str] = []
    plan = build_plan(tensorrt, graph, 16, progress=told.append)
    assert len(plan.content) > 100_000
    assert plan.timing_cache
    assert any("steps" in line for line in told)


def test_an_operator_that_tensorrt_lacks_is_refused_by_name(tensorrt) -> None:
    node = helper.make_node("Soilify", ["given"], ["found"], name="soil/odd", domain="")
    with pytest.raises(EngineError, match=r"refuses the graph: .*Soilify"):
        build_plan(tensorrt, graph_of(node))


@pytest.mark.parametrize("graph", [b"", b"junk", b"\x08\x0a" * 50])
def test_what_is_no_graph_is_refused(tensorrt, graph: bytes) -> None:
    with pytest.raises(EngineError, match=r"(refuses|builds nothing of) the graph"):
        build_plan(tensorrt, graph)


def test_an_int32_bias_is_what_tensorrt_refuses_so_that_ours_stay_float(tensorrt) -> None:
    """The form that the quantiser makes by itself: why `export.precision` says otherwise."""
    rng = np.random.default_rng(0)
    weights = [
        ("w", rng.integers(-9, 9, size=(4, 4)).astype(np.int8)),
        ("b", rng.integers(-9, 9, size=4).astype(np.int32)),
        ("s", np.float32(0.1)),
        ("z", np.int8(0)),
        ("z32", np.int32(0)),
    ]
    steps = [
        helper.make_node("QuantizeLinear", ["given", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["x"]),
        helper.make_node("DequantizeLinear", ["w", "s", "z"], ["wf"]),
    ]
    bias = helper.make_node("DequantizeLinear", ["b", "s", "z32"], ["bf"], name="bias")
    last = helper.make_node("Gemm", ["x", "wf", "bf"], ["found"])
    with pytest.raises(EngineError, match="refuses the graph"):
        build_plan(tensorrt, graph_of(*steps, bias, last, weights=weights))
    in_float = [*weights[:1], ("bf", rng.normal(size=4).astype(np.float32)), *weights[2:4]]
    assert build_plan(tensorrt, graph_of(*steps, last, weights=in_float)).content


def test_no_graph_of_the_bundle_holds_such_a_bias(reference_bundle: Bundle) -> None:
    for graphs in dict(reference_bundle.manifest.graphs).values():
        graph = onnx.load_from_string(reference_bundle.files[graphs["int8"]])
        kinds = {tensor.name: tensor.data_type for tensor in graph.graph.initializer}
        given_to_dq = [n.input[0] for n in graph.graph.node if n.op_type == "DequantizeLinear"]
        assert TensorProto.INT32 not in {kinds.get(name) for name in given_to_dq}


@pytest.mark.parametrize("shape", [["n", "m"], [4, 4], []])
def test_a_graph_without_a_free_batch_of_one_length_is_refused(tensorrt, shape) -> None:
    node = helper.make_node("Relu", ["given"], ["found"])
    with pytest.raises(EngineError, match="the graph's input given has shape"):
        build_plan(tensorrt, graph_of(node, shape=shape))
