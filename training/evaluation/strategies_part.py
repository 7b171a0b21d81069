"""The report's part on strategies: how the model stands among those that it was chosen from."""

from __future__ import annotations

from soil.properties import INDEX, PROPERTIES
from training.evaluation import figures
from training.evaluation.document import Evaluation
from training.evaluation.markup import cell, figure, folded, table
from training.evaluation.strategy_figures import MODEL, MOST, SIGNIFICANT
from training.strategies import STRATEGIES


def strategies_part(found: Evaluation) -> str:
    """Every strategy beside the model, as HTML; nothing where there is none to stand beside."""
    rivals = [name for name in found.strategies if name != MODEL]
    if not has_figures(found) or not rivals:
        return ""
    kept = any(name in STRATEGIES for name in rivals)
    words = (
        "Each has learnt from what the model has learnt from; NIR strategies are asked the same scans, "
        "MIR strategies the mean MIR scan of each soil that has one."
        if kept
        else "The checkpoint came without the strategies that the model was chosen from."
    )
    return (
        f"<h2>Beside other strategies</h2><p>{words} Local ones learn from other soils of this test "
        "set.</p>"
        + figure(
            figures.strategy_means(found),
            "Mean CCC with interval. Red: the model; blue: NIR strategies; green: MIR; orange: local "
            "calibrations.",
        )
        + figure(
            figures.strategy_map(found),
            "CCC per property. Bold: the best of a column. ILR says texture another way, and nothing "
            f"else. Empty: nothing said, or of fewer than {MOST:.0%} of the soils.",
        )
        + table(
            "On how many properties the model's squared error is smaller or greater on the same "
            f"soils, and by more than chance: p, after Holm over a strategy's properties, at most "
            f"{SIGNIFICANT:g}. Of many strategies one or two will look better or worse by chance",
            [
                "strategy",
                "what it is",
                "mean CCC",
                "model better",
                "not told apart",
                "rival better",
            ],
            [_standing(found, name) for name in rivals],
            words=("what it is", "rival better"),
        )
        + folded("Every difference between the model and a rival", _differences(found))
        + "".join(
            folded(f"{name}: figures per property", figures_table(found, name)) for name in rivals
        )
    )


def _standing(found: Evaluation, rival: str) -> list[str]:
    strategy = found.strategies[rival]
    names: dict[str, list[str]] = {
        "model better": [],
        "no difference shown": [],
        "rival better": [],
    }
    for name, rows in found.comparisons.items():
        for row in rows:
            if row.rival == rival:
                names[row.verdict].append(PROPERTIES[INDEX[name]].label)
    model, same, other = names.values()
    return [
        rival, strategy.description, cell(strategy.mean_ccc, ".3f"), f"{len(model)}", f"{len(same)}",
        ", ".join(other) or "none",
    ]  # fmt: skip


def _differences(found: Evaluation) -> str:
    rows = [
        [
            PROPERTIES[INDEX[name]].label,
            row.rival,
            cell(row.squared_error_difference, ".3g"),
            f"{row.soils:,}",
            f"{row.p_holm:.3f}",
            row.verdict,
        ]
        for name, rows in found.comparisons.items()
        for row in rows
    ]
    return table(
        "Squared error of the model less that of the rival: below zero the model is better",
        ["property", "rival", "difference", "soils", "p", "verdict"],
        rows,
        words=("rival", "verdict"),
    )


def figures_table(found: Evaluation, strategy: str) -> str:
    """The figures of ``strategy`` per property, with intervals."""
    columns = ("ccc", "r2", "rmse", "bias", "rpiq", "slope")
    rows = []
    for name, row in found.strategies[strategy].properties.items():
        item = PROPERTIES[INDEX[name]]
        start = [figures.headed(item), f"{row.soils:,}"]
        if row.left_out is not None:
            rows.append([*start, f"left out: {row.left_out}"])
            continue
        in_unit = f".{item.decimals + 1}f"
        digits = dict.fromkeys(columns, ".2f") | dict.fromkeys(("rmse", "bias"), in_unit)
        rows.append([*start, *(cell(row.figures[c], digits[c]) for c in columns)])
    return table(
        f"{strategy}: figures per property, with {found.bootstrap.level:.0%} intervals",
        ["property", "soils", "CCC", "R²", "RMSE", "bias", "RPIQ", "slope"],
        rows,
    )


def has_figures(found: Evaluation) -> bool:
    """Whether the model has figures of any property."""
    return any(row.figures for row in found.strategies[MODEL].properties.values())
