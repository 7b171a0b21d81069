"""Does the model know spectra like this one? The Q residual of its own principal components.

A frozen MIR decoder does not reconstruct NIR, so NIR needs this model of its own. Q is the squared
distance to the plane of the components (Jackson and Mudholkar 1979, doi:10.1080/00401706.1979.
10489779); its limits are empirical percentiles on held-out spectra, since the analytic ones assume
normal residuals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contract.bundle import Bundle
from contract.reasons import Verdict


@dataclass(frozen=True)
class QModel:
    """Mean ``[m]`` and orthonormal components ``[k, m]`` of pre-processed spectra, with limits."""

    mean: NDArray[np.float32]
    components: NDArray[np.float32]
    caution: float
    reject: float

    @classmethod
    def of(cls, bundle: Bundle) -> QModel:
        """The domain model that ``bundle`` carries."""
        q = bundle.manifest.domain.q_residual
        return cls(bundle.array(q.mean), bundle.array(q.components), q.caution, q.reject)

    def residual(self, preprocessed: ArrayLike) -> NDArray[np.float64]:
        """Q ``[n]`` of pre-processed spectra ``[n, m]``."""
        return q_residual(preprocessed, self.mean, self.components)

    def verdict(self, q: float) -> Verdict:
        """What a residual ``q`` does to its reading."""
        if q > self.reject:
            return "reject"
        return "caution" if q > self.caution else "ok"


def q_residual(
    preprocessed: ArrayLike, mean: ArrayLike, components: ArrayLike
) -> NDArray[np.float64]:
    """Squared distance ``[n]`` of spectra ``[n, m]`` to mean ``[m]`` + span of components ``[k, m]``."""
    loadings = np.asarray(components, dtype=np.float64)
    centred = np.asarray(preprocessed, dtype=np.float64) - np.asarray(mean, dtype=np.float64)
    rest = centred - (centred @ loadings.T) @ loadings
    q: NDArray[np.float64] = np.sum(rest**2, axis=-1)
    return q
