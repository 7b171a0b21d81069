"""The engine that was chosen for a bundle, proved anew at every start."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from contract.bundle import Bundle
from edge.assessment import Engine
from edge.engines.kept_choice import EngineChoice
from edge.engines.spare import WithSpare
from edge.proof import prove


def chosen_engine(bundle: Bundle, choice: EngineChoice, folder: Path) -> Engine:
    """What ``choice`` names, plans being in ``folder``; raises `EngineError` where it has become wrong."""
    if choice.runs_on == "onnxruntime":
        return prove(bundle, choice.precision)
    # A daemon on the processor starts without it.
    from edge.engines.tensorrt_runtime import prove_on_tensorrt

    on_gpu = prove_on_tensorrt(bundle, choice.precision, folder)
    return WithSpare(on_gpu, partial(prove, bundle))
