"""The article's MLP heads: one perceptron that says all targets, stopped by validation soils."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.device import placed
from training.fitting import Progress, Schedule, fit, generator
from training.heads.examples import standardising
from training.networks import perceptron

DROPOUT = 0.1


class Perceptron(nn.Module):  # type: ignore[misc]
    """Features ``[n, k]`` -> targets ``[n, t]``."""

    def __init__(self, sizes: Sequence[int], rng: Any = None) -> None:
        super().__init__()
        self.register_buffer("feature_centre", torch.zeros(sizes[0]))
        self.register_buffer("feature_scale", torch.ones(sizes[0]))
        self.register_buffer("centre", torch.zeros(sizes[-1]))
        self.register_buffer("scale", torch.ones(sizes[-1]))
        self.layers = perceptron(sizes, rng, DROPOUT)

    def standardised(self, features: Any) -> Any:
        """Targets with zero mean and unit standard deviation in the training library."""
        return self.layers((features - self.feature_centre) / self.feature_scale)

    def forward(self, features: Any) -> Any:
        """``[n, k]`` to ``[n, t]``."""
        return self.standardised(features) * self.scale + self.centre


@dataclass(frozen=True, eq=False)
class ScannedSoils:
    """Features ``[n, scans, k]`` of every scan and targets ``[n, t]``, NaN where unknown."""

    features: Any
    targets: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, rows: NDArray[np.int64]) -> ScannedSoils:
        return ScannedSoils(self.features[rows], self.targets[rows])

    def beside(self, other: ScannedSoils) -> ScannedSoils:
        """The soils of both, with as many scans each as the one with fewer has."""
        scans = min(self.features.shape[1], other.features.shape[1])
        return ScannedSoils(
            torch.cat([self.features[:, :scans], other.features[:, :scans]]),
            np.concatenate([self.targets, other.targets]),
        )


def fit_perceptron(
    learn: ScannedSoils,
    validation: ScannedSoils,
    hidden: Sequence[int],
    schedule: Schedule,
    seed: int,
    progress: Progress,
    what: str,
) -> Perceptron:
    """The perceptron with the best validation loss, the mean squared standardised error.

    One scan of a soil, drawn anew each time, goes in. Raises `SettingsError` where a target is
    hardly known.
    """
    centre, deviation = standardising(learn.targets)
    head = Perceptron([learn.features.shape[2], *hidden, len(centre)], generator(seed, 3))
    head.centre.copy_(torch.from_numpy(centre))
    head.scale.copy_(torch.from_numpy(deviation))
    flat = learn.features.flatten(0, 1)
    head.feature_centre.copy_(flat.mean(dim=0))
    head.feature_scale.copy_(flat.std(dim=0) + 1e-6)

    def wanted_and_known(soils: ScannedSoils) -> tuple[Any, Any]:
        standard = torch.from_numpy((soils.targets - centre) / deviation).float()
        return torch.nan_to_num(standard), torch.isfinite(standard)

    with placed(head) as device:
        rng = generator(seed, 13, device)
        features, judged = (each.to(device) for each in (learn.features, validation.features[:, 0]))
        (wanted, known), (asked, answerable) = (
            tuple(each.to(device) for each in wanted_and_known(soils))
            for soils in (learn, validation)
        )

        def loss(rows: Any) -> Any:
            scan = torch.randint(features.shape[1], (len(rows),), generator=rng, device=device)
            out = head.standardised(features[rows, scan])
            return masked_squared_error(out, wanted[rows], known[rows])

        def validate() -> float:
            return float(masked_squared_error(head.standardised(judged), asked, answerable))

        fit(head, loss, validate, len(learn), schedule, rng, progress, what)
    return head


def masked_squared_error(out: Any, wanted: Any, known: Any) -> Any:
    """Mean squared error ``[n, t]`` over what is known; zero where nothing is."""
    return (((out - wanted) ** 2) * known).sum() / known.sum().clamp(min=1)
