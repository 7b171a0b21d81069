"""What the organic matter of a soil is made of: plant remains, humus, char, and protein for its nitrogen."""

from __future__ import annotations

from typing import Final

import numpy as np

from training.synthetic.end_members import MEMBER
from training.synthetic.shares import Floats, simplex

FRESH: Final = {"cellulose": 0.55, "lignin": 0.35, "wax": 0.10}
"""Plant remains. Ours, of the size that Koegel-Knabner 2002 gives for litter."""

HUMIFIED: Final = {"lignin": 0.12, "wax": 0.10}
"""What is left of them in humified matter; the rest is humus and char. Ours."""

PROTEIN_NITROGEN: Final = 0.5
"""Share of the nitrogen that is in protein: 0.3 to 0.5 and more of it (Stevenson 1994). Ours."""

NITROGEN_IN_PROTEIN: Final = 0.16
"""Jones's factor 6.25."""

OM_PER_OC: Final = 1.724
"""Organic matter per organic carbon (van Bemmelen's factor)."""

_CLAY, _SILT = 0, 1


def draw_organic(
    rng: np.random.Generator,
    mass: Floats,
    organic: Floats,
    humified: Floats,
    char: Floats,
    c_to_n: Floats,
    base_saturation: Floats,
) -> None:
    """Lay ``organic`` ``[n]``, fractions of dry soil, into ``mass`` ``[n, members, classes]``.

    Less carbon per nitrogen is more protein; a humic acid whose charge bases hold is a humate.
    ``humified`` is the share of humified matter and ``char`` the share of char in that.
    """
    n = len(organic)
    protein = PROTEIN_NITROGEN / (OM_PER_OC * c_to_n * NITROGEN_IN_PROTEIN)
    protein *= np.exp(0.15 * rng.standard_normal(n))
    rest = organic * (1 - protein)
    fresh, old = rest * (1 - humified), rest * humified
    remains = simplex(rng, np.tile(list(FRESH.values()), (n, 1)), 0.4) * fresh[:, None]
    kept = np.array(list(HUMIFIED.values()))
    humus = 1 - kept.sum() - char
    acid = 1 - base_saturation
    parts = np.column_stack([np.tile(kept, (n, 1)), char, humus * acid, humus * base_saturation])
    aged = simplex(rng, parts, 0.3) * old[:, None]
    for name, part in zip(FRESH, remains.T, strict=True):
        mass[:, MEMBER[name], _SILT] += part
    for name, part in zip((*HUMIFIED, "char", "humic acid", "humate"), aged.T, strict=True):
        mass[:, MEMBER[name], _CLAY] += part
    mass[:, MEMBER["protein"], _SILT] += organic * protein * (1 - humified)
    mass[:, MEMBER["protein"], _CLAY] += organic * protein * humified
