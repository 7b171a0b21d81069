"""A bundle in words for people: what it is, what it takes, how good it is, what it learnt from."""

from __future__ import annotations

from contract.bundle import Bundle


def inspection(bundle: Bundle) -> list[str]:
    """Lines to print."""
    manifest = bundle.manifest
    mark = "  SYNTHETIC: a demonstration, not for decisions" if manifest.synthetic else ""
    size = sum(entry.size for entry in manifest.files.values())
    lines = [
        f"{manifest.name} {manifest.version}{mark}",
        manifest.description,
        "",
        f"input     {manifest.input.kind}, {bundle.axis}",
        f"          {', '.join(manifest.input.preprocessing)}",
        f"engine    fp32; needs loamscan {manifest.minimum_agent} or newer",
        f"size      {size / 1e6:.1f} MB in {len(manifest.files)} files",
        f"sha256    {bundle.sha256}",
        "",
        "property            unit      strategy        CCC     RMSE     "
        f"{manifest.intervals.level:.0%} half width",
    ]
    for output in manifest.outputs:
        metrics = manifest.metrics.get(output.name, {})
        scale = " (log1p)" if output.scale == "log1p" else ""
        lines.append(
            f"{output.name:<19} {output.unit:<9} {output.strategy:<14} "
            f"{_figure(metrics.get('ccc')):>5} {_figure(metrics.get('rmse')):>8} "
            f"{manifest.intervals.half_width[output.name]:>12.3g}{scale}"
        )
    lines.append("")
    for card in manifest.training_data:
        lines.append(f"data      {card.name}: {card.samples} samples, {card.licence}")
        lines.append(f"          {card.description}")
    return lines


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
