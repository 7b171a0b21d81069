"""What an instrument makes of a reflectance: resolution, wavelength shift, gain, slope, offset, noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.axes import ScannerName


@dataclass(frozen=True)
class InstrumentKind:
    """Device-to-device spread (one standard deviation) of a model of instrument. All figures ours.

    ``resolution_bands`` is the mean standard deviation of the line shape and ``shift_bands`` the
    axis error, both in bands; ``gain``, ``slope`` (from one end of the range to the middle) and
    ``offset`` are fractions of full scale; ``noise`` bounds the noise of one averaged scan in the
    middle of the range, which rises fourfold to its ends. ``fringe`` bounds the amplitude of the
    interference that plane-parallel windows leave, a fraction of what is seen, and
    ``fringe_bands`` its period.
    ``presentation`` is the scan-to-scan spread of slope and curvature that an uneven surface and a
    hand leave: fractions of what is seen, at the ends of the range. ``panel`` bounds the share of
    `PANEL_BANDS` that a device forgets of its white panel. ``gas`` is the absorbance of carbon
    dioxide by which the air of a scan may differ from that of its reference. ``height`` is the
    scan-to-scan spread of the level (standard deviation of its logarithm) that distance and filling
    leave, and ``milled`` says whether the soil is ground for it.
    """

    resolution_bands: float
    shift_bands: float
    gain: float
    slope: float
    offset: float
    noise: tuple[float, float]
    presentation: tuple[float, float]
    height: float
    milled: bool
    fringe: tuple[float, float] = (0.0, 0.0)
    fringe_bands: tuple[float, float] = (5.0, 9.0)
    panel: tuple[float, float] = (0.0, 0.0)
    gas: float = 0.0


PANEL_BANDS: Final = ((4695.0, 60.0, 0.025), (4065.0, 70.0, 0.03))
"""What sintered PTFE absorbs: centre and width in cm-1, fraction. Near 2.13 and 2.46 um; ours."""

GAS_BANDS_CM1: Final = ((2361.0, 8.0), (2338.0, 8.0))
"""Branches of carbon dioxide at 2,349 cm-1, centre and width (positions: HITRAN)."""

NEOSPECTRA: Final = InstrumentKind(
    resolution_bands=2.0,
    shift_bands=0.06,
    gain=0.02,
    slope=0.03,
    offset=0.003,
    noise=(1.5e-4, 6e-4),
    presentation=(0.03, 0.02),
    height=0.04,
    milled=False,
    fringe=(0.0, 1.5e-3),
    panel=(0.0, 1.0),
)
"""A MEMS handheld on `training.axes.NIR_INSTRUMENT_AXIS`: 16 nm at 1550 nm is about 2 bands. The ten
NeoSpectra spectra of OSSL's sample show fringes of 2e-4 to 1e-3 with a period of 8 bands."""

NIRSCAN_NANO: Final = InstrumentKind(
    resolution_bands=1.2,
    shift_bands=0.2,
    gain=0.02,
    slope=0.03,
    offset=0.003,
    noise=(2e-4, 8e-4),
    presentation=(0.03, 0.02),
    height=0.04,
    milled=False,
    panel=(0.0, 1.0),
)
"""A grating with a mirror array, lines of 10 nm on points 3.5 nm apart. No spectrum of one was at hand."""

NIRONE: Final = InstrumentKind(
    resolution_bands=1.8,
    shift_bands=0.15,
    gain=0.02,
    slope=0.03,
    offset=0.003,
    noise=(2e-4, 8e-4),
    presentation=(0.03, 0.02),
    height=0.04,
    milled=False,
    panel=(0.0, 1.0),
)
"""A tunable Fabry-Perot filter, lines of about 20 nm on points 5 nm apart. No spectrum was at hand."""

NIR: Final[dict[ScannerName, InstrumentKind]] = {
    "neospectra": NEOSPECTRA,
    "nirscan-nano": NIRSCAN_NANO,
    "nirone": NIRONE,
    "nirone-s22": NIRONE,
    "nirone-s20": NIRONE,
}
"""Kinds by scanner."""

MIR: Final = InstrumentKind(
    resolution_bands=1.0,
    shift_bands=0.05,
    gain=0.02,
    slope=0.02,
    offset=5e-4,
    noise=(3e-5, 1e-4),
    presentation=(0.005, 0.005),
    height=0.15,
    milled=True,
    gas=0.03,
)
"""A laboratory spectrometer on `training.axes.MIR_AXIS`, 4 cm-1 resolution."""


