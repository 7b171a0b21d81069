"""Every strategy that was trained, each by itself: no device needs it, the evaluation does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.heads.assembled import Part, rival_names, two_ways
from training.mir_autoencoder import MIR_VIEWS
from training.pipeline import CHUNK


class EveryStrategy(nn.Module):  # type: ignore[misc]
    """The heads of each strategy, and the MIR encoder that those on a MIR latent look through."""

    def __init__(self, mir_encoder: Any, parts: Mapping[str, Part]) -> None:
        super().__init__()
        self.mir_encoder = mir_encoder
        self.names = tuple(parts)
        self.views = tuple(part.view for part in parts.values())
        self.heads = nn.ModuleList([part.head for part in parts.values()])

    @property
    def parts(self) -> dict[str, Part]:
        """The heads by the name of their strategy."""
        return {
            name: Part(view, head)
            for name, view, head in zip(self.names, self.views, self.heads, strict=True)
        }

    def seen_in_mir(self, absorbance: Any) -> dict[str, Any]:
        """The views ``[n, k]`` of MIR absorbance ``[n, bands]``, by name."""
        return {name: view(self.mir_encoder, absorbance) for name, view in MIR_VIEWS.items()}

    def said(self, views: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
        """As `said_by` its parts."""
        return said_by(self.parts, views)


def said_by(parts: Mapping[str, Part], views: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
    """What each rival that sees one of ``views`` ``[n, k]`` says: ``[n, 9]`` on model scale."""
    found: dict[str, NDArray[np.float64]] = {}
    with torch.no_grad():
        for name, (view, head) in parts.items():
            if view not in views:
                continue
            targets = torch.cat([head(scans) for scans in views[view].split(CHUNK)])
            for rival, way in zip(rival_names((name,)), two_ways(targets), strict=True):
                found[rival] = way.numpy().astype(float)
    return found
