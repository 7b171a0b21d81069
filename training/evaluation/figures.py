"""The figures of the report, each from the document and, where points are shown, the readings."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from soil.properties import INDEX, NAMES, PROPERTIES, SoilProperty
from training.evaluation.document import Evaluation
from training.evaluation.drawing import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    VERMILION,
    Drawn,
    cloud,
    drawn,
    log_ticks,
)
from training.evaluation.readings import Floats, Readings
from training.evaluation.strategy_figures import MODEL, MOST

BINS = 10
"""Steps of the running median of residuals. Ours."""

BAND_POINTS = 80
"""Points at which the edge of the interval is drawn: it follows from the predicted value."""

BIN_SCANS_MIN = 20
"""Scans below which there is no running median. Ours."""


def observed_against_predicted(found: Evaluation, readings: Readings) -> Drawn:
    """A panel a property: every scan, the 1:1 line and the interval that the device would give."""

    def draw(figure: Figure) -> str:
        for axes, item, rows in _panels(figure, found, readings):
            i = INDEX[item.name]
            x = item.to_model_scale(readings.model.values[rows, i])
            y = item.to_model_scale(readings.observed[readings.soil[rows], i])
            low, high = _range(np.concatenate([x, y]))
            order = np.argsort(x)[np.linspace(0, len(x) - 1, BAND_POINTS).astype(int)]
            for lower, upper in readings.intervals.values():
                below, above = (
                    item.to_model_scale(bound[rows, i][order]) for bound in (lower, upper)
                )
                axes.fill_between(
                    x[order], below, above, color=ORANGE, alpha=0.22, linewidth=0
                )  # fmt: skip
            cloud(axes, x, y)
            axes.plot([low, high], [low, high], color=BLACK, linewidth=0.9)
            axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
            log_ticks(axes.xaxis, item, low, high)
            log_ticks(axes.yaxis, item, low, high)
            ccc = found.strategies[MODEL].properties[item.name].figures["ccc"].value
            axes.set_title(f"{headed(item)}, CCC {_number(ccc)}")
        _outer_labels(figure, "predicted", "laboratory")
        return (
            "Laboratory value against predicted value of every scan, a panel a property, with the "
            "1:1 line and the prediction interval. " + _ccc_words(found)
        )

    return drawn(draw, _panel_height(found))


def residuals(found: Evaluation, readings: Readings) -> Drawn:
    """A panel a property: predicted less laboratory, against predicted, with a running median."""
    medians: list[str] = []

    def draw(figure: Figure) -> str:
        for axes, item, rows in _panels(figure, found, readings):
            i = INDEX[item.name]
            predicted = readings.model.values[rows, i]
            error = predicted - readings.observed[readings.soil[rows], i]
            x = item.to_model_scale(predicted)
            low, high = _range(x)
            reach = 1.05 * float(np.quantile(np.abs(error), 0.995)) or 1.0
            shown = np.abs(error) <= reach
            cloud(axes, x[shown], error[shown])
            axes.axhline(0, color=BLACK, linewidth=0.9)
            centres, middle = _running_median(x, error)
            axes.plot(centres, middle, color=VERMILION, linewidth=1.6, marker="o", markersize=3)
            axes.set(xlim=(low, high), ylim=(-reach, reach))
            log_ticks(axes.xaxis, item, low, high)
            axes.set_title(headed(item))
            medians.append(f"{item.label} {np.median(error):.{item.decimals + 1}f} {item.unit}")
        _outer_labels(figure, "predicted", "predicted less laboratory")
        return "Residuals against predicted value, a panel a property. Medians: " + (
            "; ".join(medians) + "."
        )

    return drawn(draw, _panel_height(found))


def strategy_means(found: Evaluation) -> Drawn:
    """Mean CCC with interval of every strategy that has one, the best on top."""

    def draw(figure: Figure) -> str:
        axes = figure.subplots()
        ranked = _ranked(found)
        for y, name in enumerate(reversed(ranked)):
            mean, colour = found.strategies[name].mean_ccc, _kind_colour(name)
            if mean is None or mean.value is None:
                continue
            if mean.lower is not None and mean.upper is not None:
                axes.plot([mean.lower, mean.upper], [y, y], color=colour, linewidth=1.8)
            axes.plot(mean.value, y, "o", color=colour, markersize=5.5)
        axes.set_yticks(range(len(ranked)), list(reversed(ranked)))
        axes.set_xlim(right=1.0)
        axes.set_ylim(-0.6, len(ranked) - 0.4)
        axes.grid(axis="x", color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.set_xlabel(f"mean CCC with {found.bootstrap.level:.0%} interval")
        return "Mean CCC of every strategy, the best first: " + "; ".join(
            f"{name} {_number(mean.value)}"
            for name in ranked
            if (mean := found.strategies[name].mean_ccc) is not None
        )

    return drawn(draw, 0.8 + 0.27 * len(_ranked(found)))


def strategy_map(found: Evaluation) -> Drawn:
    """CCC of every strategy (row) on every property (column), written out; the best of a column bold."""

    def draw(figure: Figure) -> str:
        axes, columns = figure.subplots(), _present(found)
        rows = _ranked(found)
        rows += [name for name in found.strategies if name not in rows]
        table = np.array(
            [[_ccc(found, row, column) for column in columns] for row in rows], dtype=float
        )
        shade = mpl.colormaps["cividis"].with_extremes(bad="#f4f4f4")
        image = axes.imshow(table, cmap=shade, vmin=0, vmax=1, aspect="auto")
        for (y, x), value in np.ndenumerate(table):
            if np.isfinite(value):
                axes.text(
                    x, y, f"{value:.2f}", ha="center", va="center", fontsize=8,
                    color="black" if value > 0.55 else "white",
                    weight="bold" if value == np.nanmax(table[:, x]) else "normal",
                )  # fmt: skip
        labels = [PROPERTIES[INDEX[name]].label for name in columns]
        two_lines = [label.replace(" ", "\n") for label in labels]
        axes.set_xticks(range(len(columns)), two_lines, fontsize=8.5)
        axes.set_yticks(range(len(rows)), rows)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        figure.colorbar(image, ax=axes, label="CCC", pad=0.01)
        best = [
            f"{label} {rows[int(np.nanargmax(column))]} {np.nanmax(column):.2f}"
            for label, column in zip(labels, table.T, strict=True)
        ]
        return "CCC of every strategy on every property. The best: " + "; ".join(best) + "."

    return drawn(draw, 0.9 + 0.27 * len(found.strategies))


def coverage(found: Evaluation) -> Drawn:
    """The share of laboratory values inside their interval, beside what was promised."""

    def draw(figure: Figure) -> str:
        axes, words = figure.subplots(), []
        known = [name for name in reversed(NAMES) if any(c.soils for c in found.coverage[name])]
        levels = sorted({c.level for name in known for c in found.coverage[name]})
        for k, level in enumerate(levels):
            axes.axvline(level, color=_colour(k), linewidth=1, linestyle="--")
            for y, name in enumerate(known):
                covered = next(c for c in found.coverage[name] if c.level == level).covered
                if covered.value is None or covered.lower is None or covered.upper is None:
                    continue
                axes.plot([covered.lower, covered.upper], [y, y], color=_colour(k), linewidth=1.8)
                axes.plot(covered.value, y, "o", color=_colour(k), markersize=5.5)
                words.append(f"{PROPERTIES[INDEX[name]].label} {_number(covered.value)}")
        axes.set_yticks(range(len(known)), [PROPERTIES[INDEX[name]].label for name in known])
        axes.set_ylim(-0.6, len(known) - 0.4)
        axes.set_xlim(right=1.005)
        axes.grid(axis="x", color="#dddddd", linewidth=0.6)
        promised = ", ".join(f"{level:.0%}" for level in levels)
        axes.set_xlabel(
            f"share of laboratory values inside the interval; dashed: promised ({promised})"
        )
        return (
            f"Share of laboratory values inside the {promised} interval: " + "; ".join(words) + "."
        )

    return drawn(draw, 1.0 + 0.33 * len(NAMES))


def learning_curve(found: Evaluation) -> Drawn:
    """Mean CCC of a local calibration by the soils that it learnt from, beside the model's."""

    def draw(figure: Figure) -> str:
        axes, curve = figure.subplots(), found.learning_curve
        soils = [point.soils for point in curve.points]
        means = [point.mean for point in curve.points]
        axes.fill_between(
            soils, [p.lowest for p in curve.points], [p.highest for p in curve.points],
            color=GREEN, alpha=0.2, linewidth=0,
        )  # fmt: skip
        axes.plot(
            soils,
            means,
            marker="o",
            color=GREEN,
            label="local ridge on the latent: mean, and range of draws",
        )
        ccc = found.strategies[MODEL].properties
        values = [ccc[name].figures["ccc"].value for name in curve.properties]
        model = float(np.mean([value for value in values if value is not None]))
        axes.axhline(model, color=BLUE, linestyle="--", label=f"the model as it is: {model:.2f}")
        axes.set_xscale("log")
        axes.set_xticks(soils, [str(n) for n in soils])
        axes.minorticks_off()
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
        axes.set(xlabel="soils analysed to learn from", ylabel="mean CCC on other soils")
        figure.legend(loc="outside upper center", ncols=2)
        return (
            f"Mean CCC of a local calibration: {means[0]:.2f} with {soils[0]} soils, {means[-1]:.2f} "
            f"with {soils[-1]}; the model as it is reaches {model:.2f}."
        )

    return drawn(draw, 3.6)


