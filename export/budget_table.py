"""What each precision costs, in lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from export.precisions import Precise, Precision


def budget_lines(precise: Mapping[Precision, Precise]) -> Iterator[str]:
    """A line or two for each precision."""
    for name, found in precise.items():
        narrowing = found.narrowing
        if narrowing is None:
            yield f"{name}: nothing within budget"
        else:
            size = sum(len(graph) for graph in found.graphs.values())
            yield f"{name}: {', '.join(narrowing.parts)}; {size / 1e6:.1f} MB"
            if narrowing.ccc_loss:
                worst = max(narrowing.ccc_loss, key=lambda each: narrowing.ccc_loss[each])
                changed = max(narrowing.change, key=lambda each: narrowing.change[each])
                yield (
                    f"  loses at most {narrowing.ccc_loss[worst]:.4f} of a CCC ({worst}), changes a "
                    f"value by at most {narrowing.change[changed]:.2f} half widths ({changed})"
                )
        for graph, reason in found.refused.items():
            yield f"  {graph} refused: {reason}"
        for part, loss in found.alone.items():
            if narrowing is None or part not in narrowing.parts:
                ccc, change = max(loss.ccc.values()), max(loss.change.values())
                yield f"  {part} stays in fp32: {ccc:.4f} of a CCC, {change:.2f} half widths by itself"
