"""Whether ONNX Runtime gives the golden outputs on the exported graphs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from export.errors import GoldenMismatchError
from export.running import run
from training.card import GoldenTolerances

Arrays = Mapping[str, NDArray[np.float32]]

COMPARED: Final = {"pipeline": ("properties", "latent"), "mir_decoder": ("mir",)}
"""Outputs of each graph that have golden values."""

_TAKES: Final = {"pipeline": "reflectance", "mir_decoder": "latent"}


def check_golden(graphs: Mapping[str, bytes], golden: Arrays, allowed: GoldenTolerances) -> float:
    """Largest deviation as a share of what is allowed (1: at the limit).

    Raises `GoldenMismatchError` where ``pipeline`` or ``mir_decoder`` deviates by more.
    """
    shares = golden_shares(graphs, golden, allowed)
    worst = max(shares, key=lambda name: shares[name])
    if not shares[worst] <= 1.0:
        raise GoldenMismatchError(
            f"the exported graphs don't give the golden {worst}: "
            f"{shares[worst]:.3g} times the allowed deviation",
            "train again; the weights are not those that made the golden outputs, or torch and "
            "ONNX Runtime disagree",
        )
    return shares[worst]


def golden_shares(
    graphs: Mapping[str, bytes], golden: Arrays, allowed: GoldenTolerances
) -> dict[str, float]:
    """By output of each of ``graphs``, the largest deviation as a share of what is allowed."""
    found = {name: run(graph, golden[_TAKES[name]]) for name, graph in graphs.items()}
    return {
        output: _share(outputs[output], golden[output], allowed)
        for name, outputs in found.items()
        for output in COMPARED[name]
    }


def _share(out: Any, wanted: NDArray[np.float32], allowed: GoldenTolerances) -> float:
    if out.shape != wanted.shape or not np.all(np.isfinite(out)):
        return float("inf")
    limit = allowed.absolute + allowed.relative * np.abs(wanted.astype(np.float64))
    return float(np.max(np.abs(out.astype(np.float64) - wanted) / limit))
