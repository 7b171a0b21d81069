"""Whether intervals hold what they say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from training.evaluation.bootstrap import LEVEL, Estimate
from training.evaluation.readings import Floats


def coverage(
    observed: Floats, lower: Floats, upper: Floats, soil: NDArray[np.int64]
) -> tuple[Estimate, int]:
    """Share of scans whose interval holds the laboratory's value, and the number of analysed soils.

    ``observed`` ``[n]`` is of each soil, NaN where not analysed; ``lower``, ``upper`` and ``soil`` ``[m]``
    of each scan. The binomial interval (Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404) counts
    soils and not scans, as if the scans of a soil were all in or all out: rather too wide than too
    narrow. The idea of an effective number is from Korn and Graubard 1998 (Survey Methodology 24).
    """
    known = np.isfinite(observed)
    soils, y = int(known.sum()), observed[soil]
    if not soils:
        return Estimate(None, None, None), 0
    share = float(((lower <= y) & (y <= upper))[known[soil]].mean())
    inside, tail = share * soils, (1 - LEVEL) / 2
    low = float(beta.ppf(tail, inside, soils - inside + 1)) if inside > 0 else 0.0
    high = float(beta.ppf(1 - tail, inside + 1, soils - inside)) if share < 1 else 1.0
    return Estimate(share, low, high), soils
