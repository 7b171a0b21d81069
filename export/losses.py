"""What fewer bits cost: on soils that the model has not seen, against the same model in float32."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calibration.domain import DomainModel
from calibration.intervals import IntervalModel
from contract.manifest import Intervals
from soil.coherence import coherent
from soil.metrics import metrics
from soil.properties import NAMES

Outputs = Mapping[str, NDArray[np.float32]]

CHANGE_MAX: Final = 0.25
"""Most that a reading may change, in half widths of its interval. Ours: what the interval still covers."""

_DIGITS: Final = 4
"""Decimals of a figure that are kept: the rest is another processor's rounding."""


@dataclass(frozen=True)
class Loss:
    """``ccc`` that each property loses, its worst ``change`` in half widths, ``verdicts`` that differ.

    ``verdicts`` is the share of spectra that the domain check judges otherwise.
    """

    ccc: dict[str, float]
    change: dict[str, float]
    verdicts: float

    def beyond(self, budget: float) -> str | None:
        """What exceeds ``budget`` most, in words; None where all is within it."""
        worst = max(self.ccc, key=lambda name: self.ccc[name])
        if not self.ccc[worst] <= budget:
            return f"{worst} loses {self.ccc[worst]:.4f} of its CCC"
        changed = max(self.change, key=lambda name: self.change[name])
        if not self.change[changed] <= CHANGE_MAX:
            return f"{changed} changes by {self.change[changed]:.2f} half widths of its interval"
        if not self.verdicts <= budget:
            return f"{self.verdicts:.2%} of the spectra get another verdict of the domain check"
        return None


class Judge:
    """Holds soils ``[n]`` and what the model in float32 says of them against another form of it."""

    def __init__(
        self,
        exact: Outputs,
        observed: NDArray[np.float32],
        intervals: Intervals,
        domain: DomainModel,
    ) -> None:
        """``exact`` are outputs in float32 of the soils whose properties are ``observed`` ``[n, 9]``."""
        self._observed = observed.astype(np.float64)
        self._intervals = IntervalModel.of(intervals)
        self._domain = domain
        self._said = coherent(exact["properties"])
        self._ccc = self._ccc_of(self._said)
        self._verdicts = self._verdicts_of(exact)

    def loss(self, outputs: Outputs) -> Loss:
        """What ``outputs``, of the same soils, lose."""
        said = coherent(outputs["properties"])
        change = self._intervals.apart(said, self._said)
        differ = self._verdicts_of(outputs) != self._verdicts
        return Loss(
            _by_property(self._ccc - self._ccc_of(said)),
            _by_property(change.max(axis=0)),
            round(float(differ.mean()), _DIGITS),
        )

    def _ccc_of(self, said: NDArray[np.float64]) -> NDArray[np.float64]:
        pairs = zip(self._observed.T, said.T, strict=True)
        return np.array([metrics(observed, own).ccc for observed, own in pairs])

    def _verdicts_of(self, outputs: Outputs) -> NDArray[np.int64]:
        q, gh = self._domain.q, self._domain.gh
        distances = (q, q.residual(outputs["preprocessed"])), (gh, gh.distance(outputs["latent"]))
        severity = [
            # A distance that is no number is beyond both limits, as the device has it.
            (~(distance <= limits.caution)).astype(int) + ~(distance <= limits.reject)
            for limits, distance in distances
        ]
        worst: NDArray[np.int64] = np.maximum(*severity)
        return worst


def _by_property(figures: NDArray[np.float64]) -> dict[str, float]:
    """What is no number has lost everything."""
    # Adding nothing turns a rounded -0.0 into 0.
    rounded = np.round(np.nan_to_num(figures, nan=np.inf, posinf=np.inf), _DIGITS) + 0.0
    return dict(zip(NAMES, rounded.tolist(), strict=True))


def spectrum_loss(exact: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    """How far converted spectra ``[n, bands]`` are from one to one with those in float32: 1 - CCC."""
    if not np.isfinite(found).all():
        return float("inf")
    ccc = metrics(exact.ravel().astype(np.float64), found.ravel().astype(np.float64)).ccc
    return round(1.0 - ccc, _DIGITS)
