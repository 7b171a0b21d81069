"""A bundle's graphs on ONNX Runtime: reflectance in, the nine properties out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from contract.bundle import Bundle
from edge.errors import EngineError

Precision = Literal["fp32", "fp16", "int8"]


@dataclass(frozen=True)
class Estimate:
    """What the pipeline says of ``n`` spectra, before coherence."""

    properties: NDArray[np.float32]
    latent: NDArray[np.float32]
    preprocessed: NDArray[np.float32]


class Predictor:
    """One thread, no spinning: an idle scanner must not warm the device."""

    def __init__(self, bundle: Bundle, precision: Precision = "fp32") -> None:
        """Load the graphs of ``bundle`` in ``precision``, or the one of them that it holds so.

        Raises `EngineError` if it holds neither, or they don't run here.
        """
        graphs = bundle.manifest.graphs
        if precision not in graphs.pipeline and precision not in graphs.mir_decoder:
            raise EngineError(
                f"{bundle.manifest.name} {bundle.manifest.version} holds nothing in {precision}",
                "use fp32, or export it with --precision",
            )
        self._bands = len(bundle.axis)
        self._precision = precision
        self._pipeline = _session(bundle, graphs.pipeline.get(precision, graphs.pipeline["fp32"]))
        self._decoder_member = graphs.mir_decoder.get(precision, graphs.mir_decoder["fp32"])
        self._bundle = bundle
        self._decoder: ort.InferenceSession | None = None
        self.engine = f"onnxruntime/{precision}"

    def predict(self, reflectance: NDArray[np.float32]) -> Estimate:
        """Estimate from reflectance fractions ``[n, bands]`` float32 on the model axis."""
        if reflectance.ndim != 2 or reflectance.shape[1] != self._bands:
            raise EngineError(
                f"spectra of shape {reflectance.shape} do not fit a model of {self._bands} bands",
                "resample them onto the model's axis",
            )
        return Estimate(*self._pipeline.run(_OUTPUTS, {"reflectance": reflectance}))

    def convert(self, latent: NDArray[np.float32]) -> NDArray[np.float32]:
        """MIR absorbance ``[n, m]`` that the frozen decoder makes of latents ``[n, k]``."""
        if self._decoder is None:
            self._decoder = _session(self._bundle, self._decoder_member)
        (mir,) = self._decoder.run(["mir"], {"latent": latent})
        converted: NDArray[np.float32] = mir
        return converted

    def check_golden(self) -> float:
        """Reproduce the bundle's golden spectra; the worst error over its tolerance.

        Raises `EngineError`, naming the output, where that is above one.
        """
        golden = self._bundle.manifest.golden
        narrowing = self._bundle.manifest.precisions.get(self._precision)  # type: ignore[arg-type]
        factor = narrowing.golden_factor if narrowing else {}
        rows = slice(golden.soils if narrowing else None)
        wanted = {name: self._bundle.array(getattr(golden, name))[rows] for name in _GOLDEN_OUTPUTS}
        estimate = self.predict(self._bundle.array(golden.reflectance)[rows])
        found = {
            "properties": estimate.properties,
            "latent": estimate.latent,
            "mir": self.convert(wanted["latent"]),
        }
        worst = 0.0
        for name, expected in wanted.items():
            if found[name].shape != expected.shape:
                raise EngineError(
                    f"golden {name} has shape {expected.shape}, the engine gives {found[name].shape}"
                )
            allowed = golden.absolute_tolerance + golden.relative_tolerance * np.abs(expected)
            room = factor.get(name, 1.0)
            error = float(np.max(np.abs(found[name] - expected) / (room * allowed)))
            if not error <= 1:
                raise EngineError(
                    f"{self.engine} does not reproduce the golden {name}: "
                    f"{error:.3g} times the tolerance",
                    "keep the bundle that was in use, and report this one",
                )
            worst = max(worst, error)
        return worst


_OUTPUTS = ["properties", "latent", "preprocessed"]
_GOLDEN_OUTPUTS = ("properties", "latent", "mir")


def _session(bundle: Bundle, member: str) -> ort.InferenceSession:
    ort.disable_telemetry_events()
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(
            bundle.files[member], options, providers=["CPUExecutionProvider"]
        )
    # ONNX Runtime raises classes of its own that share no base but Exception.
    except Exception as error:
        raise EngineError(f"{member} does not load: {error}", "install another bundle") from error
