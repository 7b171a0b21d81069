"""Bands between 900 and 1350 nm: what only scanners see that reach below the NeoSpectra's range.

Overtones and combinations of higher order than those that `training.synthetic.minerals` and
`training.synthetic.organics` hold. Liquid water at 0.97 and 1.19 um: Curcio and Petty 1951, with its
strengths against 1.45 um. Gypsum at 1.00 and 1.20 um, OH of clays about 0.96: Clark et al. 1990. CH at
1.14 (aromatic), 1.19 (CH3) and 1.21 um (CH2), NH at 1.02, OH of carbohydrates at 0.98: Workman and
Weyer 2007. Widths and all other strengths are ours. Bands of iron reach here from
`training.synthetic.minerals`.

Each band is narrow enough to have died away at 1350 nm: what a NeoSpectra sees does not depend on
them, to the bit.
"""

from __future__ import annotations

from typing import Final

from training.synthetic.bands import Band, nm

SHORTWAVE: Final[dict[str, tuple[Band, ...]]] = {
    "kaolinite": (nm(957, 60, 0.020),),
    "halloysite": (nm(957, 70, 0.016),),
    "Al smectite": (nm(955, 70, 0.014),),
    "Fe smectite": (nm(965, 80, 0.012),),
    "Mg smectite": (nm(945, 60, 0.014),),
    "Al illite": (nm(955, 70, 0.010),),
    "Mg illite": (nm(960, 80, 0.010),),
    "vermiculite": (nm(950, 70, 0.010),),
    "gibbsite": (nm(985, 90, 0.025),),
    "gypsum": (nm(995, 100, 0.06), nm(1200, 100, 0.22)),
    "cellulose": (nm(985, 190, 0.04), nm(1220, 80, 0.04)),
    "lignin": (nm(980, 190, 0.03), nm(1143, 80, 0.03), nm(1205, 80, 0.015)),
    "protein": (nm(1022, 150, 0.04), nm(1190, 85, 0.02)),
    "wax": (nm(930, 90, 0.008), nm(1170, 60, 0.03), nm(1212, 65, 0.09)),
    "humic acid": (nm(985, 220, 0.03), nm(1143, 100, 0.008), nm(1210, 85, 0.008)),
    "humate": (nm(985, 220, 0.03), nm(1143, 100, 0.008), nm(1210, 85, 0.008)),
    "interlayer water": (nm(955, 150, 0.06), nm(1145, 120, 0.09)),
    "surface water": (nm(968, 180, 0.08), nm(1170, 120, 0.12), nm(1195, 105, 0.08)),
    "liquid water": (
        nm(970, 220, 0.066), nm(1155, 120, 0.09), nm(1182, 110, 0.09), nm(1202, 95, 0.06),
    ),
}  # fmt: skip
"""Bands by constituent; strengths per grain unit of `training.synthetic.optics`."""
