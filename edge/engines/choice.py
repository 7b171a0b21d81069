"""Which engine runs a bundle on this machine: proved on golden spectra, timed as the daemon calls it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from math import inf
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.bundle import Bundle
from contract.manifest import Precision
from contract.messages import FAULT_LENGTH_MAX, EngineFigures
from edge.engines.kept_choice import DEFAULT, SCHEMA, EngineChoice, machine, runtime
from edge.engines.own_process import Tell
from edge.engines.tensorrt_runtime import PRECISIONS as TENSORRT_PRECISIONS
from edge.engines.tensorrt_runtime import Open, build_on_tensorrt, open_tensorrt, probe_tensorrt
from edge.errors import EngineError
from edge.predictor import Predictor
from edge.proof import prove

PRECISIONS: Final[tuple[Precision, ...]] = ("int8",)
"""In which ONNX Runtime may serve a processor besides fp32: float16 it computes through float32 there."""

PACE_S: Final = 0.1
PACED_CALLS: Final = 30
TIGHT_CALLS: Final = 200
WARM_CALLS: Final = 20
"""Ours: a few seconds in all. A scanner's pace leaves caches cold, a tight loop does not."""

FASTER: Final = 0.9
"""Share of the default's time that a rival may take at most: less is within the noise. Ours."""


def choose_engine(
    bundle: Bundle,
    folder: Path,
    tell: Tell = lambda _: None,
    opened: Open = open_tensorrt,
) -> EngineChoice:
    """Prove and time every engine that can run ``bundle`` here; fp32 unless another is right and faster.

    Plans of TensorRT are kept in ``folder``. Raises `EngineError` where fp32 itself is not right.
    """
    running: dict[str, Predictor] = {DEFAULT: prove(bundle)}
    golden = {DEFAULT: running[DEFAULT].check_golden()}
    faults: dict[str, str] = {}

    def consider(name: str, proved: Callable[[], Predictor]) -> None:
        try:
            predictor = proved()
            golden[name] = predictor.check_golden()
            running[name] = predictor
        except EngineError as error:
            faults[name] = error.what

    within = bundle.manifest.graphs.pipeline
    for precision in (p for p in PRECISIONS if p in within):
        consider(f"onnxruntime/{precision}", partial(prove, bundle, precision))
    tell("probing TensorRT")
    try:
        probe_tensorrt(folder, opened)
    except EngineError as error:
        faults["tensorrt"] = error.what
    else:
        for precision in (p for p in TENSORRT_PRECISIONS if p in within):
            build = partial(build_on_tensorrt, bundle, precision, folder, tell, opened)
            consider(f"tensorrt/{precision}", build)
    tell(f"timing {', '.join(running)}")
    times, fell = _timed(bundle, running)
    faults |= fell
    candidates = {
        name: EngineFigures(
            engine=name,
            golden_error_over_tolerance=round(golden[name], 4),
            paced_p50_us=own["paced"],
            tight_p50_us=own["tight"],
        )
        for name, own in times.items()
    }
    faulty = [
        EngineFigures(engine=name, fault=fault[:FAULT_LENGTH_MAX]) for name, fault in faults.items()
    ]
    return EngineChoice(
        schema=SCHEMA,
        bundle_sha256=bundle.sha256,
        runtime=runtime(),
        machine=machine(),
        engine=fastest(candidates),
        candidates=[*faulty, *candidates.values()],
    )


def fastest(candidates: Mapping[str, EngineFigures]) -> str:
    """The default, unless a rival is faster by more than the noise.

    A GPU must be so against the best engine of the processor.
    """
    best = DEFAULT
    for runs_on in ("onnxruntime/", "tensorrt/"):
        rivals = [name for name in candidates if name.startswith(runs_on) and name != DEFAULT]
        rival = min(rivals, key=lambda name: _paced_us(candidates[name]), default=best)
        if _paced_us(candidates[rival]) <= FASTER * _paced_us(candidates[best]):
            best = rival
    return best


def _paced_us(figures: EngineFigures) -> float:
    return figures.paced_p50_us or inf


def _timed(
    bundle: Bundle, running: Mapping[str, Predictor]
) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
    """Median microseconds for one spectrum, paced and tight, all engines in turn; and what failed."""
    spectra = bundle.array(bundle.manifest.golden.reflectance)
    left = dict(running)
    times: dict[str, dict[str, list[float]]] = {
        name: {"paced": [], "tight": []} for name in running
    }
    faults: dict[str, str] = {}
    for way, calls, pause_s in (("tight", TIGHT_CALLS, 0.0), ("paced", PACED_CALLS, PACE_S)):
        for call in range(-WARM_CALLS, calls):
            for name, predictor in list(left.items()):
                if pause_s and call >= 0:
                    time.sleep(pause_s / len(left))
                try:
                    took_us = _call_us(predictor, spectra[call % len(spectra)][np.newaxis])
                except EngineError as error:
                    if name == DEFAULT:
                        raise
                    faults[name] = error.what
                    del left[name]
                    continue
                if call >= 0:
                    times[name][way].append(took_us)
    medians = {
        name: {way: round(float(np.median(own)), 1) for way, own in times[name].items()}
        for name in left
    }
    return medians, faults


def _call_us(predictor: Predictor, reflectance: NDArray[np.float32]) -> float:
    begun = time.perf_counter_ns()
    predictor.predict(reflectance)
    return (time.perf_counter_ns() - begun) / 1e3
