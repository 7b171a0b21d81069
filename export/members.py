"""The members of a bundle and the manifest that describes them, from a checkpoint."""

from __future__ import annotations

import io
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.bundle import describe
from contract.manifest import (
    Budget,
    Domain,
    Gh,
    Golden,
    Graphs,
    Input,
    Manifest,
    Narrowing,
    Output,
    QResidual,
)
from export.precisions import PRECISIONS, Precision
from soil.properties import PROPERTIES
from training.card import Card
from training.checkpoint import GOLDEN_ARRAYS, Checkpoint
from training.golden import SOILS

SCHEMA: Final = "loamscan.bundle/1"
MINIMUM_AGENT: Final = "0.1.0"
"""First agent that reads this form of bundle."""

Q_MEAN: Final = "domain/q_mean.npy"
Q_COMPONENTS: Final = "domain/q_components.npy"
GH_MEAN: Final = "domain/gh_mean.npy"
GH_WHITENING: Final = "domain/gh_whitening.npy"


def graph_member(name: str, precision: str) -> str:
    """Where the graph ``name`` lies in the bundle."""
    return f"onnx/{name}.{precision}.onnx"


def golden_member(name: str) -> str:
    """Where the golden array ``name`` lies in the bundle."""
    return f"golden/{name}.npy"


def members(checkpoint: Checkpoint, graphs: Mapping[str, Mapping[str, bytes]]) -> dict[str, bytes]:
    """All members but the manifest, by name; ``graphs`` by precision and name."""
    return {
        **{
            graph_member(name, precision): content
            for precision, own in graphs.items()
            for name, content in own.items()
        },
        Q_MEAN: npy(checkpoint.domain.q.mean),
        Q_COMPONENTS: npy(checkpoint.domain.q.components),
        GH_MEAN: npy(checkpoint.domain.gh.mean),
        GH_WHITENING: npy(checkpoint.domain.gh.whitening),
        **{golden_member(name): npy(checkpoint.golden[name]) for name in GOLDEN_ARRAYS},
    }


def manifest(
    card: Card,
    files: Mapping[str, bytes],
    budget: Budget | None = None,
    precisions: Mapping[Precision, Narrowing] = MappingProxyType({}),
) -> Manifest:
    """The manifest of a bundle of ``files``; raises pydantic's error on a card that can't be one."""
    graphs = {
        name: {
            precision: graph_member(name, precision)
            for precision in ("fp32", *PRECISIONS)
            if graph_member(name, precision) in files
        }
        for name in ("pipeline", "mir_decoder")
    }
    # Said only where there is something to say: a bundle in float32 alone keeps its bytes.
    narrowed: dict[str, Any] = (
        {"budget": budget, "precisions": dict(precisions)} if precisions else {}
    )
    return Manifest(
        schema=SCHEMA,
        name=card.name,
        version=card.version,
        synthetic=card.synthetic,
        description=card.description,
        licence=card.licence,
        minimum_agent=MINIMUM_AGENT,
        input=Input(axis=card.axis, kind="reflectance", preprocessing=card.preprocessing),
        outputs=outputs(card),
        latent_features=card.architecture.nir_encoder[-1],
        mir_axis=card.mir_axis,
        graphs=Graphs.model_validate(graphs),
        **narrowed,
        intervals=card.intervals,
        domain=_domain(card),
        golden=Golden(
            reflectance=golden_member("reflectance"),
            properties=golden_member("properties"),
            latent=golden_member("latent"),
            mir=golden_member("mir"),
            relative_tolerance=card.golden.relative,
            absolute_tolerance=card.golden.absolute,
            soils=SOILS,
        ),
        training_data=card.training_data,
        metrics=card.metrics,
        evaluation=card.evaluation,
        files=describe(dict(files)),
    )


def outputs(card: Card) -> list[Output]:
    """The nine columns of ``properties``, as the manifest names them."""
    return [
        Output(
            name=p.name,
            unit=p.unit,
            code=p.ossl_code,
            method=p.glosis_procedure,
            lowest=p.lowest,
            highest=p.highest,
            scale="log1p" if p.skewed else "identity",
            strategy=card.strategy[p.name],
        )
        for p in PROPERTIES
    ]


def npy(array: NDArray[np.float32]) -> bytes:
    """``array`` as the bytes of an .npy file, float32, no pickle."""
    out = io.BytesIO()
    np.save(out, np.ascontiguousarray(array, dtype=np.float32), allow_pickle=False)
    return out.getvalue()


def _domain(card: Card) -> Domain:
    q, gh = card.domain.q_residual.model_dump(), card.domain.gh.model_dump()
    return Domain(
        q_residual=QResidual(mean=Q_MEAN, components=Q_COMPONENTS, **q),
        gh=Gh(mean=GH_MEAN, whitening=GH_WHITENING, **gh),
    )
