"""What is different between two bundles, in words: axis, outputs, precisions, metrics, data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from contract.bundle import Bundle
from contract.manifest import Manifest

METRICS: Final = ("ccc", "rmse")
"""Those of the test set that are held against each other."""


class Difference(NamedTuple):
    """A thing of a bundle, and what it is in each of two; None where it has none."""

    what: str
    before: Any
    after: Any


def differences(before: Bundle, after: Bundle) -> list[Difference]:
    """What differs from ``before`` to ``after``, none where both are the same to the byte."""
    pairs = zip(_facts(before), _facts(after), strict=True)
    found = [Difference(what, one, other) for (what, one), (_, other) in pairs if one != other]
    held = (before.manifest, after.manifest)
    for precision in sorted({name for manifest in held for name in manifest.precisions}):
        one, other = (manifest.precisions.get(precision) for manifest in held)
        if one != other:
            parts = [None if each is None else ", ".join(each.parts) for each in (one, other)]
            found.append(Difference(f"{precision} of", *parts))
    if not found and before.sha256 != after.sha256:
        found.append(Difference("weights or arrays", before.sha256, after.sha256))
    return found


def lines(found: list[Difference]) -> Iterator[str]:
    """For a terminal."""
    if not found:
        yield "no difference"
    for what, before, after in found:
        yield f"{what:<28} {_shown(before)} -> {_shown(after)}"


def _facts(bundle: Bundle) -> Iterator[tuple[str, Any]]:
    """The same facts in the same order for any bundle."""
    manifest: Manifest = bundle.manifest
    yield "name", manifest.name
    yield "version", manifest.version
    yield "synthetic", manifest.synthetic
    yield "needs loamscan", manifest.minimum_agent
    yield "axis", str(bundle.axis)
    yield "pre-processing", ", ".join(manifest.input.preprocessing)
    yield "latent features", manifest.latent_features
    yield "pipeline in", ", ".join(manifest.graphs.pipeline)
    yield "MIR decoder in", ", ".join(manifest.graphs.mir_decoder)
    yield "bytes", sum(entry.size for entry in manifest.files.values())
    yield "training data", ", ".join(card.name for card in manifest.training_data)
    for output in manifest.outputs:
        yield f"{output.name} unit", output.unit
        yield f"{output.name} range", f"{output.lowest:g} to {output.highest:g}"
        yield f"{output.name} read from", output.strategy
        yield f"{output.name} half width", manifest.intervals.half_width[output.name]
        for metric in METRICS:
            yield (
                f"{output.name} {metric.upper()}",
                manifest.metrics.get(output.name, {}).get(metric),
            )
    for what, limits in (("Q", manifest.domain.q_residual), ("GH", manifest.domain.gh)):
        yield f"{what} limits", (limits.caution, limits.reject)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(_shown(each) for each in value)
    return "none" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
