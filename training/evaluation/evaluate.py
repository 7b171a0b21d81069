"""From readings to the document: every figure, its interval, and what could not be said."""

from __future__ import annotations

from typing import Final

import numpy as np

from soil.properties import INDEX, NAMES
from training.evaluation.accuracy import resampled
from training.evaluation.bootstrap import LEVEL, Draws
from training.evaluation.coverage import coverage
from training.evaluation.document import (
    Coverage,
    Evaluation,
    LearningCurve,
    ModelNamed,
    Resampling,
    SpreadOfReadings,
    Strategy,
    TestedOn,
    XiTable,
)
from training.evaluation.learning_curve import SMALLEST, learning_curve
from training.evaluation.local_calibration import ridge
from training.evaluation.preparations import preparations
from training.evaluation.readings import Floats, Predicted, Readings
from training.evaluation.repeatability import repeatability
from training.evaluation.strategy_figures import MODEL, comparisons, strategy_figures
from training.evaluation.xi import noise, xi_table
from training.fitting import Progress

FLAGGED_MANY: Final = 0.05
"""Share of scans beyond the domain's reject limit from which on the report warns. Ours: 50 times
what is expected of the model's own kind of soils."""

CURVE_KNOWN: Final = 0.75
"""Share of soils that must be analysed for a property to count in the learning curve. Ours."""


def evaluate(
    readings: Readings,
    rivals: dict[str, Predicted],
    model: ModelNamed,
    test_set: TestedOn,
    resamples: int,
    seed: int,
    progress: Progress,
) -> Evaluation:
    """Every figure of ``readings`` and of ``rivals`` by name; the same arguments give the same document."""
    strategies = {MODEL: readings.model, **rivals}
    drawn = Draws(readings.site, resamples, seed)
    progress(f"figures of {len(strategies)} strategies")
    found = {
        name: strategy_figures(readings, strategy, drawn) for name, strategy in strategies.items()
    }
    progress("learning curve")
    curve = _learning_curve(readings, found[MODEL], seed)
    progress("comparisons, repeatability, coverage, xi")
    return Evaluation(
        model=model,
        test_set=test_set,
        warnings=_warnings(readings, model, test_set),
        bootstrap=Resampling(resamples=resamples, level=LEVEL, seed=seed),
        strategies=found,
        comparisons=comparisons(readings, readings.model, rivals, found, drawn),
        spread=_spread(readings, found[MODEL]),
        preparations=preparations(readings),
        coverage=_coverage(readings),
        domain=readings.flagged,
        learning_curve=curve,
        xi=_xi(readings, seed),
    )


def _spread(readings: Readings, model: Strategy) -> SpreadOfReadings:
    found = repeatability(readings.model.values, readings.prepared_soil(), readings.scanner)

    def by_name(values: Floats | None) -> dict[str, float] | None:
        return None if values is None else dict(zip(NAMES, values.tolist(), strict=True))

    def over_rmse(values: Floats | None) -> dict[str, float] | None:
        if values is None:
            return None
        rmse = {
            name: row.figures["rmse"].value for name, row in model.properties.items() if row.figures
        }
        return {name: float(values[INDEX[name]]) / error for name, error in rmse.items() if error}

    return SpreadOfReadings(
        replicated_soils=found.replicated_soils,
        shared_soils=found.shared_soils,
        repeatability_left_out=found.no_repeatability,
        reproducibility_left_out=found.no_reproducibility,
        repeatability=by_name(found.repeatability),
        reproducibility=by_name(found.reproducibility),
        repeatability_over_rmse=over_rmse(found.repeatability),
        reproducibility_over_rmse=over_rmse(found.reproducibility),
    )


def _coverage(readings: Readings) -> dict[str, list[Coverage]]:
    rows: dict[str, list[Coverage]] = {name: [] for name in NAMES}
    for level, (lower, upper) in sorted(readings.intervals.items()):
        for i, name in enumerate(NAMES):
            covered, soils = coverage(
                readings.observed[:, i], lower[:, i], upper[:, i], readings.soil
            )
            rows[name].append(
                Coverage(
                    level=level,
                    soils=soils,
                    covered=covered,
                    left_out=None if soils else "analysed of no soil",
                )
            )
    return rows


def _learning_curve(readings: Readings, model: Strategy, seed: int) -> LearningCurve:
    told = np.array([bool(model.properties[name].figures) for name in NAMES])
    known = np.isfinite(readings.observed)
    columns = np.flatnonzero(told & (known.mean(axis=0) >= CURVE_KNOWN))
    names = [NAMES[i] for i in columns]
    observed = np.where(np.isin(np.arange(len(NAMES)), columns), readings.observed, np.nan)

    def score(predicted: Floats) -> float:
        once = np.ones((1, len(observed)), dtype=np.int64)
        ccc = [
            resampled(observed[:, i], predicted[:, i], readings.soil, once)["ccc"][0]
            for i in columns
        ]
        return float(np.mean(ccc))

    points = (
        learning_curve(ridge, readings, readings.latent, observed, score, seed) if names else []
    )
    return LearningCurve(
        properties=names,
        points=points,
        left_out=None
        if points
        else f"too few soils or sites: {SMALLEST} analysed soils must remain to learn from",
    )


def _xi(readings: Readings, seed: int) -> XiTable:
    table = xi_table(readings.soil_mean(readings.latent), readings.observed, seed)
    soils = dict(zip(NAMES, np.isfinite(readings.observed).sum(axis=0).tolist(), strict=True))
    return XiTable(
        properties=list(NAMES),
        soils=soils,
        noise={name: noise(n) if n else None for name, n in soils.items()},
        values=[[value if np.isfinite(value) else None for value in row] for row in table.tolist()],
    )


def _warnings(readings: Readings, model: ModelNamed, test_set: TestedOn) -> list[str]:
    found = []
    if model.synthetic:
        found.append(
            "The model has learnt from SYNTHETIC soils alone: a demonstration, not for decisions."
        )
    if test_set.synthetic:
        found.append(
            "The test set is SYNTHETIC: what is reached on it says nothing of a farm's soils."
        )
    if test_set.independence.status != "by construction":
        found.append(test_set.independence.text)
    rejected = readings.flagged["any_reject"]
    if rejected >= FLAGGED_MANY:
        found.append(
            f"The device would have refused {rejected:.0%} of these scans as unlike what the model "
            "knows. The figures below count them all the same."
        )
    return found
