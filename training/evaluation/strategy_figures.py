"""What each strategy reaches per property, and how the model stands against its rivals."""

from __future__ import annotations

from typing import Final

import numpy as np

from soil.properties import INDEX, NAMES, PROPERTIES
from training.evaluation.accuracy import SOILS_MIN, accuracy, resampled
from training.evaluation.bootstrap import Counts, Estimate, estimate
from training.evaluation.comparison import holm, paired_difference
from training.evaluation.document import Comparison, PropertyFigures, Strategy
from training.evaluation.readings import Floats, Predicted, Readings

MODEL: Final = "model"
"""The name of the model under test among the strategies."""

SIGNIFICANT: Final = 0.05


def strategy_figures(readings: Readings, strategy: Predicted, counts: Counts) -> Strategy:
    """Figures of ``strategy`` on every property that is analysed often enough."""
    rows = {
        item.name: _property(readings, i, strategy.values[:, i], counts)
        for i, item in enumerate(PROPERTIES)
    }
    present = [INDEX[item] for item, row in rows.items() if row.figures]
    return Strategy(
        description=strategy.description,
        properties=rows,
        mean_ccc=_mean_ccc(readings, strategy.values, present, counts) if present else None,
    )


def _property(readings: Readings, i: int, predicted: Floats, counts: Counts) -> PropertyFigures:
    known = np.isfinite(readings.observed[:, i])
    scans = known[readings.soil]
    soils, unit = int(known.sum()), PROPERTIES[i].unit
    left_out, figures = None, {}
    if soils < SOILS_MIN:
        left_out = f"analysed of {soils} soils; {SOILS_MIN} are the least"
    elif np.ptp(readings.observed[known, i]) == 0:
        left_out = "all soils have the same value"
    elif not np.isfinite(predicted[scans]).all():
        left_out = "this strategy had too few analysed soils to learn from"
    else:
        figures = accuracy(readings.observed[:, i], predicted, readings.soil, counts)
    return PropertyFigures(
        unit=unit, soils=soils, scans=int(scans.sum()), figures=figures, left_out=left_out
    )


def _mean_ccc(
    readings: Readings, predicted: Floats, columns: list[int], counts: Counts
) -> Estimate:
    """Over the properties that have one, each resample being the same soils for all of them."""
    once = np.ones((1, len(readings.observed)), dtype=np.int64)
    both = np.concatenate([once, counts])
    ccc = np.mean(
        [
            resampled(readings.observed[:, i], predicted[:, i], readings.soil, both)["ccc"]
            for i in columns
        ],
        axis=0,
    )
    return estimate(float(ccc[0]), ccc[1:])


def comparisons(
    readings: Readings,
    model: Predicted,
    rivals: dict[str, Predicted],
    found: dict[str, Strategy],
    counts: Counts,
) -> dict[str, list[Comparison]]:
    """Per property, ``model`` against each rival that has figures in ``found``.

    Holm over the properties of a rival.
    """
    rows: dict[str, list[Comparison]] = {name: [] for name in NAMES}
    for rival, strategy in rivals.items():
        names = [
            name
            for name in NAMES
            if found[MODEL].properties[name].figures and found[rival].properties[name].figures
        ]
        differences = [
            paired_difference(
                readings.observed[:, INDEX[name]], model.values[:, INDEX[name]],
                strategy.values[:, INDEX[name]], readings.soil, counts,
            )
            for name in names
        ]  # fmt: skip
        adjusted = holm([difference.p for difference in differences])
        for name, difference, p in zip(names, differences, adjusted, strict=True):
            error = difference.squared_error
            better = (error.value or 0.0) < 0
            rows[name].append(
                Comparison(
                    rival=rival,
                    squared_error_difference=error,
                    p=difference.p,
                    p_holm=p,
                    verdict="no difference shown"
                    if p > SIGNIFICANT
                    else ("model better" if better else "rival better"),
                )
            )
    return rows
