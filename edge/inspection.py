"""A bundle in words for people: what it is, what it takes, how good it is, what it learnt from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contract.bundle import Bundle
from contract.manifest import Manifest, Narrowing


def inspection(bundle: Bundle) -> Iterator[str]:
    """Lines for a terminal."""
    manifest = bundle.manifest
    size = sum(entry.size for entry in manifest.files.values())
    mark = "  SYNTHETIC: a demonstration, not for decisions" if manifest.synthetic else ""
    yield f"{manifest.name} {manifest.version}{mark}"
    yield manifest.description
    yield ""
    yield f"input     {manifest.input.kind}, {bundle.axis}"
    yield f"          {', '.join(manifest.input.preprocessing)}"
    yield f"graphs    {', '.join(manifest.graphs.pipeline)}; needs loamscan {manifest.minimum_agent}"
    for name, narrowing in manifest.precisions.items():
        yield f"{name:<9} {', '.join(narrowing.parts)}{_cost(narrowing)}"
    yield f"size      {size / 1e6:.1f} MB in {len(manifest.files)} files"
    yield f"sha256    {bundle.sha256}"
    yield ""
    yield (
        f"{'property':<19} {'unit':<9} {'CCC':>5} {'RMSE':>8} "
        f"{f'{manifest.intervals.level:.0%} half width':>15}          read from"
    )
    for output in manifest.outputs:
        metrics = manifest.metrics.get(output.name, {})
        scale = "(log1p)" if output.scale == "log1p" else ""
        half_width = manifest.intervals.half_width[output.name]
        yield (
            f"{output.name:<19} {output.unit:<9} {_figure(metrics, 'ccc'):>5} "
            f"{_figure(metrics, 'rmse'):>8} {half_width:>15.3g} {scale:<8} {output.strategy}"
        )
    yield ""
    for card in manifest.training_data:
        yield f"data      {card.name}: {card.samples} samples, {card.licence}"
        yield f"          {card.description}"


def _cost(narrowing: Narrowing) -> str:
    if not narrowing.ccc_loss:
        return ""
    return (
        f": loses at most {max(narrowing.ccc_loss.values()):.4f} of a CCC, changes a value by at most "
        f"{max(narrowing.change.values()):.2f} half widths"
    )


def report(bundle: Bundle) -> Iterator[str]:
    """Lines of Markdown: the figures on the independent test set."""
    manifest = bundle.manifest
    what = "synthetic " if manifest.synthetic else ""
    yield f"# {manifest.name} {manifest.version}"
    yield ""
    yield "Written by `loamscan bundle inspect --markdown`; the figures were measured at training."
    yield ""
    yield manifest.description
    yield ""
    yield f"Every figure is of a {what}test set: {_found(manifest, 'test_set')}"
    yield f"({_found(manifest, 'test_soils')} soils)."
    yield ""
    yield from _property_table(manifest)
    yield ""
    yield from _strategy_tables(manifest)
    yield from _budget_table(manifest)
    yield from _finding_table(manifest)
    yield ""
    yield "| training data | samples | licence | what |"
    yield "|---|---|---|---|"
    for card in manifest.training_data:
        yield f"| {card.name} | {card.samples} | {card.licence} | {card.description} |"


def _property_table(manifest: Manifest) -> Iterator[str]:
    level = f"{manifest.intervals.level:.0%}"
    coverage, *rivals = (
        _table(manifest, name)
        for name in ("interval_coverage", "ridge_on_nir_ccc", "plsr_on_nir_ccc")
    )
    heads = ["property", "unit", "CCC", "R2", "RMSE", "bias", "RPIQ", f"coverage at {level}"]
    heads += ["ridge CCC", "PLSR CCC"]
    yield "| " + " | ".join(heads) + " |"
    yield "|---" * len(heads) + "|"
    for output in manifest.outputs:
        metrics = manifest.metrics.get(output.name, {})
        figures = [_figure(metrics, name) for name in ("ccc", "r2", "rmse", "bias", "rpiq")]
        figures += [_figure(coverage, output.name, ".1%")]
        figures += [_figure(rival, output.name) for rival in rivals]
        yield f"| {output.name} | {output.unit} | " + " | ".join(figures) + " |"


def _strategy_tables(manifest: Manifest) -> Iterator[str]:
    yield "| property | read from |"
    yield "|---|---|"
    for output in manifest.outputs:
        yield f"| {output.name} | {output.strategy} |"
    yield ""
    alone = _table(manifest, "strategies_mean_ccc")
    if alone:
        yield "| strategy by itself | mean CCC |"
        yield "|---|---|"
        for name, ccc in sorted(alone.items(), key=lambda row: -row[1]):
            yield f"| {name} | {ccc:.3f} |"
        yield ""


def _budget_table(manifest: Manifest) -> Iterator[str]:
    if manifest.budget is None:
        return
    budget = manifest.budget
    yield (
        f"Fewer bits, judged on {budget.judged} soils that no stage has seen: the CCC that each property "
        f"loses (budget {budget.ccc_loss:g}), and the largest change of a value in half widths of its "
        f"interval (at most {budget.change:g})."
    )
    yield ""
    names = list(manifest.precisions)
    yield "| property | " + " | ".join(f"{n}: CCC lost | {n}: change" for n in names) + " |"
    yield "|---" * (1 + 2 * len(names)) + "|"
    for output in manifest.outputs:
        cells = [
            _figure(figures, output.name, ".4f")
            for narrowing in manifest.precisions.values()
            for figures in (narrowing.ccc_loss, narrowing.change)
        ]
        yield f"| {output.name} | " + " | ".join(cells) + " |"
    yield ""
    yield "| precision | of the model | Q and DQ nodes | verdicts changed | converted spectra: CCC lost |"
    yield "|---|---|---:|---:|---:|"
    for name, narrowing in manifest.precisions.items():
        mir = "–" if narrowing.mir_loss is None else f"{narrowing.mir_loss:.4f}"
        yield (
            f"| {name} | {', '.join(narrowing.parts)} | {narrowing.quantisation_nodes} "
            f"| {narrowing.verdicts_changed:.2%} | {mir} |"
        )
    yield ""


def _finding_table(manifest: Manifest) -> Iterator[str]:
    yield "| finding | |"
    yield "|---|---|"
    for name, value in sorted(manifest.evaluation.items()):
        words = name.replace("_", " ")
        if name.endswith("alarms") and isinstance(value, dict):
            shares = ", ".join(f"{k.replace('_', ' ')} {v:.2%}" for k, v in value.items())
            yield f"| {words} | {shares} |"
        elif not isinstance(value, dict):
            yield f"| {words} | {f'{value:.3f}' if isinstance(value, float) else value} |"


def _found(manifest: Manifest, name: str) -> Any:
    return manifest.evaluation.get(name, "not said")


def _table(manifest: Manifest, name: str) -> dict[str, float]:
    value = manifest.evaluation.get(name)
    return value if isinstance(value, dict) else {}


def _figure(figures: dict[str, float], name: str, form: str = ".2f") -> str:
    return format(figures[name], form) if name in figures else "–"
