"""How good readings are of soils in one preparation and in another: air-dry, say, and moist."""

from __future__ import annotations

from typing import Final

import numpy as np

from soil.properties import NAMES
from training.evaluation.accuracy import SOILS_MIN, resampled
from training.evaluation.document import Preparation
from training.evaluation.readings import Readings

FIGURES: Final = ("ccc", "rmse", "bias")


def preparations(readings: Readings) -> list[Preparation]:
    """Figures of the model in each preparation; none where there is but one.

    A preparation that is not known has an empty name. Properties with too few analysed soils, or
    one value throughout, are left out.
    """
    names = np.unique(readings.preparation).tolist()
    return [_of(readings, name) for name in names] if len(names) > 1 else []


def _of(readings: Readings, name: str) -> Preparation:
    own = readings.preparation == name
    soil, said = readings.soil[own], readings.model.values[own]
    scanned = np.isin(np.arange(len(readings.observed)), soil)
    observed = np.where(scanned[:, None], readings.observed, np.nan)
    once = np.ones((1, len(observed)), dtype=np.int64)
    figures = {}
    for i, item in enumerate(NAMES):
        known = observed[np.isfinite(observed[:, i]), i]
        if len(known) >= SOILS_MIN and np.ptp(known) > 0:
            found = resampled(observed[:, i], said[:, i], soil, once)
            figures[item] = {figure: float(found[figure][0]) for figure in FIGURES}
    return Preparation(
        name=name,
        soils=int(scanned.sum()),
        scans=int(own.sum()),
        domain=readings.flagged_in[name],
        figures=figures,
    )
