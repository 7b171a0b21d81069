"""From the scans of a sample to numbers with a verdict: pure, no I/O, no threads, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import NormalDist
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from calibration import quality, replicates
from calibration.domain import DomainModel
from calibration.intervals import IntervalModel
from calibration.reference import ReferencePair
from contract.bundle import Bundle
from contract.reasons import Reason, Verdict, worst
from contract.records import ReasonGiven
from edge.predictor import Estimate
from soil.axis import Axis
from soil.coherence import coherent
from soil.errors import AxisError
from soil.properties import INDEX
from soil.texture import texture_class, texture_probabilities

_CLAY, _SILT, _SAND = INDEX["clay"], INDEX["silt"], INDEX["sand"]


class Measurement(Protocol):
    """What of a scan matters here: values ``[bands]`` of a kind on an axis."""

    @property
    def axis(self) -> Axis: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def values(self) -> NDArray[np.float32]: ...  # noqa: D102
    @property
    def full_scale(self) -> float: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class Reflectance:
    """A measurement that needs no reference, such as a row of a file."""

    axis: Axis
    values: NDArray[np.float32]
    kind: str = "reflectance"
    full_scale: float = 0.0


class Engine(Protocol):
    """Whatever turns reflectance on the model axis into an estimate; ``engine`` is its name."""

    @property
    def engine(self) -> str: ...  # noqa: D102
    def predict(self, reflectance: NDArray[np.float32]) -> Estimate: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class References:
    """White and dark scans of an instrument that delivers counts, and the axis they lie on."""

    axis: Axis
    pair: ReferencePair

    @classmethod
    def of(cls, white: Measurement, dark: Measurement) -> References | None:
        """The two as one; None where they lie on different axes."""
        if white.axis != dark.axis:
            return None
        return cls(white.axis, ReferencePair(white.values, dark.values, white.full_scale))


@dataclass(frozen=True)
class Prediction:
    """Nine coherent values with their intervals, the raw estimates, and the latent behind them."""

    value: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    raw: NDArray[np.float64]
    latent: NDArray[np.float32]
    level: float

    @property
    def texture(self) -> str:
        """USDA class of the values."""
        return texture_class(self.value[_CLAY], self.value[_SILT], self.value[_SAND])


@dataclass(frozen=True)
class Assessment:
    """What a sample's scans amount to. ``prediction`` is None where nothing could be computed."""

    prediction: Prediction | None
    texture_probabilities: dict[str, float]
    verdict: Verdict
    reasons: tuple[ReasonGiven, ...]
    q: float | None = None
    gh: float | None = None
    replicate_rms: float | None = None
    snr: float | None = None


FAILED = Assessment(None, {}, "reject", (ReasonGiven.of(Reason.MODEL_FAILED),))
"""What is said of scans that could not be judged."""

CRASHED = Assessment(None, {}, "reject", (ReasonGiven.of(Reason.MODEL_CRASHED),))
"""What is said of scans that are judged no more."""


