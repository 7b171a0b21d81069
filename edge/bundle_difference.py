"""What is different between two bundles, in words: axis, outputs, precisions, metrics, data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from contract.bundle import Bundle

METRICS: Final = ("ccc", "rmse")
"""Those of the test set that are held against each other."""

_DIGEST_SHOWN: Final = 16


class Difference(NamedTuple):
    """A thing of a bundle, and what it is in each of two; None where it has none."""

    what: str
    before: Any
    after: Any


def differences(before: Bundle, after: Bundle) -> list[Difference]:
    """What differs from ``before`` to ``after``, every member among it."""
    facts = [dict(_facts(bundle)) for bundle in (before, after)]
    names = list(dict.fromkeys([*facts[0], *facts[1]]))
    found = [Difference(name, *(own.get(name) for own in facts)) for name in names]
    return [each for each in found if each.before != each.after]


def lines(found: list[Difference]) -> Iterator[str]:
    """For a terminal."""
    if not found:
        yield "no difference"
    for what, before, after in found:
        yield f"{what:<32} {_shown(before)} -> {_shown(after)}"


def _facts(bundle: Bundle) -> Iterator[tuple[str, Any]]:
    manifest = bundle.manifest
    yield "name", manifest.name
    yield "version", manifest.version
    yield "synthetic", manifest.synthetic
    yield "licence", manifest.licence
    yield "needs loamscan", manifest.minimum_agent
    yield "axis", str(bundle.axis)
    # Two axes can have the same ends and count.
    yield "axis values, sha256", _digest(bundle.axis.values.tobytes())
    yield "pre-processing", ", ".join(manifest.input.preprocessing)
    yield "latent features", manifest.latent_features
    yield "training data", ", ".join(card.name for card in manifest.training_data)
    yield "bytes", sum(entry.size for entry in manifest.files.values())
    for name, entry in sorted(manifest.files.items()):
        yield f"{name}, sha256", entry.sha256[:_DIGEST_SHOWN]
    for precision, narrowing in manifest.precisions.items():
        yield f"{precision} of", ", ".join(narrowing.parts)
        if narrowing.ccc_loss:
            yield f"{precision} CCC lost", max(narrowing.ccc_loss.values())
            yield f"{precision} change", max(narrowing.change.values())
    yield "interval level", manifest.intervals.level
    for what, limits in (("Q", manifest.domain.q_residual), ("GH", manifest.domain.gh)):
        yield f"{what} limits", (limits.caution, limits.reject)
    for output in manifest.outputs:
        yield f"{output.name} unit", output.unit
        yield f"{output.name} method", f"{output.code}, {output.method}"
        yield f"{output.name} range", f"{output.lowest:g} to {output.highest:g}"
        yield f"{output.name} read from", output.strategy
        yield f"{output.name} half width", manifest.intervals.half_width[output.name]
        for metric in METRICS:
            yield (
                f"{output.name} {metric.upper()}",
                manifest.metrics.get(output.name, {}).get(metric),
            )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGEST_SHOWN]


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(_shown(each) for each in value)
    return "none" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
