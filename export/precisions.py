"""The two graphs in every precision, each as far as the budget lets it, and why the rest is not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from calibration.intervals import IntervalModel
from contract.manifest import Budget, Narrowing
from export.budget import Narrowed, within
from export.golden_check import golden_shares
from export.losses import CHANGE_MAX, Judge, Loss, spectrum_loss
from export.onnx_graphs import graph_forms, onnx_graph, serialised
from export.precision import in_float16, in_int8, quantisable, quantisation_nodes
from export.running import run
from soil.coherence import coherent
from training.checkpoint import Checkpoint
from training.fitting import Progress
from training.golden import SOILS
from training.pipeline import CHUNK, CONVERTED, Model

Precision = Literal["fp16", "int8"]
PRECISIONS: Final[tuple[Precision, ...]] = ("fp16", "int8")

DECODER: Final = "MIR decoder"
INNER_DECODER: Final = "MIR decoder in the pipeline"

GOLDEN_ROOM: Final = 2.0
"""Times what ONNX Runtime is off the golden outputs: room for another engine's rounding. Ours."""


@dataclass(frozen=True)
class Precise:
    """What came of one precision: the ``graphs`` within budget, with their entry in the manifest.

    ``alone`` is what each part of the pipeline costs by itself; ``refused`` says by graph why there is
    none.
    """

    graphs: dict[str, bytes]
    narrowing: Narrowing | None
    alone: dict[str, Loss]
    refused: dict[str, str]