def xi_map(found: Evaluation) -> Drawn:
    """Xi of each latent feature (column) with each property (row); the highest of a row is written out."""

    def draw(figure: Figure) -> str:
        axes = figure.subplots()
        names = [name for i, name in enumerate(NAMES) if found.xi.values[0][i] is not None]
        columns = [INDEX[name] for name in names]
        table = np.array([[row[i] for i in columns] for row in found.xi.values], dtype=float).T
        image = axes.imshow(table, cmap="cividis", vmin=0, vmax=1, aspect="auto")
        words = []
        for y, row in enumerate(table):
            x = int(np.argmax(row))
            axes.text(
                x, y, f"{row[x]:.2f}", ha="center", va="center", fontsize=7.5,
                color="black" if row[x] > 0.55 else "white",
            )  # fmt: skip
            words.append(f"{PROPERTIES[columns[y]].label} {row[x]:.2f} with feature {x + 1}")
        axes.set_xticks(
            range(table.shape[1]), [str(i + 1) for i in range(table.shape[1])], fontsize=8
        )
        axes.set_yticks(range(len(names)), [PROPERTIES[i].label for i in columns])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("latent feature")
        figure.colorbar(image, ax=axes, label="xi", pad=0.01)
        return "Xi of each latent feature with each property. Highest: " + "; ".join(words) + "."

    return drawn(draw, 1.1 + 0.33 * len(NAMES))


