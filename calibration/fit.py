"""What is fitted in the laboratory: the domain model and the interval half widths."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calibration.domain import GhModel, QModel, gh_distance, q_residual
from calibration.errors import CalibrationError
from calibration.intervals import IntervalModel
from soil.properties import NAMES, to_model_scale


def fit_q_model(
    training: ArrayLike,
    held_out: ArrayLike,
    components: int,
    caution_quantile: float,
    reject_quantile: float,
) -> QModel:
    """Principal components of ``training`` ``[n, m]``, limits of Q on ``held_out`` ``[k, m]``.

    The limits are empirical percentiles (order statistics, rounded up) on spectra that the
    components were not fitted on. Raises `CalibrationError` if those are too few for the quantile.
    """
    spectra = np.asarray(training, dtype=np.float64)
    if not 0 < components < min(spectra.shape):
        raise CalibrationError(f"{components} components can't be taken from {spectra.shape}")
    mean = spectra.mean(axis=0)
    _, _, directions = np.linalg.svd(spectra - mean, full_matrices=False)
    mean32 = mean.astype(np.float32)
    components32 = directions[:components].astype(np.float32)
    residuals = q_residual(held_out, mean32, components32)
    caution, reject = (
        _conformal_quantile(residuals, level, "held-out spectra")
        for level in (caution_quantile, reject_quantile)
    )
    return QModel(mean32, components32, caution, reject)


def fit_gh_model(
    training: ArrayLike, held_out: ArrayLike, caution_quantile: float, reject_quantile: float
) -> GhModel:
    """Mean and covariance of latents ``training`` ``[n, k]``, limits of GH on ``held_out``.

    Raises `CalibrationError` where the latents span fewer than ``k`` directions, or where those held
    out are too few for the quantile.
    """
    latents = np.asarray(training, dtype=np.float64)
    mean32 = latents.mean(axis=0).astype(np.float32)
    try:
        factor = np.linalg.cholesky(np.atleast_2d(np.cov(latents, rowvar=False)))
    except np.linalg.LinAlgError as error:
        raise CalibrationError(
            f"the latents {latents.shape} don't span their {latents.shape[1]} features",
            "train on more soils, or with fewer latent features",
        ) from error
    whitening32 = np.linalg.inv(factor).astype(np.float32)
    distances = gh_distance(held_out, mean32, whitening32)
    caution, reject = (
        _conformal_quantile(distances, level, "held-out latents")
        for level in (caution_quantile, reject_quantile)
    )
    return GhModel(mean32, whitening32, caution, reject)


def fit_intervals(
    coherent: ArrayLike, observed: ArrayLike, level: float
) -> tuple[IntervalModel, NDArray[np.int64]]:
    """Half widths from predictions and observations ``[n, 9]`` used for nothing else.

    Missing observations are NaN. Returns the model and the number of residuals per property.
    Raises `CalibrationError` where a property has too few for ``level``.
    """
    predicted = to_model_scale(np.asarray(coherent, dtype=np.float64))
    actual = to_model_scale(np.asarray(observed, dtype=np.float64))
    scores = np.abs(predicted - actual)
    half_width = np.empty(len(NAMES))
    counts = np.zeros(len(NAMES), dtype=np.int64)
    for i, name in enumerate(NAMES):
        known = scores[np.isfinite(scores[:, i]), i]
        half_width[i] = _conformal_quantile(known, level, f"observations of {name}")
        counts[i] = known.size
    return IntervalModel(level, half_width), counts


def _conformal_quantile(scores: NDArray[np.float64], level: float, what: str) -> float:
    rank = math.ceil((scores.size + 1) * level)
    if rank > scores.size:
        needed = math.ceil(round(level / (1 - level), 9))
        raise CalibrationError(
            f"{scores.size} {what} are too few for a level of {level:g}",
            f"hold out at least {needed}",
        )
    return float(np.sort(scores)[rank - 1])
