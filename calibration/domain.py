"""Does the model know spectra like this one? Two distances, each with limits of its own.

Q asks whether a spectrum has features that the library lacks: the squared distance of the
pre-processed spectrum to the plane of the library's principal components (Jackson and Mudholkar
1979, doi:10.1080/00401706.1979.10489779). A frozen MIR decoder does not reconstruct NIR, so NIR has
components of its own.

GH asks whether known features stand in unknown proportions, which Q can't see (added water is one
of the components): the squared Mahalanobis distance of the latent to the library's mean over the
number of features, 1 on average (the global H of NIR practice, Shenk and Westerhaus 1991). Taken in
the latent space, since that is where the heads extrapolate; the choice is ours.

Limits are empirical percentiles on held-out spectra, since the analytic ones assume normality.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contract.bundle import Bundle
from contract.reasons import Verdict


class _Limited:
    caution: float
    reject: float

    def verdict(self, distance: float) -> Verdict:
        """What ``distance`` does to its reading."""
        if not distance <= self.reject:
            return "reject"
        return "caution" if distance > self.caution else "ok"


@dataclass(frozen=True)
class QModel(_Limited):
    """Mean ``[m]`` and orthonormal components ``[k, m]`` of pre-processed spectra, with limits."""

    mean: NDArray[np.float32]
    components: NDArray[np.float32]
    caution: float
    reject: float

    def residual(self, preprocessed: ArrayLike) -> NDArray[np.float64]:
        """Q ``[n]`` of pre-processed spectra ``[n, m]``."""
        return q_residual(preprocessed, *self._exact)

    @cached_property
    def _exact(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return self.mean.astype(np.float64), self.components.astype(np.float64)


@dataclass(frozen=True)
class GhModel(_Limited):
    """Mean ``[k]`` and whitening ``[k, k]`` of latents, with limits."""

    mean: NDArray[np.float32]
    whitening: NDArray[np.float32]
    caution: float
    reject: float

    def distance(self, latent: ArrayLike) -> NDArray[np.float64]:
        """GH ``[n]`` of latents ``[n, k]``."""
        return gh_distance(latent, *self._exact)

    @cached_property
    def _exact(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return self.mean.astype(np.float64), self.whitening.astype(np.float64)


@dataclass(frozen=True)
class DomainModel:
    """Both questions of one model."""

    q: QModel
    gh: GhModel

    @classmethod
    def of(cls, bundle: Bundle) -> DomainModel:
        """The domain model that ``bundle`` carries."""
        q, gh = bundle.manifest.domain.q_residual, bundle.manifest.domain.gh
        return cls(
            QModel(bundle.array(q.mean), bundle.array(q.components), q.caution, q.reject),
            GhModel(bundle.array(gh.mean), bundle.array(gh.whitening), gh.caution, gh.reject),
        )


def q_residual(
    preprocessed: ArrayLike, mean: ArrayLike, components: ArrayLike
) -> NDArray[np.float64]:
    """Squared distance ``[n]`` of spectra ``[n, m]`` to mean ``[m]`` + span of components ``[k, m]``."""
    loadings = np.asarray(components, dtype=np.float64)
    centred = np.asarray(preprocessed, dtype=np.float64) - np.asarray(mean, dtype=np.float64)
    # No BLAS here: for products this small its threads cost more than they do, and spin after it.
    scores = np.einsum("...m,km->...k", centred, loadings)
    rest = centred - np.einsum("...k,km->...m", scores, loadings)
    q: NDArray[np.float64] = np.einsum("...i,...i->...", rest, rest)
    return q


def gh_distance(latent: ArrayLike, mean: ArrayLike, whitening: ArrayLike) -> NDArray[np.float64]:
    """Mean square ``[n]`` of whitened latents ``[n, k]``: 1 on average over the library."""
    centred = np.asarray(latent, dtype=np.float64) - np.asarray(mean, dtype=np.float64)
    white = np.einsum("...k,jk->...j", centred, np.asarray(whitening, dtype=np.float64))
    gh: NDArray[np.float64] = np.einsum("...i,...i->...", white, white) / white.shape[-1]
    return gh
