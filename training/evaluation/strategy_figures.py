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
    """Figures of ``strategy`` on every property that is analysed often enough.

    The mean CCC stands only where the strategy has figures of all properties that the model has.
    """
    rows = {
        item.name: _property(readings, i, strategy, counts) for i, item in enumerate(PROPERTIES)
    }
    present = [INDEX[item] for item, row in rows.items() if row.figures]
    comparable = all(
        rows[item.name].figures or not _analysed(readings, i) for i, item in enumerate(PROPERTIES)
    )
    return Strategy(
        description=strategy.description,
        properties=rows,
        mean_ccc=_mean_ccc(readings, strategy.values, present, counts)
        if present and comparable
        else None,
    )


def _analysed(readings: Readings, i: int) -> bool:
    """Whether enough soils are analysed, and differ."""
    return _why_not(readings.observed[:, i]) is None


def _why_not(observed: Floats) -> str | None:
    known = observed[np.isfinite(observed)]
    if len(known) < SOILS_MIN:
        return f"analysed of {len(known)} soils; {SOILS_MIN} are the least"
    return "all soils have the same value" if np.ptp(known) == 0 else None


def _property(readings: Readings, i: int, strategy: Predicted, counts: Counts) -> PropertyFigures:
    observed = readings.told(i, strategy.values)
    left_out = _why_not(readings.observed[:, i])
    if left_out is None and _why_not(observed) is not None:
        left_out = f"this strategy {strategy.silent}"
        observed = readings.observed[:, i]
    known = np.isfinite(observed)
    scans = known[readings.soil]
    soils, unit = int(known.sum()), PROPERTIES[i].unit
    figures = {}
    if left_out is None:
        figures = accuracy(observed, strategy.values[:, i], readings.soil, counts)
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
            resampled(readings.told(i, predicted), predicted[:, i], readings.soil, both)["ccc"]
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
                readings.told(INDEX[name], strategy.values), model.values[:, INDEX[name]],
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
