"""The part of the report about soils in one preparation and in another."""

from __future__ import annotations

from soil.properties import PROPERTIES
from training.evaluation import figures
from training.evaluation.document import Evaluation, Preparation
from training.evaluation.markup import table


def preparations_part(found: Evaluation) -> str:
    """Tables with a column a preparation; nothing where there is but one."""
    each = found.preparations
    if not each:
        return ""
    names = [of.name or "not said" for of in each]
    counts = [
        ["soils", *(f"{of.soils:,}" for of in each)],
        ["scans", *(f"{of.scans:,}" for of in each)],
        ["flagged at all", *(f"{of.domain['any']:.1%}" for of in each)],
        ["refused", *(f"{of.domain['any_reject']:.1%}" for of in each)],
    ]
    ccc = [[p.label, *(_figure(of, p.name, "ccc", 3) for of in each)] for p in PROPERTIES]
    bias = [
        [figures.headed(p), *(_figure(of, p.name, "bias", p.decimals + 1) for of in each)]
        for p in PROPERTIES
    ]
    return (
        "<h2>In which preparation the soils were</h2>"
        "<p>A model knows soils as it has seen them. Scans of a soil in another preparation, moist "
        "where it has seen air-dry ones, may be far off without being flagged.</p>"
        + table("Scans", ["", *names], counts)
        + table("CCC", ["property", *names], ccc)
        + table("Bias, predicted less laboratory", ["property", *names], bias)
    )


def _figure(of: Preparation, name: str, figure: str, decimals: int) -> str:
    return f"{of.figures[name][figure]:.{decimals}f}" if name in of.figures else "–"