class Narrower:
    """One checkpoint's graphs in float32, and the soils that say what fewer bits cost."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        graphs: Mapping[str, Any],
        budget: float,
        progress: Progress,
        representative: NDArray[np.float32] | None = None,
    ) -> None:
        """``graphs`` are those in float32, by name; ranges of int8 are those of ``representative``.

        Reflectance ``[n, bands]``; without any, the spectra that the checkpoint keeps for it.
        """
        spectra = checkpoint.quantisation
        if spectra is None:
            raise ValueError("the checkpoint keeps no spectra")
        self._checkpoint = checkpoint
        self._graphs = graphs
        self._budget = budget
        self._progress = progress
        self._judged: NDArray[np.float32] = spectra["judged"]
        self._representative: NDArray[np.float32] = (
            spectra["representative"] if representative is None else representative
        )
        pipeline, decoder = (serialised(graphs[name]) for name in ("pipeline", "mir_decoder"))
        exact = run(pipeline, self._judged)
        self._latent = exact["latent"]
        self._mir = run(decoder, self._latent)["mir"]
        self._seen_latent = run(pipeline, self._representative)["latent"]
        card = checkpoint.card
        self._judge = Judge(exact, spectra["judged_properties"], card.intervals, checkpoint.domain)

    @property
    def budget(self) -> Budget:
        """What may be lost, and the spectra that say so."""
        content = np.ascontiguousarray(self._representative).tobytes()
        return Budget(
            ccc_loss=self._budget,
            change=CHANGE_MAX,
            judged=len(self._judged),
            representative=len(self._representative),
            representative_sha256=hashlib.sha256(content).hexdigest(),
        )

    def narrowed(self, precision: Precision) -> Precise:
        """Both graphs in ``precision``."""
        self._progress(f"{precision}: pipeline")
        found, pipeline, loss, no_pipeline = self._pipeline(precision)
        self._progress(f"{precision}: MIR decoder")
        decoder, mir_loss, no_decoder = self._decoder(precision)
        made = {"pipeline": pipeline, "mir_decoder": decoder}
        reasons = {"pipeline": no_pipeline, "mir_decoder": no_decoder}
        refused = {name: reason for name, reason in reasons.items() if reason is not None}
        taken = {name: graph for name, graph in made.items() if graph is not None}
        graphs = {name: serialised(graph) for name, graph in taken.items()}
        if not graphs:
            return Precise({}, None, found.alone, refused)
        parts = list(found.parts) if pipeline is not None else []
        parts += [DECODER] if decoder is not None else []
        narrowing = Narrowing(
            parts=parts,
            quantisation_nodes=sum(quantisation_nodes(graph) for graph in taken.values()),
            ccc_loss=loss.ccc if loss else {},
            change=loss.change if loss else {},
            verdicts_changed=loss.verdicts if loss else 0.0,
            mir_loss=mir_loss,
            golden_factor=self._golden_factor(graphs),
        )
        return Precise(graphs, narrowing, found.alone, refused)

    def _golden_factor(self, graphs: Mapping[str, bytes]) -> dict[str, float]:
        soils = {name: array[:SOILS] for name, array in self._checkpoint.golden.items()}
        shares = golden_shares(graphs, soils, self._checkpoint.card.golden)
        shares.pop("properties", None)
        return {
            name: float(np.ceil(max(1.0, GOLDEN_ROOM * share))) for name, share in shares.items()
        }

    def _pipeline(
        self, precision: Precision
    ) -> tuple[Narrowed, Any | None, Loss | None, str | None]:
        """The parts that fit, the graph with its loss, or why there is none."""
        paths = parts_of(self._checkpoint.model)
        if precision == "int8":
            graph = self._graphs["pipeline"]
            paths = {part: path for part, path in paths.items() if quantisable(graph, path)}
        found = within(tuple(paths), self._loss_of(precision), self._budget)
        if not found.parts:
            reasons = {part: loss.beyond(self._budget) for part, loss in found.alone.items()}
            said = "; ".join(f"{part}: {reason}" for part, reason in reasons.items())
            return found, None, None, said or "it has no part that could be narrowed"
        graph = self._graph(precision, found.parts)
        # Torch judged the candidates in float16; what the device runs has the last word.
        loss = self._judge.loss(run(serialised(graph), self._judged))
        reason = loss.beyond(self._budget) or self._golden_reason(serialised(graph))
        return (found, graph, loss, None) if reason is None else (found, None, None, reason)

    def _golden_reason(self, pipeline: bytes) -> str | None:
        """Why a device would not take the pipeline, which it proves on the golden soils."""
        golden, card = self._checkpoint.golden, self._checkpoint.card
        said = run(pipeline, golden["reflectance"][:SOILS])["properties"]
        intervals = IntervalModel.of(card.intervals)
        apart = intervals.apart(coherent(said), coherent(golden["properties"][:SOILS]))
        if np.max(apart) <= CHANGE_MAX:
            return None
        return f"a golden soil changes by {np.max(apart):.2f} half widths of an interval"

    def _loss_of(self, precision: Precision) -> Callable[[Sequence[str]], Loss]:
        def of_graph(parts: Sequence[str]) -> Loss:
            return self._judge.loss(run(serialised(self._graph(precision, parts)), self._judged))

        def of_module(parts: Sequence[str]) -> Loss:
            return self._judge.loss(_outputs(self._in_float16(parts), self._judged))

        # An export takes torch seconds; what a candidate loses it can say without.
        return of_graph if precision == "int8" else of_module

    def _graph(self, precision: Precision, parts: Sequence[str]) -> Any:
        """The pipeline with ``parts`` in ``precision``."""
        if precision == "fp16":
            return onnx_graph(self._in_float16(parts), self._form("pipeline"))
        exact, paths = self._graphs["pipeline"], parts_of(self._checkpoint.model)
        nodes = [node for part in parts for node in quantisable(exact, paths[part])]
        return in_int8(exact, nodes, self._representative)

    def _in_float16(self, parts: Sequence[str]) -> Any:
        paths = parts_of(self._checkpoint.model)
        return in_float16(self._checkpoint.model.pipeline, [paths[part] for part in parts])

    def _decoder(self, precision: Precision) -> tuple[Any | None, float | None, str | None]:
        """The graph with its loss, or why there is none."""
        exact = self._graphs["mir_decoder"]
        if precision == "int8":
            graph = in_int8(exact, quantisable(exact), self._seen_latent)
        else:
            module = in_float16(self._checkpoint.model.mir_decoder, [""])
            graph = onnx_graph(module, self._form("mir_decoder"))
        loss = spectrum_loss(self._mir, run(serialised(graph), self._latent)["mir"])
        if loss <= self._budget:
            return graph, loss, None
        return None, None, f"the converted spectra lose {loss:.4f} of their CCC"

    def _form(self, name: str) -> Any:
        forms = graph_forms(self._checkpoint.card.architecture)
        return next(form for form in forms if form.name == name)


def parts_of(model: Model) -> dict[str, str]:
    """The parts of the pipeline behind the pre-processing, which stays in float32: name and path."""
    heads = model.pipeline.heads
    parts = {"NIR encoder": "sight.nir_encoder"}
    if CONVERTED in heads.views:
        parts[INNER_DECODER] = "sight.mir_decoder"
    return parts | {f"heads of {name}": f"heads.heads.{i}" for i, name in enumerate(heads.names)}


def _outputs(pipeline: Any, reflectance: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    names = ("properties", "latent", "preprocessed")
    with torch.no_grad():
        chunks = [pipeline(part) for part in torch.from_numpy(reflectance).split(CHUNK)]
    return {
        name: torch.cat(list(parts)).numpy()
        for name, parts in zip(names, zip(*chunks, strict=True), strict=True)
    }
