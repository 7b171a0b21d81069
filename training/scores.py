"""Principal components of each treatment of a spectrum: few numbers that hold nearly all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import nn

from training.moments import upright

COMPONENTS: Final = 40
"""Of each treatment. Ours: what comes after them is noise in every set that was looked at."""


class Scores(nn.Module):  # type: ignore[misc]
    """Treated spectra ``[n, columns]`` -> scores ``[n, k]``, in the columns that `slices` names."""

    def __init__(self, columns: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(columns))
        self.register_buffer("loadings", torch.zeros(columns, sum(widths)))
        ends = torch.tensor(widths).cumsum(0).tolist()
        self.slices = tuple(slice(end - w, end) for end, w in zip(ends, widths, strict=True))

    def forward(self, treated: Any) -> Any:
        """``[n, columns]`` to ``[n, k]``."""
        return (treated - self.centre) @ self.loadings


def fit_scores(treated: Any, parts: Sequence[slice], components: int = COMPONENTS) -> Scores:
    """The first ``components`` of each of the ``parts`` of ``treated`` ``[n, columns]``."""
    n = len(treated)
    widths = [min(components, n - 1, part.stop - part.start) for part in parts]
    scores = Scores(treated.shape[1], widths)
    scores.centre.copy_(treated.mean(dim=0))
    centred = (treated - scores.centre).double()
    for part, columns in zip(parts, scores.slices, strict=True):
        # Eigenvectors of the smaller of the two products; both give the same loadings.
        own = centred[:, part]
        wide = own.shape[1] > n
        _, vectors = torch.linalg.eigh(own @ own.T if wide else own.T @ own)
        vectors = vectors[:, -(columns.stop - columns.start) :].flip(1)
        if wide:
            vectors = own.T @ vectors
            vectors = vectors / vectors.norm(dim=0)
        scores.loadings[part, columns] = upright(vectors).float()
    return scores
