"""One HTML page for an export: what is in the bundle, what fewer bits cost, what was refused and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Final

import numpy as np
from matplotlib.figure import Figure

from contract.bundle import Bundle
from contract.manifest import Budget, Narrowing
from export.latency import CALLS, one_at_a_time_us
from export.losses import Loss
from export.precisions import Precise, Precision
from soil.properties import PROPERTIES
from training.evaluation.drawing import BLUE, GREY, VERMILION, Drawn, drawn
from training.evaluation.markup import document, figure, table

_COLOURS: Final = {"fp16": BLUE, "int8": VERMILION}


def deployment_report(bundle: Bundle, precise: Mapping[Precision, Precise]) -> str:
    """The page for ``bundle``, of whose precisions ``precise`` says what came of them."""
    manifest = bundle.manifest
    title = f"Export of {manifest.name} {manifest.version}"
    parts = [f"<h1>{escape(title)}</h1>"]
    if manifest.synthetic:
        parts.append(
            '<p class="synthetic">SYNTHETIC<small>a model trained on synthetic soils: every figure '
            "is of synthetic soils, and not for decisions</small></p>"
        )
    parts += [_about(bundle), _graphs(bundle)]
    if manifest.budget is not None:
        parts.append(_losses(bundle, manifest.budget))
    parts.append(_parts(precise))
    return document(title, "\n".join(part for part in parts if part))


def _about(bundle: Bundle) -> str:
    manifest = bundle.manifest
    rows = [
        ("what it is", manifest.description),
        ("input", f"{manifest.input.kind}, {bundle.axis}"),
        ("sha256", bundle.sha256),
        ("size", f"{sum(entry.size for entry in manifest.files.values()) / 1e6:.1f} MB"),
        ("needs", f"loamscan {manifest.minimum_agent}"),
    ]
    if manifest.budget is not None:
        budget = manifest.budget
        rows += [
            (
                "budget",
                f"{budget.ccc_loss:g} of a CCC, {budget.change:g} of an interval's half width",
            ),
            ("judged on", f"{budget.judged:,} soils that no stage has seen"),
            (
                "int8 ranges",
                f"of {budget.representative} spectra all over the latent space, sha256 "
                f"{budget.representative_sha256}",
            ),
        ]
    entries = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in rows)
    return f"<h2>What was exported</h2><dl>{entries}</dl>"


def _graphs(bundle: Bundle) -> str:
    """Size and time of each graph; a device measures its own with ``loamscan engine build``."""
    golden = bundle.manifest.golden
    rows = []
    for name, members, takes in (
        ("pipeline", bundle.manifest.graphs.pipeline, golden.reflectance),
        ("MIR decoder", bundle.manifest.graphs.mir_decoder, golden.latent),
    ):
        graphs = {precision: bundle.files[member] for precision, member in members.items()}
        times_us = one_at_a_time_us(graphs, bundle.array(takes))
        rows += [
            [
                f"{name}, {precision}",
                f"{len(graphs[precision]) / 1e6:.2f}",
                f"{len(graphs[precision]) / len(graphs['fp32']):.0%}",
                f"{times_us[precision]:.0f}",
                f"{times_us[precision] / times_us['fp32']:.2f}",
            ]
            for precision in sorted(graphs, key=["fp32", "fp16", "int8"].index)
        ]
    return "<h2>Size and time</h2>" + table(
        f"Median of {CALLS} single spectra in turn, ONNX Runtime on the machine that exported, one "
        "thread, in a tight loop. What a device chooses, it measures itself",
        ["graph", "MB", "of fp32", "us", "of fp32's time"],
        rows,
    )


def _losses(bundle: Bundle, budget: Budget) -> str:
    narrowed = {
        name: narrowing
        for name, narrowing in bundle.manifest.precisions.items()
        if narrowing.ccc_loss
    }
    if not narrowed:
        return "<h2>What fewer bits cost</h2><p>The pipeline is in fp32 alone.</p>"
    rows = []
    for item in PROPERTIES:
        ccc = bundle.manifest.metrics.get(item.name, {}).get("ccc")
        row = [item.name, "–" if ccc is None else f"{ccc:.3f}"]
        for narrowing in narrowed.values():
            row += [f"{narrowing.ccc_loss[item.name]:.4f}", f"{narrowing.change[item.name]:.3f}"]
        rows.append(row)
    heads = [f"{name}: {what}" for name in narrowed for what in ("CCC lost", "change")]
    others = [
        f"{name}: {narrowing.verdicts_changed:.2%} of the spectra get another verdict of the domain "
        "check" + ("" if narrowing.mir_loss is None else f"; converted spectra lose "
        f"{narrowing.mir_loss:.4f} of their CCC") + "."
        for name, narrowing in narrowed.items()
    ]  # fmt: skip
    return (
        "<h2>What fewer bits cost</h2>"
        + figure(
            _drawn_losses(narrowed, budget),
            "What each property loses of its CCC, and the largest change of any value in half widths of "
            "its interval, against fp32 on the same soils. Dashed: what the budget allows.",
        )
        + table(
            "CCC in fp32 is that of the test set; losses and changes are against fp32 on the judged "
            "soils. Below zero: better by chance",
            ["property", "CCC, fp32", *heads],
            rows,
        )
        + "".join(f"<p>{escape(text)}</p>" for text in others)
    )


def _drawn_losses(narrowed: Mapping[Precision, Narrowing], budget: Budget) -> Drawn:
    def draw(on: Figure) -> str:
        lost, changed = on.subplots(1, 2, sharey=True)
        names = [item.label for item in PROPERTIES]
        thick = 0.8 / len(narrowed)
        for turn, (name, narrowing) in enumerate(narrowed.items()):
            at = np.arange(len(names)) + (turn - (len(narrowed) - 1) / 2) * thick
            for axes, values in ((lost, narrowing.ccc_loss), (changed, narrowing.change)):
                own = [values[item.name] for item in PROPERTIES]
                axes.barh(at, own, thick, color=_COLOURS.get(name, GREY), label=name)
        for axes, limit, what in (
            (lost, budget.ccc_loss, "CCC lost"),
            (changed, budget.change, "largest change, half widths"),
        ):
            axes.axvline(limit, color="black", linestyle="--", linewidth=0.9)
            axes.axvline(0.0, color="black", linewidth=0.7)
            axes.set_xlabel(what)
        lost.set_yticks(np.arange(len(names)), names)
        lost.invert_yaxis()
        handles, labels = lost.get_legend_handles_labels()
        on.legend(handles, labels, loc="outside upper right", ncols=len(labels))
        worst = {name: max(own.ccc_loss.values()) for name, own in narrowed.items()}
        said = ", ".join(f"{name} at most {value:.4f}" for name, value in worst.items())
        return f"Bars per property and precision. CCC lost: {said}; budget {budget.ccc_loss:g}."

    return drawn(draw, 3.8)


def _parts(precise: Mapping[Precision, Precise]) -> str:
    if not precise:
        return "<h2>What was chosen, and why</h2><p>fp32 alone was asked for.</p>"
    rows = [row for name, found in precise.items() for row in _part_rows(name, found)]
    refused = [
        f"{name}: no {graph.replace('_', ' ')} in it, since {reason}."
        for name, found in precise.items()
        for graph, reason in found.refused.items()
    ]
    return (
        "<h2>What was chosen, and why</h2><p>Pre-processing stays in float32. Each part was narrowed "
        "by itself; those within the budget were then taken together, the one that costs least first, "
        "as long as the whole stayed within it.</p>"
        + table(
            "Greatest loss of a CCC and greatest change of a value with this part alone in fewer bits",
            ["part", "CCC lost", "change", "outcome"],
            rows,
            words=("outcome",),
        )
        + "".join(f"<p>{escape(text)}</p>" for text in refused)
    )


def _part_rows(precision: str, found: Precise) -> Iterator[list[str]]:
    taken = found.narrowing.parts if found.narrowing else []
    for part, loss in found.alone.items():
        outcome = f"in {precision}" if part in taken else "stays in fp32"
        yield [f"{precision}, {part}", *_greatest(loss), outcome]


def _greatest(loss: Loss) -> tuple[str, str]:
    return f"{max(loss.ccc.values()):.4f}", f"{max(loss.change.values()):.2f}"