def _panels(
    figure: Figure, found: Evaluation, readings: Readings
) -> Iterator[tuple[Axes, SoilProperty, NDArray[np.int64]]]:
    """A panel for each property that has figures, with the rows of its analysed scans."""
    present = _present(found)
    grid = figure.subplots(-(-len(present) // 3), 3, squeeze=False).flat
    for axes, name in zip(grid, present, strict=False):
        analysed = np.isfinite(readings.observed[readings.soil, INDEX[name]])
        yield axes, PROPERTIES[INDEX[name]], np.flatnonzero(analysed)
    for axes in list(grid)[len(present) :]:
        axes.set_visible(False)


def _panel_height(found: Evaluation) -> float:
    return 0.4 + 3.2 * -(-len(_present(found)) // 3)


def _present(found: Evaluation) -> list[str]:
    return [name for name in NAMES if found.strategies[MODEL].properties[name].figures]


def _ranked(found: Evaluation) -> list[str]:
    """The strategies that have a mean CCC, the best first."""
    means = {
        name: strategy.mean_ccc.value
        for name, strategy in found.strategies.items()
        if strategy.mean_ccc is not None and strategy.mean_ccc.value is not None
    }
    return sorted(means, key=lambda name: -means[name])


def _ccc(found: Evaluation, strategy: str, item: str) -> float:
    """NaN where there is none, or it is of other soils than the model's."""
    row, model = (found.strategies[name].properties[item] for name in (strategy, MODEL))
    estimate = row.figures.get("ccc")
    if estimate is None or estimate.value is None or row.soils < MOST * model.soils:
        return np.nan
    return estimate.value


def _kind_colour(name: str) -> str:
    """What was scanned and learnt from: the model, strategies in NIR, in MIR, local calibrations."""
    if name == MODEL:
        return VERMILION
    if name.startswith("local"):
        return ORANGE
    return GREEN if name.startswith("MIR") else BLUE


def _outer_labels(figure: Figure, x: str, y: str) -> None:
    figure.supxlabel(x, fontsize=10.5)
    figure.supylabel(y, fontsize=10.5)


def _range(values: Floats) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    pad = 0.03 * (high - low) or 0.5
    return low - pad, high + pad


def _running_median(x: Floats, y: Floats) -> tuple[list[float], list[float]]:
    if len(x) < BIN_SCANS_MIN:
        return [], []
    parts = np.array_split(np.argsort(x, kind="stable"), BINS)
    return [float(np.median(x[p])) for p in parts], [float(np.median(y[p])) for p in parts]


def headed(item: SoilProperty) -> str:
    """A property with its unit; pH, whose unit is its name, without."""
    return item.label if item.unit.startswith("[") else f"{item.label} ({item.unit})"


def _colour(k: int) -> str:
    return (BLUE, VERMILION, GREEN, ORANGE, GREY, BLACK)[k % 6]


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"


def _ccc_words(found: Evaluation) -> str:
    rows = found.strategies[MODEL].properties
    return "CCC: " + "; ".join(
        f"{PROPERTIES[INDEX[name]].label} {_number(rows[name].figures['ccc'].value)}"
        for name in _present(found)
    )
