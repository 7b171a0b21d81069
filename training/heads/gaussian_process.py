"""Gaussian-process heads (Rasmussen and Williams 2006): what their mean becomes is a kernel head.

The covariance of two soils is a sum over the treatments of their spectra: a linear one and, of
each, a Matern 5/2. How much each weighs, how far it reaches and how much is noise are those with
the greatest marginal likelihood. The choice of kernels is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import nn

from training.heads.examples import Examples, rarest_first, standardising

LIKELIHOOD_ROWS: Final = 400
"""Rows that the likelihood is computed on where there are more: its cost grows with their cube. Ours."""

ROWS_MAX: Final = 2500
"""Rows that the mean rests on where there are more, for the sake of the device. Ours."""

STEPS: Final = 40
"""Of L-BFGS-B. Ours: the likelihood is flat by then."""

JITTER: Final = 2e-3
"""Least noise, a share of the target's variance. Ours, as the limits below are: the device computes in
float32, and a smooth law can also be told by great weights that cancel."""

PRIOR: Final = 0.02
"""Weight of the squared logarithms, which holds parts that nothing depends on in place. Ours."""

LINE_LIMITS: Final = (-9.0, 9.0)
KERNEL_LIMITS: Final = (-9.0, 1.5)
REACH_LIMITS: Final = (-1.5, 1.5)
NOISE_LIMITS: Final = (-9.0, 1.0)
"""Logarithms: of variances over the target's, of lengths over the root mean square distance of a
spectrum from the mean one."""


class KernelHead(nn.Module):  # type: ignore[misc]
    """Features ``[n, k]`` -> targets ``[n, t]``: linear, plus kernels about ``support`` soils.

    ``parts`` are the columns of the treatments. `kept` names the targets that are computed; the
    others are zero, and the kernels, which cost the most, are not looked at for them.
    """

    def __init__(self, parts: Sequence[slice], support: int, targets: int) -> None:
        super().__init__()
        self.parts = tuple(parts)
        columns = self.parts[-1].stop
        self.kept = list(range(targets))
        self.register_buffer("centre", torch.zeros(columns))
        self.register_buffer("scale", torch.ones(len(parts)))
        self.register_buffer("support", torch.zeros(support, columns))
        self.register_buffer("weights", torch.zeros(support, targets))
        self.register_buffer("amplitude", torch.zeros(len(parts), targets))
        self.register_buffer("reach", torch.ones(len(parts), targets))
        self.register_buffer("slopes", torch.zeros(columns, targets))
        self.register_buffer("intercepts", torch.zeros(targets))

    def keeping(self, targets: Sequence[int]) -> KernelHead:
        """The same head, weights shared, that computes ``targets`` alone."""
        twin = copy(self)
        twin.kept = list(targets)
        return twin

    def forward(self, features: Any) -> Any:
        """``[n, k]`` to ``[n, t]``."""
        centred = features - self.centre
        squared = [
            squared_distance(centred[:, part] / scale, self.support[:, part])
            for part, scale in zip(self.parts, self.scale, strict=True)
        ]
        columns = []
        for i in range(self.weights.shape[1]):
            if i not in self.kept:
                columns.append(torch.zeros_like(centred[:, 0]))
                continue
            near = sum(
                self.amplitude[j, i] * matern(distance, self.reach[j, i])
                for j, distance in enumerate(squared)
            )
            columns.append(near @ self.weights[:, i])
        return torch.stack(columns, dim=1) + centred @ self.slopes + self.intercepts


def squared_distance(a: Any, b: Any) -> Any:
    """``[n, m]`` of the rows of ``a`` ``[n, k]`` and ``b`` ``[m, k]``."""
    along = (a * a).sum(dim=1, keepdim=True) + (b * b).sum(dim=1) - 2 * (a @ b.T)
    return along.clamp(min=0.0)


def matern(squared: Any, reach: Any) -> Any:
    """Matern 5/2 of squared distances (Rasmussen and Williams 2006, eq. 4.17)."""
    # The root's slope is infinite at zero, where a soil meets itself.
    root = torch.sqrt(5.0 * squared + 1e-12) / reach
    return (1.0 + root + root * root / 3.0) * torch.exp(-root)


@dataclass(frozen=True)
class _Covariance:
    """Inner products and squared distances of soils in each treatment, float64 ``[n, n]``."""

    products: list[Any]
    squared: list[Any]

    def __call__(self, log: Any) -> Any:
        """``log`` holds the weight of the linear part, then weight and reach of each kernel."""
        total = log[0].exp() * self.products[0]
        for squared, weight, reach in zip(self.squared, log[1:-1:2], log[2:-1:2], strict=True):
            total = total + weight.exp() * matern(squared, reach.exp())
        return total + (log[-1].exp() + JITTER) * torch.eye(len(total), dtype=total.dtype)


def fit_gaussian_process(
    examples: Examples,
    parts: Sequence[slice],
    seed: int,
    likelihood_rows: int = LIKELIHOOD_ROWS,
    steps: int = STEPS,
) -> KernelHead:
    """The mean of one Gaussian process per target, on the means of their soils' spectra.

    The first of ``parts`` is the one that the linear covariance sees. Raises `SettingsError` where
    a target is hardly known.
    """
    rng = np.random.default_rng(seed)
    rows = rarest_first(examples.targets, ROWS_MAX, rng)
    examples = examples[rows]
    features = torch.from_numpy(examples.features)
    centre, deviation = standardising(examples.targets)
    head = KernelHead(parts, len(rows), len(centre))
    head.centre.copy_(features.mean(dim=0))
    centred = features - head.centre
    head.scale.copy_(torch.stack([_root_mean_square(centred[:, part]) for part in parts]))
    scaled = [centred[:, part] / scale for part, scale in zip(parts, head.scale, strict=True)]
    head.support.copy_(torch.cat(scaled, dim=1))
    scaled = [part.double() for part in scaled]
    covariance = _Covariance(
        [scaled[0] @ scaled[0].T], [squared_distance(part, part) for part in scaled]
    )
    for i in range(len(centre)):
        known = np.flatnonzero(np.isfinite(examples.targets[:, i]))
        target = torch.from_numpy((examples.targets[known, i] - centre[i]) / deviation[i])
        shown = np.sort(rng.permutation(len(known))[:likelihood_rows])
        log = _most_likely(_of(covariance, known[shown]), target[torch.from_numpy(shown)], steps)
        solved = torch.linalg.solve(_of(covariance, known)(log), target) * deviation[i]
        head.weights[known, i] = solved.float()
        head.amplitude[:, i] = log[1:-1:2].exp().float()
        head.reach[:, i] = log[2:-1:2].exp().float()
        slopes = log[0].exp() * (scaled[0][known].T @ solved) / head.scale[0]
        head.slopes[parts[0], i] = slopes.float()
        head.intercepts[i] = float(centre[i])
    return head


def _of(covariance: _Covariance, rows: NDArray[np.int64]) -> _Covariance:
    def among(matrix: Any) -> Any:
        return matrix[rows][:, rows]

    return _Covariance(
        [among(m) for m in covariance.products], [among(m) for m in covariance.squared]
    )


def _root_mean_square(spectra: Any) -> Any:
    return torch.sqrt((spectra**2).sum(dim=1).mean()).clamp(min=1e-12)


def _most_likely(covariance: _Covariance, target: Any, steps: int) -> Any:
    """Logarithms of weights, reaches and noise with the greatest marginal likelihood."""
    kernels = len(covariance.squared)

    def loss(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        log = torch.from_numpy(at).requires_grad_()
        factor, failed = torch.linalg.cholesky_ex(covariance(log))
        if int(failed):
            return 1e9, np.zeros_like(at)
        solved = torch.cholesky_solve(target[:, None], factor)[:, 0]
        value = 0.5 * target @ solved + torch.log(torch.diagonal(factor)).sum()
        value = value + PRIOR * (log[:-1] ** 2).sum()
        value.backward()
        return float(value.detach()), log.grad.numpy().copy()

    start = np.array([-np.log(kernels + 1.0)] + [-np.log(kernels + 1.0), 0.0] * kernels + [-2.3])
    limits = [LINE_LIMITS] + [KERNEL_LIMITS, REACH_LIMITS] * kernels + [NOISE_LIMITS]
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=limits, options={"maxiter": steps}
    )
    return torch.from_numpy(found.x)
