"""Whether ONNX Runtime gives the golden outputs on the exported graphs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from export.errors import GoldenMismatchError
from training.card import GoldenTolerances

Arrays = Mapping[str, NDArray[np.float32]]


def check_golden(graphs: Mapping[str, bytes], golden: Arrays, allowed: GoldenTolerances) -> float:
    """Largest deviation as a share of what is allowed (1: at the limit).

    Raises `GoldenMismatchError` where ``pipeline`` or ``mir_decoder`` deviates by more.
    """
    properties, latent, _ = _run(graphs["pipeline"], golden["reflectance"])
    (mir,) = _run(graphs["mir_decoder"], golden["latent"])
    found = {"properties": properties, "latent": latent, "mir": mir}
    shares = {name: _share(out, golden[name], allowed) for name, out in found.items()}
    worst = max(shares, key=lambda name: shares[name])
    if not shares[worst] <= 1.0:
        raise GoldenMismatchError(
            f"the exported graphs don't give the golden {worst}: "
            f"{shares[worst]:.3g} times the allowed deviation",
            "train again; the weights are not those that made the golden outputs, or torch and "
            "ONNX Runtime disagree",
        )
    return shares[worst]


def _run(graph: bytes, values: NDArray[np.float32]) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: values})


def _share(out: Any, wanted: NDArray[np.float32], allowed: GoldenTolerances) -> float:
    if out.shape != wanted.shape or not np.all(np.isfinite(out)):
        return float("inf")
    limit = allowed.absolute + allowed.relative * np.abs(wanted.astype(np.float64))
    return float(np.max(np.abs(out.astype(np.float64) - wanted) / limit))
