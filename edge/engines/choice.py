"""Which engine runs a bundle on this machine: proved on golden spectra, timed as the daemon calls it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.bundle import Bundle
from contract.manifest import Precision
from contract.messages import FAULT_LENGTH_MAX, EngineFigures
from edge.engines.kept_choice import SCHEMA, EngineChoice, machine, runtime
from edge.engines.probe import Probed, probe_tensorrt
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

Tell = Callable[[str], None]


def choose_engine(
    bundle: Bundle, tell: Tell = lambda _: None, probe: Callable[[], Probed] = probe_tensorrt
) -> EngineChoice:
    """Prove and time every engine that can run ``bundle`` here; fp32 unless another is right and faster.

    Raises `EngineError` where fp32 itself is not right.
    """
    running: dict[Precision, Predictor] = {"fp32": prove(bundle)}
    tell("probing TensorRT")
    candidates = {"tensorrt": _absent(probe())}
    for precision in PRECISIONS:
        if precision not in bundle.manifest.graphs.pipeline:
            continue
        try:
            running[precision] = prove(bundle, precision)
        except EngineError as error:
            name = f"onnxruntime/{precision}"
            candidates[name] = _faulty(name, error.what)
    tell(f"timing {', '.join(predictor.engine for predictor in running.values())}")
    for precision, times in _timed(bundle, running).items():
        predictor = running[precision]
        candidates[predictor.engine] = EngineFigures(
            engine=predictor.engine,
            golden_error_over_tolerance=round(predictor.check_golden(), 4),
            paced_p50_us=times["paced"],
            tight_p50_us=times["tight"],
        )
    return EngineChoice(
        schema=SCHEMA,
        bundle_sha256=bundle.sha256,
        runtime=runtime(),
        machine=machine(),
        precision=fastest({p: candidates[running[p].engine] for p in running}),
        candidates=list(candidates.values()),
    )


def fastest(candidates: Mapping[Precision, EngineFigures]) -> Precision:
    """fp32, or the fastest of those that are faster by more than the noise."""
    default = candidates["fp32"].paced_p50_us or float("inf")
    best: Precision = "fp32"
    least = FASTER * default
    for precision, candidate in candidates.items():
        if precision != "fp32" and candidate.paced_p50_us and candidate.paced_p50_us <= least:
            best, least = precision, candidate.paced_p50_us
    return best


def _absent(found: Probed) -> EngineFigures:
    """TensorRT, as far as this version uses it: plans can be built, but nothing runs them yet."""
    fault = found.fault or f"this version runs no plans of TensorRT {found.version}"
    return _faulty("tensorrt", fault)


def _faulty(engine: str, fault: str) -> EngineFigures:
    return EngineFigures(engine=engine, fault=fault[:FAULT_LENGTH_MAX])


def _timed(
    bundle: Bundle, running: Mapping[Precision, Predictor]
) -> dict[Precision, dict[str, float]]:
    """Median microseconds for one spectrum, paced and tight, all engines in turn."""
    spectra = bundle.array(bundle.manifest.golden.reflectance)
    times: dict[Precision, dict[str, list[float]]] = {
        p: {"paced": [], "tight": []} for p in running
    }
    for way, calls, pause_s in (("tight", TIGHT_CALLS, 0.0), ("paced", PACED_CALLS, PACE_S)):
        for call in range(-WARM_CALLS, calls):
            for precision, predictor in running.items():
                if pause_s and call >= 0:
                    time.sleep(pause_s / len(running))
                took_us = _call_us(predictor, spectra[call % len(spectra)][np.newaxis])
                if call >= 0:
                    times[precision][way].append(took_us)
    return {
        precision: {way: round(float(np.median(own)), 1) for way, own in ways.items()}
        for precision, ways in times.items()
    }


def _call_us(predictor: Predictor, reflectance: NDArray[np.float32]) -> float:
    begun = time.perf_counter_ns()
    predictor.predict(reflectance)
    return (time.perf_counter_ns() - begun) / 1e3
