"""The model's two graphs as ONNX: the same graphs from the same checkpoint, in any folder."""

from __future__ import annotations

import ast
import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import onnx
import torch

from export.errors import UnsupportedOperatorError
from training.card import Architecture
from training.pipeline import Model

OPSET: Final = 18
"""Within the 17 to 20 that Jetson's TensorRT 10.3 reads too."""

IR_VERSION_MAX: Final = 10
"""ONNX Runtime 1.23 reads up to 11; ours is one below it."""

_SCOPES: Final = "pkg.torch.onnx.name_scopes"


@dataclass(frozen=True)
class GraphForm:
    """Name of a graph, of its input with its length, and of its outputs."""

    name: str
    input: str
    length: int
    outputs: tuple[str, ...]


def graph_forms(architecture: Architecture) -> tuple[GraphForm, ...]:
    """The two graphs, each with inputs and outputs ``[n, ...]`` float32."""
    latent = architecture.nir_encoder[-1]
    return (
        GraphForm(
            "pipeline", "reflectance", architecture.bands, ("properties", "latent", "preprocessed")
        ),
        GraphForm("mir_decoder", "latent", latent, ("mir",)),
    )


def onnx_graphs(model: Model, architecture: Architecture) -> dict[str, Any]:
    """The two graphs by name, in float32."""
    modules = {"pipeline": model.pipeline, "mir_decoder": model.mir_decoder}
    return {form.name: onnx_graph(modules[form.name], form) for form in graph_forms(architecture)}


def onnx_graph(module: Any, form: GraphForm) -> Any:
    """``module`` as a graph; a node's name begins with the path of the submodule that it is of.

    Raises `UnsupportedOperatorError` where torch can't express it.
    """
    # Two rows: a batch of one is taken for a constant by the exporter.
    example = torch.full((2, form.length), 0.4)
    batch = torch.export.Dim("n", min=1)
    try:
        with only_errors():
            program = torch.onnx.export(
                module,
                (example,),
                dynamo=True,
                input_names=[form.input],
                output_names=list(form.outputs),
                dynamic_shapes=({0: batch},),
                opset_version=OPSET,
                external_data=False,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        raise UnsupportedOperatorError(
            f"torch can't export the {form.name}: {_root(error)}",
            "use operators that torch.onnx knows",
        ) from error
    proto = program.model_proto
    _name_nodes(proto)
    proto.graph.name = form.name
    return proto


def _root(error: BaseException) -> str:
    """What was wrong at the root: the exporter wraps it in pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def serialised(proto: Any) -> bytes:
    """The one byte form of a graph, checked; nothing in it names the machine it was made on."""
    _strip(proto)
    proto.ir_version = min(proto.ir_version, IR_VERSION_MAX)
    onnx.checker.check_model(proto, full_check=True)
    content: bytes = proto.SerializeToString(deterministic=True)
    return content


def _name_nodes(proto: Any) -> None:
    for node in proto.graph.node:
        about = {entry.key: entry.value for entry in node.metadata_props}
        # The exporter's own form: module paths from the outermost in, the node's own name last.
        scopes: list[str] = ["", *ast.literal_eval(about.get(_SCOPES, "['']"))]
        path = scopes[-2]
        node.name = f"{path}/{node.name}"


def _strip(proto: Any) -> None:
    """Take out source paths, stack traces, comments."""
    del proto.metadata_props[:]
    proto.doc_string = ""
    del proto.functions[:]
    graph = proto.graph
    graph.doc_string = ""
    del graph.metadata_props[:]
    parts = (graph.node, graph.input, graph.output, graph.value_info, graph.initializer)
    for part in (part for group in parts for part in group):
        part.doc_string = ""
        del part.metadata_props[:]


@contextlib.contextmanager
def only_errors() -> Iterator[None]:
    """Exporter and quantiser talk to stdout and warn of their own parts."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
