"""The three axes of the reference model: its NIR instrument, its NIR bands and its MIR bands."""

from __future__ import annotations

from typing import Final

import numpy as np

from soil.axis import NM_PER_CM, Axis

NIR_INSTRUMENT_AXIS: Final = Axis(
    "nm", NM_PER_CM / np.linspace(NM_PER_CM / 2550, NM_PER_CM / 1350, 257)
)
"""A NeoSpectra's 257 bands: uniform in wavenumber, descending from 2550 to 1350 nm."""

NIR_AXIS: Final = Axis("nm", np.arange(2545.0, 1354.0, -5.0))
"""What the model takes: 2545 to 1355 nm in steps of 5 nm, 239 bands. Ours: it lies inside both
257-point grids that exist, so that neither is extrapolated."""

MIR_AXIS: Final = Axis("cm-1", np.arange(600.0, 4001.0, 2.0))
"""600 to 4000 cm-1 in steps of 2, 1,701 bands, as the Open Soil Spectral Library exports them."""
