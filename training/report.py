"""A card's figures as a table for people."""

from __future__ import annotations

from soil.properties import PROPERTIES
from training.card import Card


def report(card: Card) -> str:
    """Test-set figures per property, then the domain's false alarms and the rivals."""
    found = card.evaluation
    covered, ridge = found.get("interval_coverage"), found.get("ridge_on_nir_ccc")
    lines = [
        f"{card.name} {card.version}"
        + (" (SYNTHETIC: not for decisions)" if card.synthetic else ""),
        f"{'property':<18}{'unit':>9}{'CCC':>7} {'R2':>8}{'RMSE':>8}{'RPIQ':>7}{'cover':>7}{'ridge':>7}",
    ]
    for p in PROPERTIES:
        row = card.metrics[p.name]
        figures = f"{row['ccc']:>7.3f} {row['r2']:>8.3f}{row['rmse']:>8.3f}{row['rpiq']:>7.2f}"
        for column in (covered, ridge):
            figures += f"{column[p.name]:>7.3f}" if isinstance(column, dict) else f"{'-':>7}"
        lines.append(f"{p.label:<18}{p.unit:>9}{figures}")
    for name, value in sorted(found.items()):
        if name.endswith("alarms") and isinstance(value, dict):
            lines.append(
                f"{name.replace('_', ' ')}: " + ", ".join(f"{k} {v:.2%}" for k, v in value.items())
            )
        elif not isinstance(value, dict):
            shown = f"{value:.3f}" if isinstance(value, float) else value
            lines.append(f"{name.replace('_', ' ')}: {shown}")
    return "\n".join(lines)