class Assessor:
    """A bundle's knowledge applied to scans."""

    def __init__(self, bundle: Bundle, engine: Engine, reference_max_age_s: float = np.inf) -> None:
        self._axis = bundle.axis
        self._engine = engine
        self._domain = DomainModel.of(bundle)
        self._intervals = IntervalModel.of(bundle.manifest.intervals)
        z = NormalDist().inv_cdf(0.5 + self._intervals.level / 2)
        self._clay_sd = float(self._intervals.half_width[_CLAY]) / z
        self._sand_sd = float(self._intervals.half_width[_SAND]) / z
        self._reference_max_age_s = reference_max_age_s

    def assess(
        self,
        scans: Sequence[Measurement],
        references: References | None = None,
        reference_age_s: float = 0.0,
        wanted: int = 1,
    ) -> Assessment:
        """Judge and predict one sample from its replicates, of which ``wanted`` were asked for.

        Replicates at fault are left out while others remain. Where all are, the verdict is reject;
        numbers are still computed from those that can be, for whoever asks for rejected numbers.
        """
        sound: list[NDArray[np.float64]] = []
        doubtful: list[NDArray[np.float64]] = []
        faults: dict[Reason, str] = {}
        for scan in scans:
            fraction, fault, detail = self._on_model_axis(scan, references)
            if fault is not None:
                faults.setdefault(fault, detail)
            if fraction is not None:
                (doubtful if fault else sound).append(fraction)
        reasons: dict[Reason, str] = {}
        if not sound:
            reasons |= faults
        if len(sound) < wanted and sound:
            causes = "".join(f": {fault.text}" for fault in faults)
            reasons[Reason.SCAN_REPLICATES_MISSING] = f"{len(sound)} of {wanted} usable{causes}"
        if references and reference_age_s > self._reference_max_age_s:
            limit = f"limit {self._reference_max_age_s / 60:.0f} min"
            known = isfinite(reference_age_s)
            age = f"{reference_age_s / 60:.0f} min" if known else "of unknown age"
            reasons[Reason.REFERENCE_EXPIRED] = f"{age}, {limit}"
        return self._predicted(np.array(sound or doubtful), reasons)

    def _predicted(self, fractions: NDArray[np.float64], reasons: dict[Reason, str]) -> Assessment:
        if not len(fractions):
            return Assessment(None, {}, *_verdict(reasons))
        spread = replicates.replicate_rms(fractions)
        if spread is not None and spread > replicates.SPREAD_RMS_MAX:
            limit = replicates.SPREAD_RMS_MAX
            reasons[Reason.SCAN_REPLICATE_SPREAD] = f"RMS {spread:.3g}, limit {limit:g}"
        mean = replicates.replicate_mean(fractions)
        estimate = self._engine.predict(mean[np.newaxis].astype(np.float32))
        if not isfinite(estimate.properties.sum()):
            reasons[Reason.MODEL_NOT_FINITE] = ""
            return Assessment(None, {}, *_verdict(reasons), replicate_rms=spread)
        q = float(self._domain.q.residual(estimate.preprocessed)[0])
        gh = float(self._domain.gh.distance(estimate.latent)[0])
        foreign: list[Verdict] = []
        for name, reason, model, distance in (
            ("Q", Reason.DOMAIN_Q_RESIDUAL, self._domain.q, q),
            ("GH", Reason.DOMAIN_GH, self._domain.gh, gh),
        ):
            found = model.verdict(distance)
            if found != "ok":
                limit = model.reject if found == "reject" else model.caution
                reasons[reason] = f"{name} {distance:.3g}, limit {limit:.3g}"
                foreign.append(found)
        values = coherent(estimate.properties)
        lower, upper = self._intervals.bounds(values)
        prediction = Prediction(
            value=values[0],
            lower=lower[0],
            upper=upper[0],
            raw=estimate.properties[0].astype(np.float64),
            latent=estimate.latent[0],
            level=self._intervals.level,
        )
        verdict, given = _verdict(reasons)
        return Assessment(
            prediction=prediction,
            texture_probabilities=texture_probabilities(
                float(values[0, _CLAY]), float(values[0, _SAND]), self._clay_sd, self._sand_sd
            ),
            verdict=worst([verdict, *foreign]),
            reasons=given,
            q=q,
            gh=gh,
            replicate_rms=spread,
            snr=quality.signal_to_noise(mean),
        )

    def _on_model_axis(
        self, scan: Measurement, references: References | None
    ) -> tuple[NDArray[np.float64] | None, Reason | None, str]:
        """Reflectance on the model axis (None: can't be had), its fault if any, and the figures."""
        fraction = np.asarray(scan.values, dtype=np.float64)
        fault: Reason | None = None
        if scan.kind == "counts":
            fault = next(iter(quality.count_faults(fraction, scan.full_scale)), None)
            if fault is Reason.SCAN_NOT_FINITE:
                return None, fault, ""
            if references is None or references.axis != scan.axis:
                return None, Reason.REFERENCE_MISSING, ""
            if references.pair.too_close:
                return None, Reason.REFERENCE_DARK, ""
            fraction = references.pair.reflectance(fraction)
        fault = fault or next(iter(quality.reflectance_faults(fraction)), None)
        if fault is Reason.SCAN_NOT_FINITE:
            return None, fault, ""
        detail = f"{fraction.min():.3g} to {fraction.max():.3g}" if fault else ""
        try:
            return scan.axis.resample(fraction, self._axis), fault, detail
        except AxisError as error:
            return None, Reason.AXIS_NOT_COVERED, error.what


def _verdict(reasons: dict[Reason, str]) -> tuple[Verdict, tuple[ReasonGiven, ...]]:
    given = tuple(ReasonGiven.of(reason, detail) for reason, detail in reasons.items())
    return worst([reason.verdict for reason in reasons]), given
