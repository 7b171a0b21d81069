"""Sets of synthetic soils, each with sites, soils and devices of its own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from soil.axis import Axis
from training.axes import MIR_AXIS, NIR_AXES, ScannerName
from training.soil_spectra import SoilSpectra
from training.synthetic.composition import Composition, draw_composition, draw_sites
from training.synthetic.end_members import MEMBER
from training.synthetic.instrument import MIR, NIR, InstrumentKind, draw_devices, measured
from training.synthetic.laboratory import properties, reported
from training.synthetic.optics import GRAIN_CLASSES, Optics

PACKING_SPREAD = 0.08
"""Scan-to-scan spread of scattering (standard deviation of its logarithm). Ours."""

REFLECTANCE_MIN = 1e-4
"""Floor before the logarithm: the model's own."""

BLOCK = 64
"""Soils that are scanned at once, few enough for a processor's cache."""

SOILS_OF_A_SET = 1_000_000_000
"""Numbers of soils begin anew in each set, so far apart."""

SOILS_PER_SITE = 12
SITES_MIN = 8
"""Ours."""


class SoilSet(IntEnum):
    """The sets, each with a stream of random numbers of its own."""

    MIR_LIBRARY = 1
    PAIRS = 2
    DOMAIN = 3
    INTERVALS = 4
    TEST = 5
    DEMONSTRATION = 6
    WET = 7
    EVALUATION = 8


@dataclass(frozen=True)
class Scans:
    """How the soils of a set are scanned: by how many devices in all, and how often each soil."""

    devices: int
    per_soil: int


def draw_soils(
    seed: int,
    which: SoilSet,
    n: int,
    nir: Scans | None = None,
    mir: Scans | None = None,
    missing_share: float = 0.0,
    scanner: ScannerName = "neospectra",
    nir_axis: Axis | None = None,
    added_water: float = 0.0,
) -> SoilSpectra:
    """``n`` soils of the set ``which``; the same arguments give the same soils, to the bit.

    ``nir_axis`` is what the scans of ``scanner`` are given on: what a model for it takes, unless said.
    ``added_water``, in g per g of dry soil, comes on top of what an air-dry soil holds.
    """
    rng = np.random.default_rng([seed, which])
    soils = draw_composition(rng, draw_sites(rng, max(SITES_MIN, n // SOILS_PER_SITE)), n)
    soils.mass[:, MEMBER["liquid water"], GRAIN_CLASSES.index("clay")] += added_water
    labels = reported(rng, properties(rng, soils), missing_share)
    axes = NIR_AXES[scanner]
    onto = axes.taken if nir_axis is None else nir_axis
    nir_scans, nir_device = _scan(rng, soils, nir, NIR[scanner], axes.delivered, onto)
    mir_scans, _ = _scan(rng, soils, mir, MIR, MIR_AXIS, MIR_AXIS)
    if mir is not None:
        np.maximum(mir_scans, REFLECTANCE_MIN, out=mir_scans)
        np.negative(np.log10(mir_scans, out=mir_scans), out=mir_scans)
    number = which * SOILS_OF_A_SET + np.arange(n)
    site = which * SOILS_OF_A_SET + soils.site
    return SoilSpectra(number, labels, site, nir_scans, nir_device, mir_scans)


def _scan(
    rng: np.random.Generator,
    soils: Composition,
    scans: Scans | None,
    kind: InstrumentKind,
    instrument_axis: Axis,
    onto: Axis,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Reflectance fractions ``[n, scans, bands]`` and the device ``[n, scans]``, drawn for each scan."""
    if scans is None:
        return (
            np.empty((len(soils), 0, len(onto)), dtype=np.float32),
            np.empty((len(soils), 0), dtype=np.int64),
        )
    devices = draw_devices(rng, kind, scans.devices)
    wavenumber = instrument_axis.values_in("cm-1")
    optics = Optics.of(wavenumber, kind.milled)
    out = np.empty((len(soils), scans.per_soil, len(onto)), dtype=np.float32)
    on = np.empty((len(soils), scans.per_soil), dtype=np.int64)
    for scan in range(scans.per_soil):
        used = on[:, scan] = rng.integers(scans.devices, size=len(soils))
        packing = np.exp(PACKING_SPREAD * rng.standard_normal(len(soils)))
        for i, device in enumerate(devices):
            rows = np.flatnonzero(used == i)
            for block in np.array_split(rows, 1 + len(rows) // BLOCK):
                light = optics.reflectance(soils.mass[block], packing[block], soils.exponent[block])
                seen = measured(rng, device, light, wavenumber)
                out[block, scan] = instrument_axis.resample(seen, onto)
    return out, on