@dataclass(frozen=True)
class Device:
    """One instrument; the fields of `InstrumentKind` as drawn."""

    resolution_bands: float
    shift_bands: float
    gain: float
    slope: float
    offset: float
    noise: float
    presentation: tuple[float, float]
    fringe: float
    fringe_bands: float
    fringe_phase: float
    panel: float = 0.0
    gas: float = 0.0
    height: float = 0.0


def draw_devices(rng: np.random.Generator, kind: InstrumentKind, n: int) -> list[Device]:
    """``n`` devices of a kind."""
    return [
        Device(
            resolution_bands=kind.resolution_bands * float(np.exp(0.06 * rng.standard_normal())),
            shift_bands=kind.shift_bands * float(rng.standard_normal()),
            gain=1 + kind.gain * float(rng.standard_normal()),
            slope=kind.slope * float(rng.standard_normal()),
            offset=kind.offset * float(abs(rng.standard_normal())),
            noise=float(rng.uniform(*kind.noise)),
            presentation=kind.presentation,
            fringe=float(rng.uniform(*kind.fringe)),
            fringe_bands=float(rng.uniform(*kind.fringe_bands)),
            fringe_phase=float(rng.uniform(0, 2 * np.pi)),
            panel=float(rng.uniform(*kind.panel)),
            gas=kind.gas,
            height=kind.height,
        )
        for _ in range(n)
    ]


def line_shape(resolution_bands: float, shift_bands: float) -> NDArray[np.float64]:
    """Weights of the bands about one band: a Gaussian off centre by the shift, odd in number."""
    reach = int(np.ceil(4 * resolution_bands)) + 1
    at = np.arange(-reach, reach + 1) - shift_bands
    weights = np.exp(-0.5 * (at / resolution_bands) ** 2)
    shape: NDArray[np.float64] = weights / weights.sum()
    return shape


def measured(
    rng: np.random.Generator,
    device: Device,
    reflectance: NDArray[np.float64],
    wavenumber_cm1: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Reflectance fractions ``[n, bands]`` as ``device`` reports them, one averaged scan each.

    ``wavenumber_cm1`` ``[bands]`` says where they lie.
    """
    weights = line_shape(device.resolution_bands, device.shift_bands)
    bands = reflectance.shape[1]
    reach = weights.size // 2
    padded = np.pad(reflectance, ((0, 0), (reach, reach)), mode="edge")
    seen = np.zeros_like(reflectance)
    for i, weight in enumerate(weights):
        seen += weight * padded[:, i : i + bands]
    place = np.linspace(-1, 1, bands)
    ripple = np.cos(2 * np.pi * np.arange(bands) / device.fringe_bands + device.fringe_phase)
    tilt = device.presentation[0] * rng.standard_normal((len(seen), 1))
    curve = device.presentation[1] * rng.standard_normal((len(seen), 1))
    factor = device.gain + (device.slope + tilt) * place + curve * place**2 + device.fringe * ripple
    factor = factor / (1 - device.panel * _panel(wavenumber_cm1))
    factor = factor * np.exp(device.height * rng.standard_normal((len(seen), 1)))
    if device.gas:
        # Cubed: most scans are purged well, a few are not.
        excess = device.gas * rng.standard_normal((len(seen), 1)) ** 3 / 3
        factor = factor * 10 ** (-excess * _gas(wavenumber_cm1))
    noise = device.noise * (1 + 3 * place**4) * rng.standard_normal(seen.shape)
    reported: NDArray[np.float64] = seen * factor + device.offset + noise
    return reported


def _panel(at: NDArray[np.float64]) -> NDArray[np.float64]:
    return sum((depth * _bell(at, *band) for *band, depth in PANEL_BANDS), np.zeros(at.shape))


def _gas(at: NDArray[np.float64]) -> NDArray[np.float64]:
    return sum((_bell(at, *band) for band in GAS_BANDS_CM1), np.zeros(at.shape))


def _bell(at: NDArray[np.float64], centre: float, width: float) -> NDArray[np.float64]:
    shape: NDArray[np.float64] = np.exp(-0.5 * ((at - centre) / width) ** 2)
    return shape
