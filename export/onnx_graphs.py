"""The model's two graphs as ONNX: the same bytes from the same checkpoint, in any folder."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import onnx
import torch

from training.card import Architecture
from training.pipeline import Model

OPSET: Final = 18
"""Within the 17 to 20 that Jetson's TensorRT 10.3 reads too."""

IR_VERSION_MAX: Final = 10
"""ONNX Runtime 1.23 reads up to 11; ours is one below it."""


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


def onnx_graphs(model: Model, architecture: Architecture) -> dict[str, bytes]:
    """The two graphs by name, serialised."""
    modules = {"pipeline": model.pipeline, "mir_decoder": model.mir_decoder}
    return {form.name: _graph(modules[form.name], form) for form in graph_forms(architecture)}


def _graph(module: Any, form: GraphForm) -> bytes:
    # Two rows: a batch of one is taken for a constant by the exporter.
    example = torch.full((2, form.length), 0.4)
    batch = torch.export.Dim("n", min=1)
    with _quiet():
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
    proto = program.model_proto
    _strip(proto)
    proto.graph.name = form.name
    proto.ir_version = min(proto.ir_version, IR_VERSION_MAX)
    onnx.checker.check_model(proto, full_check=True)
    content: bytes = proto.SerializeToString(deterministic=True)
    return content


def _strip(proto: Any) -> None:
    """Take out what names the machine it was made on: source paths, stack traces, comments."""
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
def _quiet() -> Iterator[None]:
    """The exporter talks to stdout and warns of its own parts."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
