"""A bundle's graphs at work: reflectance in, the nine properties out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.intervals import IntervalModel
from contract.bundle import Bundle
from contract.manifest import Precision
from edge.engines.runtime import Graph, OnnxRuntime, Runtime
from edge.errors import EngineError
from soil.coherence import coherent


@dataclass(frozen=True)
class Estimate:
    """What the pipeline says of ``n`` spectra, before coherence."""

    properties: NDArray[np.float32]
    latent: NDArray[np.float32]
    preprocessed: NDArray[np.float32]


class Predictor:
    """A pipeline and its decoder, on one runtime."""

    def __init__(
        self, bundle: Bundle, precision: Precision = "fp32", runtime: Runtime | None = None
    ) -> None:
        """Load the pipeline of ``bundle`` in ``precision``, and the decoder where it holds it so.

        ``runtime`` is ONNX Runtime unless said. Raises `EngineError` if the bundle has no such
        pipeline, or the graphs don't run here.
        """
        runtime = runtime or OnnxRuntime()
        graphs = bundle.manifest.graphs
        if precision not in graphs.pipeline:
            raise EngineError(
                f"{bundle.manifest.name} {bundle.manifest.version} has no pipeline in {precision}",
                "use fp32, or export it with --precision",
            )
        self._bands = len(bundle.axis)
        self._precision = precision
        pipeline, self._decoder_member = graphs.members(precision)
        self._pipeline = runtime.load(bundle, pipeline)
        self._bundle = bundle
        self._runtime = runtime
        self._decoder: Graph | None = None
        self.engine = f"{runtime.name}/{precision}"

    def predict(self, reflectance: NDArray[np.float32]) -> Estimate:
        """Estimate from reflectance fractions ``[n, bands]`` float32 on the model axis."""
        if reflectance.ndim != 2 or reflectance.shape[1] != self._bands:
            raise EngineError(
                f"spectra of shape {reflectance.shape} do not fit a model of {self._bands} bands",
                "resample them onto the model's axis",
            )
        return Estimate(*self._pipeline.run(_OUTPUTS, {"reflectance": reflectance}))

    def convert(self, latent: NDArray[np.float32]) -> NDArray[np.float32]:
        """MIR absorbance ``[n, m]`` that the frozen decoder makes of latents ``[n, k]``.

        At the mean level and spread of the library: a scan's own can't be told from NIR.
        """
        if self._decoder is None:
            self._decoder = self._runtime.load(self._bundle, self._decoder_member)
        (mir,) = self._decoder.run(["mir"], {"latent": latent})
        converted: NDArray[np.float32] = mir
        return converted

    def check_golden(self) -> float:
        """Reproduce the bundle's golden spectra; the worst error over its tolerance.

        In fewer bits than fp32: the golden soils alone, values by how far their intervals' half widths
        let them. Raises `EngineError`, naming the output, where the error is above one.
        """
        golden = self._bundle.manifest.golden
        narrowing = self._bundle.manifest.precisions.get(self._precision)  # type: ignore[arg-type]
        rows = slice(golden.soils if narrowing else None)
        reflectance, *wanted = (
            self._golden(name)[rows] for name in ("reflectance", *_GOLDEN_OUTPUTS)
        )
        found = self._golden_outputs(reflectance, wanted[_GOLDEN_OUTPUTS.index("latent")])
        worst = 0.0
        for name, expected, own in zip(_GOLDEN_OUTPUTS, wanted, found, strict=True):
            if own.shape != expected.shape:
                raise EngineError(
                    f"golden {name} has shape {expected.shape}, the engine gives {own.shape}"
                )
            if narrowing and name == "properties":
                error = self._apart(own, expected)
            else:
                allowed = golden.absolute_tolerance + golden.relative_tolerance * np.abs(expected)
                room = narrowing.golden_factor.get(name, 1.0) if narrowing else 1.0
                error = float(np.max(np.abs(own - expected) / (room * allowed)))
            if not error <= 1:
                raise EngineError(
                    f"{self.engine} does not reproduce the golden {name}: "
                    f"{error:.3g} times the tolerance",
                    "keep the bundle that was in use, and report this one",
                )
            worst = max(worst, error)
        return worst

    def _golden(self, name: str) -> NDArray[np.float32]:
        array = self._bundle.array(getattr(self._bundle.manifest.golden, name))
        if array.ndim != 2 or not len(array):
            raise EngineError(
                f"the bundle's golden {name} has shape {array.shape}", "install another bundle"
            )
        return array

    def _golden_outputs(
        self, reflectance: NDArray[np.float32], latent: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], ...]:
        try:
            estimate = self.predict(reflectance)
            return estimate.properties, estimate.latent, self.convert(latent)
        except EngineError:
            raise
        # ONNX Runtime raises classes of its own that share no base but Exception.
        except Exception as error:
            raise EngineError(
                f"{self.engine} does not run: {error}", "install another bundle"
            ) from error

    def _apart(self, properties: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
        """The largest change of a value over what the budget allowed, both in half widths."""
        manifest = self._bundle.manifest
        if manifest.budget is None:
            raise EngineError("the bundle does not say what fewer bits may cost", "use fp32")
        intervals = IntervalModel.of(manifest.intervals)
        apart = intervals.apart(coherent(properties), coherent(expected))
        return float(np.max(apart)) / manifest.budget.change


_OUTPUTS = ["properties", "latent", "preprocessed"]
_GOLDEN_OUTPUTS = ("properties", "latent", "mir")
