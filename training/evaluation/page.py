"""The report as one HTML page that needs nothing else: no script, no font, no file beside it."""

from __future__ import annotations

from html import escape

from soil.properties import INDEX, PROPERTIES
from training.evaluation import figures
from training.evaluation.bootstrap import Estimate
from training.evaluation.document import Evaluation
from training.evaluation.markup import cell, document, figure, table
from training.evaluation.preparations_part import preparations_part
from training.evaluation.readings import Readings
from training.evaluation.strategies_part import figures_table, has_figures, strategies_part
from training.evaluation.strategy_figures import MODEL


def page(found: Evaluation, readings: Readings) -> str:
    """The whole report. Whatever comes from a library or a card is escaped."""
    title = f"Evaluation of {found.model.name} {found.model.version}"
    parts = [
        f"<h1>{escape(title)}</h1>", _banner(found), _warnings(found), _tested(found),
        _accuracy(found, readings), preparations_part(found), strategies_part(found),
        _intervals(found), _spread(found), _domain(found), _curve(found), _xi(found), _how(found),
    ]  # fmt: skip
    return document(title, "\n".join(part for part in parts if part))


def _banner(found: Evaluation) -> str:
    of = [
        what
        for what, synthetic in (
            ("a model trained on synthetic soils", found.model.synthetic),
            ("a synthetic test set", found.test_set.synthetic),
        )
        if synthetic
    ]
    if not of:
        return ""
    return f'<p class="synthetic">SYNTHETIC<small>{" and ".join(of)}: not for decisions</small></p>'


def _warnings(found: Evaluation) -> str:
    if not found.warnings:
        return ""
    items = "".join(f"<li>{escape(text)}</li>" for text in found.warnings)
    return f'<div class="warnings" role="note"><ul>{items}</ul></div>'


def _tested(found: Evaluation) -> str:
    test, ccc = found.test_set, found.strategies[MODEL].mean_ccc
    rows = [
        ("test set", f"{test.name} ({test.licence})"),
        ("soils", f"{test.soils:,}"),
        ("sites", f"{test.sites:,}" if test.sites else "not said"),
        ("scanners", f"{test.scanners:,}" if test.scanners else "not said"),
        ("scans", f"{test.scans:,}, each predicted on its own"),
        ("independence", test.independence.text),
        ("model weights", f"sha256 {found.model.weights_sha256}"),
        ("mean CCC", f"{_plain(ccc)} over the properties below"),
    ]
    entries = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in rows)
    dropped = ""
    if test.dropped:
        items = "".join(f"<li>{escape(line.strip())}</li>" for line in test.dropped)
        dropped = f"<p>Dropped or changed when the library was read:</p><ul>{items}</ul>"
    return f"<h2>What was tested, and on what</h2><dl>{entries}</dl>{dropped}"


def _accuracy(found: Evaluation, readings: Readings) -> str:
    drawings = "<p>No property has enough laboratory values for a figure.</p>"
    if has_figures(found):
        drawings = figure(
            figures.observed_against_predicted(found, readings),
            "Every scan against the laboratory. Black: 1:1. Orange: the interval that the device gives "
            "at that prediction. Carbon, nitrogen and CEC on a logarithmic scale (of 1 + value). Many "
            "scans are drawn as density.",
        ) + figure(
            figures.residuals(found, readings),
            "Residuals. Red: running median. Where it leaves zero, predictions of that size are off on "
            "average. Of each property the farthest half per cent lies outside.",
        )
    return (
        "<h2>How near the predictions are</h2>"
        "<p>CCC is 1 where every prediction equals the laboratory's value. RMSE and bias are in the "
        "property's unit; bias is predicted less laboratory. RPIQ is the interquartile range of "
        "the soils over RMSE: 0 where most soils have the same value. The slope is that of "
        "laboratory on predicted: 1 is right.</p>" + figures_table(found, MODEL) + drawings
    )


def _intervals(found: Evaluation) -> str:
    rows = [
        [
            PROPERTIES[INDEX[name]].label, f"{row.level:.0%}", f"{row.soils:,}",
            cell(row.covered, ".3f") if row.left_out is None else f"left out: {row.left_out}",
        ]
        for name, levels in found.coverage.items()
        for row in levels
    ]  # fmt: skip
    drawing = ""
    if any(row.soils for levels in found.coverage.values() for row in levels):
        drawing = figure(
            figures.coverage(found),
            "Points left of the dashed line: the device promises too much; right of it: its "
            "intervals are wider than they need be. Bars: binomial interval over soils.",
        )
    return (
        "<h2>Whether the intervals hold</h2>"
        + drawing
        + table(
            "Laboratory values inside their interval", ["property", "level", "soils", "share"], rows
        )
    )


