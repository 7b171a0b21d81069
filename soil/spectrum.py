"""A spectrum: float32 values on an axis, of a kind that is declared and never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from soil.axis import Axis
from soil.errors import SpectrumError

SpectrumKind = Literal["counts", "reflectance", "absorbance"]

REFLECTANCE_MAX = 1.2
"""Largest reflectance fraction taken for a measurement (library practice for NIR soil scans)."""

PERCENT_MEDIAN_MIN = 1.5
"""A median above this can't be a reflectance fraction; one below it can't be soil in per cent."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Finite float32 values ``[bands]`` of one kind on one axis; reflectance is a fraction."""

    axis: Axis
    values: NDArray[np.float32]
    kind: SpectrumKind

    def __init__(self, axis: Axis, values: ArrayLike, kind: str) -> None:
        """Raise `SpectrumError` on a wrong length, a value that is not finite, or an unknown kind."""
        if kind not in get_args(SpectrumKind):
            raise SpectrumError(
                f"spectrum kind {kind!r} is not known",
                f"use one of {', '.join(get_args(SpectrumKind))}",
            )
        array = np.array(values, dtype=np.float32)
        array.setflags(write=False)
        if array.shape != (len(axis),):
            raise SpectrumError(f"{array.shape} values do not fit an axis of {len(axis)} bands")
        bad = np.flatnonzero(~np.isfinite(array))
        if bad.size:
            raise SpectrumError(
                f"{bad.size} of {array.size} values are not numbers, "
                f"first at {axis.values[bad[0]]:g} {axis.unit}",
                "scan again, or leave the spectrum out",
            )
        object.__setattr__(self, "axis", axis)
        object.__setattr__(self, "values", array)
        object.__setattr__(self, "kind", kind)

    def resampled(self, onto: Axis) -> Spectrum:
        """The same spectrum on the bands of ``onto``; raises `AxisError` where it is not covered."""
        return Spectrum(onto, self.axis.resample(self.values, onto), self.kind)

    def as_reflectance(self) -> Spectrum:
        """Absorbance as reflectance, 10 ** -A; reflectance unchanged.

        Raises `SpectrumError` for counts, which need a white and a dark reference first.
        """
        if self.kind == "reflectance":
            return self
        if self.kind == "absorbance":
            with np.errstate(over="ignore"):  # what is infinite then is refused
                fraction = 10.0 ** -self.values.astype(np.float64)
            return Spectrum(self.axis, fraction, "reflectance")
        raise SpectrumError("counts are no reflectance", "measure a white and a dark reference")


def fraction_from_percent(percent: ArrayLike) -> NDArray[np.float32]:
    """Reflectance in per cent as a float32 fraction; raises `SpectrumError` on what is no per cent."""
    array = np.asarray(percent, dtype=np.float64)
    middle = float(np.median(array)) if array.size else 0.0
    if middle < PERCENT_MEDIAN_MIN:
        raise SpectrumError(
            f"reflectance said to be in per cent has a median of {middle:.3g}: "
            "it looks like a fraction",
            "declare it as a fraction",
        )
    return (array / 100.0).astype(np.float32)


def verified_fraction(fraction: ArrayLike) -> NDArray[np.float32]:
    """Reflectance as a float32 fraction; raises `SpectrumError` on what looks like per cent."""
    array = np.asarray(fraction, dtype=np.float64)
    middle = float(np.median(array)) if array.size else 0.0
    if middle > PERCENT_MEDIAN_MIN:
        raise SpectrumError(
            f"reflectance said to be a fraction has a median of {middle:.3g}: "
            "it looks like per cent",
            "declare it as per cent",
        )
    return array.astype(np.float32)
