"""What many spectra have in common, from a stream of parts of them: no more than a part is in memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import torch

_VARIANCE_FLOOR: Final = 1e-8
"""Least variance of a component, of that of the first: what lies below is rounding."""

_DEVIATION_FLOOR: Final = 1e-6
"""Least standard deviation of a component of standardised spectra, where all of them are the same."""


def mean_and_deviation(parts: Iterable[Any]) -> tuple[Any, Any]:
    """Mean and standard deviation ``[bands]`` of the spectra ``[n, bands]`` of all ``parts``."""
    count = 0
    total: Any = 0.0
    squares: Any = 0.0
    for part in parts:
        exact = part.double()
        count += len(part)
        total = total + exact.sum(dim=0)
        squares = squares + (exact**2).sum(dim=0)
    mean = total / count
    variance = (squares - count * mean**2) / max(count - 1, 1)
    return mean.float(), variance.clamp(min=0).sqrt().float()


def level_and_spread(parts: Iterable[Any]) -> tuple[float, float]:
    """Mean over all spectra of their mean, and of their standard deviation."""
    count, level, spread = 0, 0.0, 0.0
    for part in parts:
        count += len(part)
        level += float(part.mean(dim=1).sum())
        spread += float(part.std(dim=1, correction=0).sum())
    return level / count, spread / count


def principal_components(parts: Iterable[Any], count: int) -> tuple[Any, Any]:
    """Standard deviations ``[count]`` and directions ``[bands, count]``, the widest first.

    Of standardised spectra ``[n, bands]``; where bands are fewer, the last directions are zero.
    """
    samples = 0
    products: Any = 0.0
    for part in parts:
        exact = part.double()
        samples += len(part)
        products = products + exact.T @ exact
    variances, directions = torch.linalg.eigh(products / samples)
    variances, directions = variances.flip(0)[:count], directions.flip(1)[:, :count]
    deviations = variances.clamp(min=_VARIANCE_FLOOR * float(variances[0])).sqrt()
    deviations, directions = deviations.clamp(min=_DEVIATION_FLOOR), upright(directions)
    missing = count - len(deviations)
    deviations = torch.nn.functional.pad(deviations, (0, missing), value=1.0)
    return deviations.float(), torch.nn.functional.pad(directions, (0, missing)).float()


def upright(directions: Any) -> Any:
    """``directions`` ``[bands, count]``, each with its largest loading positive.

    An eigenvector's sign is nobody's choice, and what learns from scores begins elsewhere for another.
    """
    largest = directions.abs().argmax(dim=0, keepdim=True)
    return directions * directions.gather(0, largest).sign()