def _spread(found: Evaluation) -> str:
    spread, parts = found.spread, []
    for what, reason in (
        ("Repeatability", spread.repeatability_left_out),
        ("Reproducibility", spread.reproducibility_left_out),
    ):
        if reason is not None:
            parts.append(f"<p>{what} can't be told: {escape(reason)}.</p>")
    repeat, reproduce = spread.repeatability, spread.reproducibility
    over_repeat, over_reproduce = (
        spread.repeatability_over_rmse or {},
        spread.reproducibility_over_rmse or {},
    )
    if repeat or reproduce:
        rows = []
        for item in PROPERTIES:
            cells = [figures.headed(item)]
            for values, over in ((repeat, over_repeat), (reproduce, over_reproduce)):
                cells.append(f"{values[item.name]:.{item.decimals + 1}f}" if values else "–")
                cells.append(f"{over[item.name]:.0%}" if item.name in over else "–")
            rows.append(cells)
        parts.append(
            table(
                "Standard deviations between readings of one soil",
                ["property", "repeatability", "of RMSE", "reproducibility", "of RMSE"],
                rows,
            )
        )
    return (
        "<h2>How far readings of one soil lie apart</h2>"
        "<p>Repeatability (ISO 5725): one soil, one scanner, scan after scan "
        f"({spread.replicated_soils:,} soils). Reproducibility: single scans of one soil by different "
        f"scanners ({spread.shared_soils:,} soils). The rest of RMSE is what more scans can't mend. "
        "Soils are pooled, so those with the widest spread, often the richest in carbon, weigh most.</p>"
        + "".join(parts)
    )


def _domain(found: Evaluation) -> str:
    words = {
        "q_caution": "Q above caution", "q_reject": "Q above reject", "gh_caution": "GH above caution",
        "gh_reject": "GH above reject", "any": "flagged at all", "any_reject": "refused",
    }  # fmt: skip
    rows = [[words.get(name, name), f"{share:.1%}"] for name, share in found.domain.items()]
    return (
        "<h2>Whether the model knows such spectra</h2>"
        "<p>Q finds features that the model's library lacks, GH known features in unknown "
        "proportions. The device flags a scan beyond caution and refuses one beyond reject.</p>"
        + table("Shares of scans", ["limit", "scans"], rows)
    )


def _curve(found: Evaluation) -> str:
    curve = found.learning_curve
    heading = "<h2>What more soils would bring</h2>"
    if curve.left_out is not None:
        return f"{heading}<p>No learning curve: {escape(curve.left_out)}.</p>"
    rows = [
        [f"{p.soils:,}", f"{p.mean:.3f}", f"{p.lowest:.3f}", f"{p.highest:.3f}"]
        for p in curve.points
    ]
    return (
        heading
        + "<p>A ridge regression on the model's latent, calibrated on soils of this test set alone. "
        "Where it passes the model, so many soils of your own, analysed, are worth more than the "
        "model as it is.</p>"
        + figure(
            figures.learning_curve(found),
            "Learnt on some of the soils, asked on others, of other sites where sites are known.",
        )
        + table("Mean CCC", ["soils", "mean", "lowest draw", "highest draw"], rows)
    )


def _xi(found: Evaluation) -> str:
    heading = "<h2>What the latent features know</h2>"
    if not found.xi.values or all(value is None for value in found.xi.values[0]):
        return f"{heading}<p>Too few laboratory values.</p>"
    noise = max(value for value in found.xi.noise.values() if value is not None)
    return (
        heading
        + "<p>Chatterjee's xi says how far a property is a function of one feature, straight or not: "
        f"0 for none, 1 for wholly. Below {noise:.2f} it is chance. Heads use all features together, "
        "so a property may be well predicted and have no bright cell.</p>"
        + figure(figures.xi_map(found), "The highest xi of each property is written out.")
    )


def _how(found: Evaluation) -> str:
    boot = found.bootstrap
    ways: dict[str, list[str]] = {}
    for name, way in found.model.strategy.items():
        ways.setdefault(way, []).append(PROPERTIES[INDEX[name]].label if name in INDEX else name)
    strategy = "; ".join(f"{way}: {', '.join(names)}" for way, names in ways.items())
    return (
        "<h2>How it was computed</h2>"
        f"<p>Intervals are percentiles of {boot.resamples:,} bootstrap resamples (Efron and "
        f"Tibshirani 1993) from seed {boot.seed}. {_drawn(found)} Missing laboratory values are "
        "left out, per property. CCC: Lin 1989; RPIQ: Bellon-Maurel et al. 2010; xi: Chatterjee 2021; "
        "intervals of shares: Clopper and Pearson 1934, over soils.</p>"
        f"<p>Strategies of the model, as its card says: {escape(strategy)}.</p>"
        "<p>Every number of the tables is in <code>report.json</code> "
        f"(<code>{escape(found.schema_)}</code>), and so are those of the heat map.</p>"
    )


def _drawn(found: Evaluation) -> str:
    """What was resampled for the model's figures, and what that leaves out."""
    alone = [
        PROPERTIES[INDEX[name]].label
        for name, row in found.strategies[MODEL].properties.items()
        if row.drawn == "soils"
    ]
    whole = (
        "Sites are drawn whole, since soils of one site resemble each other; a soil whose site is not "
        "known is one by itself."
    )
    if not alone:
        return whole
    few = (
        "Soils are drawn, never scans, where fewer than ten sites are known of most of the soils: soils "
        "of one site resemble each other, and such intervals are too narrow"
    )
    all_of_them = all(row.drawn != "sites" for row in found.strategies[MODEL].properties.values())
    return f"{few}." if all_of_them else f"{whole} {few}. Here: {', '.join(alone)}."


def _plain(estimate: Estimate | None) -> str:
    if estimate is None or estimate.value is None:
        return "none"
    if estimate.lower is None or estimate.upper is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} ({estimate.lower:.3f} to {estimate.upper:.3f})"
