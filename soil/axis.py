"""The spectral axis: where each value of a spectrum lies, as its instrument declared it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from soil.errors import AxisError

AxisUnit = Literal["nm", "cm-1"]

NM_PER_CM = 1e7
"""Wavelength in nm times wavenumber in cm-1 (exact: 1 cm = 1e7 nm)."""

COVERAGE_TOLERANCE = 1e-12
"""Relative slack of an axis's ends: what a change of unit and back costs in rounding."""


@dataclass(frozen=True, eq=False)
class Axis:
    """Band positions, float64, strictly monotone in either direction, kept as declared.

    Two axes are equal when unit and values are, to the bit: bands are never matched by count,
    since near-identical grids of the same length exist.
    """

    unit: AxisUnit
    values: NDArray[np.float64]

    def __init__(self, unit: str, values: ArrayLike) -> None:
        """Take ``values`` of shape ``[bands]`` in ``unit``; raise `AxisError` if they are no axis."""
        if unit not in get_args(AxisUnit):
            raise AxisError(
                f"axis unit {unit!r} is not known", f"use one of {', '.join(get_args(AxisUnit))}"
            )
        array = np.array(values, dtype=np.float64)
        array.setflags(write=False)
        if array.ndim != 1 or array.size < 2:
            raise AxisError(
                f"an axis needs at least two bands in one dimension, got shape {array.shape}"
            )
        if not np.all(np.isfinite(array)) or np.any(array <= 0):
            raise AxisError("an axis holds a value that is not a positive number")
        steps = np.diff(array)
        if not (np.all(steps > 0) or np.all(steps < 0)):
            rising = np.sum(steps > 0) >= np.sum(steps < 0)
            at = int(np.argmin(steps > 0 if rising else steps < 0))
            raise AxisError(
                f"the axis is not strictly monotone: band {at + 2} ({array[at + 1]:g} {unit}) "
                f"does not continue from band {at + 1} ({array[at]:g} {unit})",
                "check the column order of the file, or the axis the scanner declares",
            )
        object.__setattr__(self, "unit", unit)
        object.__setattr__(self, "values", array)

    def __len__(self) -> int:
        return int(self.values.size)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Axis):
            return NotImplemented
        return self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @cached_property
    def _key(self) -> tuple[str, bytes]:
        # Every reading compares axes; bytes are compared at once and keep their hash.
        return self.unit, self.values.tobytes()

    def __str__(self) -> str:
        return f"{self.values[0]:.6g} to {self.values[-1]:.6g} {self.unit}, {len(self)} bands"

    @cached_property
    def span_nm(self) -> tuple[float, float]:
        """Shortest and longest wavelength in nm."""
        ends = self.values_in("nm")
        return float(ends.min()), float(ends.max())

    def values_in(self, unit: AxisUnit) -> NDArray[np.float64]:
        """Band positions in ``unit``, in this axis's own order."""
        return self.values if unit == self.unit else NM_PER_CM / self.values

    def missing_nm(self, wanted: Axis) -> list[tuple[float, float]]:
        """Ranges (shortest, longest, nm) of ``wanted`` that lie outside this axis; empty if covered."""
        low, high = self.span_nm
        wanted_low, wanted_high = wanted.span_nm
        missing = []
        if wanted_low < low * (1 - COVERAGE_TOLERANCE):
            missing.append((wanted_low, min(low, wanted_high)))
        if wanted_high > high * (1 + COVERAGE_TOLERANCE):
            missing.append((max(high, wanted_low), wanted_high))
        return missing

    def resample(self, values: ArrayLike, onto: Axis) -> NDArray[np.float64]:
        """Values ``[..., bands]`` on this axis, linearly interpolated onto the bands of ``onto``.

        Linear in this axis's own unit, by position and never by index. Raises `AxisError` with the
        missing range where ``onto`` is not covered: nothing is extrapolated.
        """
        array = np.asarray(values, dtype=np.float64)
        if array.shape[-1] != len(self):
            raise AxisError(f"{array.shape[-1]} values do not fit an axis of {len(self)} bands")
        between = _interpolation(self, onto)
        if between is None:
            return array
        left, right, weight = between
        resampled: NDArray[np.float64] = array.take(left, axis=-1)
        return resampled + weight * (array.take(right, axis=-1) - resampled)


@lru_cache(maxsize=16)
def _interpolation(
    axis: Axis, onto: Axis
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]] | None:
    """Bands of ``axis`` on either side of each band of ``onto``, and the weight of the second.

    None where the two are the same.
    """
    if onto == axis:
        return None
    missing = axis.missing_nm(onto)
    if missing:
        ranges = " and ".join(f"{low:.1f} to {high:.1f} nm" for low, high in missing)
        raise AxisError(
            f"the spectrum ({axis}) does not cover the model's axis: {ranges} is missing",
            "use a bundle trained for this scanner's axis",
        )
    targets = onto.values_in(axis.unit)
    last = len(axis) - 1
    rising = axis.values[0] < axis.values[-1]
    grid = axis.values if rising else axis.values[::-1]
    right = np.clip(np.searchsorted(grid, targets), 1, last)
    weight = (targets - grid[right - 1]) / (grid[right] - grid[right - 1])
    if rising:
        return right - 1, right, weight
    return last - right + 1, last - right, weight
