"""How good predictions are: R2, RMSE, bias, Lin's CCC, RPIQ; NaN observations are left out."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike

from soil.errors import SoilError


@dataclass(frozen=True)
class Metrics:
    """Agreement of predictions with observations.

    ``r2`` is 1 - SSE/SST (negative when worse than the mean); ``rmse`` and ``bias`` (mean of
    predicted - observed) are in the property's unit; ``ccc`` is Lin's concordance correlation
    coefficient (Lin 1989, doi:10.2307/2532051, with variances over n); ``rpiq`` is the
    interquartile range of the observations over RMSE (Bellon-Maurel et al. 2010,
    doi:10.1016/j.trac.2010.05.006).
    """

    n: int
    r2: float
    rmse: float
    bias: float
    ccc: float
    rpiq: float

    def as_dict(self) -> dict[str, float]:
        """The figures by name."""
        return asdict(self)


def metrics(observed: ArrayLike, predicted: ArrayLike) -> Metrics:
    """Figures over the pairs ``[n]`` with a finite observation; raises `SoilError` below two."""
    y, p = np.asarray(observed, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if y.shape != p.shape or y.ndim != 1:
        raise SoilError(f"observed {y.shape} and predicted {p.shape} are no pairs")
    known = np.isfinite(y)
    y, p = y[known], p[known]
    if y.size < 2:
        raise SoilError(f"{y.size} observations are too few for a metric")
    error = p - y
    sst = float(np.sum((y - y.mean()) ** 2))
    rmse = float(np.sqrt(np.mean(error**2)))
    spread = y.var() + p.var() + (y.mean() - p.mean()) ** 2
    quartile_range = float(np.subtract(*np.percentile(y, [75, 25])))
    return Metrics(
        n=int(y.size),
        r2=1.0 - float(np.sum(error**2)) / sst if np.ptp(y) > 0 else float("nan"),
        rmse=rmse,
        bias=float(error.mean()),
        ccc=float(2 * np.mean((y - y.mean()) * (p - p.mean())) / spread) if spread > 0 else 1.0,
        rpiq=quartile_range / rmse if rmse > 0 else float("inf"),
    )
