"""What each strategy reaches per property, and how the model stands against its rivals."""

from __future__ import annotations

from typing import Final

import numpy as np

from soil.properties import INDEX, NAMES, PROPERTIES
from training.evaluation.accuracy import SOILS_MIN, accuracy, resampled
from training.evaluation.bootstrap import Draws, Estimate, estimate
from training.evaluation.comparison import holm, paired_difference
from training.evaluation.document import Comparison, PropertyFigures, Strategy
from training.evaluation.readings import Floats, Predicted, Readings

MODEL: Final = "model"
"""The name of the model under test among the strategies."""

SIGNIFICANT: Final = 0.05

MOST: Final = 0.9
"""Share of a property's analysed soils that a strategy must say something of to be ranked with the
others. Ours: on fewer, its figures are of another test set."""


def strategy_figures(readings: Readings, strategy: Predicted, draws: Draws) -> Strategy:
    """Figures of ``strategy`` on every property that is analysed often enough.

    The mean CCC stands only where the strategy says every such property of `MOST` of its soils.
    """
    rows = {item: _property(readings, i, strategy, draws) for i, item in enumerate(NAMES)}
    asked = [i for i in range(len(NAMES)) if _why_not(readings.observed[:, i]) is None]
    ranked = all(
        rows[NAMES[i]].figures
        and rows[NAMES[i]].soils >= MOST * np.isfinite(readings.observed[:, i]).sum()
        for i in asked
    )
    return Strategy(
        description=strategy.description,
        properties=rows,
        mean_ccc=_mean_ccc(readings, strategy.values, asked, draws) if asked and ranked else None,
    )


def _property(readings: Readings, i: int, strategy: Predicted, draws: Draws) -> PropertyFigures:
    analysed, observed = readings.observed[:, i], readings.told(i, strategy.values)
    left_out = _why_not(analysed)
    if left_out is None:
        if not np.isfinite(strategy.values[:, i]).any():
            left_out = f"this strategy {strategy.silent}"
        elif (why := _why_not(observed)) is not None:
            left_out = f"of the soils that this strategy could be asked of: {why}"
    known = np.isfinite(analysed if left_out else observed)
    soils, scans = int(known.sum()), int(known[readings.soil].sum())
    unit = PROPERTIES[i].unit
    if left_out is not None:
        return PropertyFigures(unit=unit, soils=soils, scans=scans, left_out=left_out)
    counts, drawn = draws.of(known)
    figures = accuracy(observed, strategy.values[:, i], readings.soil, counts)
    return PropertyFigures(unit=unit, soils=soils, scans=scans, drawn=drawn, figures=figures)


def _why_not(observed: Floats) -> str | None:
    known = observed[np.isfinite(observed)]
    if len(known) < SOILS_MIN:
        return f"analysed of {len(known)} soils; {SOILS_MIN} are the least"
    return "all soils have the same value" if np.ptp(known) == 0 else None


def _mean_ccc(readings: Readings, predicted: Floats, columns: list[int], draws: Draws) -> Estimate:
    """Over the properties that have one, each resample being the same soils for all of them."""
    told = {i: readings.told(i, predicted) for i in columns}
    drawn = {unit: counts for counts, unit in (draws.of(np.isfinite(of)) for of in told.values())}
    # One draw for all: by soils where any property has too few sites.
    counts = drawn["soils"] if "soils" in drawn else drawn["sites"]
    once = np.ones((1, len(readings.observed)), dtype=counts.dtype)
    both = np.concatenate([once, counts])
    ccc = np.mean(
        [resampled(of, predicted[:, i], readings.soil, both)["ccc"] for i, of in told.items()],
        axis=0,
    )
    return estimate(float(ccc[0]), ccc[1:])


def comparisons(
    readings: Readings,
    model: Predicted,
    rivals: dict[str, Predicted],
    found: dict[str, Strategy],
    draws: Draws,
) -> dict[str, list[Comparison]]:
    """Per property, ``model`` against each rival that has figures in ``found``.

    Holm over the properties of a rival.
    """
    rows: dict[str, list[Comparison]] = {name: [] for name in NAMES}
    for rival, strategy in rivals.items():
        names = [name for name in NAMES if found[rival].properties[name].figures]
        told = [readings.told(INDEX[name], strategy.values) for name in names]
        drawn = [draws.of(np.isfinite(of)) for of in told]
        differences = [
            paired_difference(
                of, model.values[:, INDEX[name]], strategy.values[:, INDEX[name]], readings.soil,
                counts,
            )
            for name, of, (counts, _) in zip(names, told, drawn, strict=True)
        ]  # fmt: skip
        adjusted = holm([difference.p for difference in differences])
        for name, of, (_, unit), difference, p in zip(
            names, told, drawn, differences, adjusted, strict=True
        ):
            error = difference.squared_error
            better = (error.value or 0.0) < 0
            rows[name].append(
                Comparison(
                    rival=rival,
                    soils=int(np.isfinite(of).sum()),
                    drawn=unit,
                    squared_error_difference=error,
                    p=difference.p,
                    p_holm=p,
                    verdict="no difference shown"
                    if p > SIGNIFICANT
                    else ("model better" if better else "rival better"),
                )
            )
    return rows
