"""An evaluation in a few lines, for a terminal."""

from __future__ import annotations

from soil.properties import INDEX, PROPERTIES
from training.evaluation.bootstrap import Estimate
from training.evaluation.document import Evaluation
from training.evaluation.strategy_figures import MODEL


def summary_lines(found: Evaluation) -> list[str]:
    """What it was tested on, what to be warned of, and a line a property."""
    test, model = found.test_set, found.strategies[MODEL]
    lines = [
        f"{found.model.name} {found.model.version} on {test.name}",
        f"{test.soils} soils of {test.sites or 'unknown'} sites, {test.scans} scans by "
        f"{test.scanners or 'unknown'} scanners; intervals: {found.bootstrap.level:.0%}, "
        f"{found.bootstrap.resamples} resamples",
        *(f"! {text}" for text in found.warnings),
        f"{'property':<18}{'unit':>9}{'soils':>7}{'CCC':>7}{'':>19} {'R2':>8}"
        f"{'RMSE':>9}{'bias':>10}{'RPIQ':>7}",
    ]
    for name, row in model.properties.items():
        item = PROPERTIES[INDEX[name]]
        start = f"{item.label:<18}{item.unit:>9}{row.soils:>7}"
        if row.left_out is not None:
            lines.append(f"{start}  left out: {row.left_out}")
            continue
        f, decimals = row.figures, item.decimals + 1
        lines.append(
            f"{start}{_value(f['ccc'], 3):>7}{_interval(f['ccc']):>19} {_value(f['r2'], 3):>8}"
            f"{_value(f['rmse'], decimals):>9}{_value(f['bias'], decimals):>10}{_value(f['rpiq'], 2):>7}"
        )
    lines.append("mean CCC")
    for name, strategy in found.strategies.items():
        if strategy.mean_ccc is not None:
            mean = strategy.mean_ccc
            lines.append(f"  {name:<22}{_value(mean, 3)}{_interval(mean)}")
    return lines


def _value(estimate: Estimate, decimals: int) -> str:
    return "-" if estimate.value is None else f"{estimate.value:.{decimals}f}"


def _interval(estimate: Estimate) -> str:
    if estimate.lower is None or estimate.upper is None:
        return ""
    return f" ({estimate.lower:.3f} to {estimate.upper:.3f})"
