"""The axes of models: the NIR bands of each kind of scanner, and the MIR bands they convert to."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, get_args

import numpy as np

from soil.axis import NM_PER_CM, Axis

ScannerName = Literal["neospectra", "nirscan-nano", "nirone", "nirone-s22", "nirone-s20"]
SCANNERS: Final[tuple[ScannerName, ...]] = get_args(ScannerName)
"""Scanners that a model can be trained for; ``nirone`` is the NIRONE Sensor S2.5."""


class ScannerAxes(NamedTuple):
    """A scanner by its maker's name, the bands it delivers, and those that a model for it takes.

    What is taken lies inside what is delivered, so that no unit's own calibration of its axis makes a
    scan fall short.
    """

    title: str
    delivered: Axis
    taken: Axis


def _stepwise(shortest_nm: float, longest_nm: float) -> Axis:
    return Axis("nm", np.arange(shortest_nm, longest_nm + 1.0, 5.0))


NIR_INSTRUMENT_AXIS: Final = Axis(
    "nm", NM_PER_CM / np.linspace(NM_PER_CM / 2550, NM_PER_CM / 1350, 257)
)
"""A NeoSpectra's 257 bands: uniform in wavenumber, descending from 2550 to 1350 nm."""

NIR_AXIS: Final = Axis("nm", np.arange(2545.0, 1354.0, -5.0))
"""What the model takes: 2545 to 1355 nm in steps of 5 nm, 239 bands. Ours: it lies inside both
257-point grids that exist, so that neither is extrapolated."""

NIR_AXES: Final[dict[ScannerName, ScannerAxes]] = {
    "neospectra": ScannerAxes("NeoSpectra", NIR_INSTRUMENT_AXIS, NIR_AXIS),
    "nirscan-nano": ScannerAxes(
        "NIRscan Nano", Axis("nm", np.linspace(900.0, 1700.0, 228)), _stepwise(910.0, 1690.0)
    ),
    "nirone": ScannerAxes("NIRONE S2.5", _stepwise(2000.0, 2450.0), _stepwise(2005.0, 2445.0)),
    "nirone-s22": ScannerAxes("NIRONE S2.2", _stepwise(1750.0, 2150.0), _stepwise(1755.0, 2145.0)),
    "nirone-s20": ScannerAxes("NIRONE S2.0", _stepwise(1550.0, 1950.0), _stepwise(1555.0, 1945.0)),
}
"""Ranges as their makers state them: Texas Instruments' NIRscan Nano 900 to 1700 nm in 228 points,
Spectral Engines' sensors a part of 1100 to 2500 nm each, in points that the host sets (5 nm: ours)."""

MIR_AXIS: Final = Axis("cm-1", np.arange(600.0, 4001.0, 2.0))
"""600 to 4000 cm-1 in steps of 2, 1,701 bands, as the Open Soil Spectral Library exports them."""
