"""The hot path as one module: reflectance in, properties, latent and pre-processed spectrum out."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from torch import nn

from training.preprocessing import absorbance

NIR: Final = "NIR"
TREATED: Final = "NIR treated"
SCORES: Final = "NIR scores"
LATENT: Final = "NIR latent"
CONVERTED: Final = "converted"
"""What heads can see of a NIR spectrum: itself after pre-processing, all treatments, their principal
components, which the encoder sees, the latent, and the MIR spectrum that the frozen decoder makes of it."""

MIR: Final = "MIR"
MIR_LATENT: Final = "MIR latent"
"""What heads that no device needs can see of a MIR spectrum: itself after SNV, and its latent."""

CHUNK: Final = 512
"""Scans at a time. Ours: what a kernel head makes of them stays in the processor's cache."""


class NirSight(nn.Module):  # type: ignore[misc]
    """Reflectance fraction ``[n, bands]`` -> each view ``[n, k]`` of it, by name."""

    def __init__(
        self, preprocessing: Any, treatments: Any, scores: Any, nir_encoder: Any, mir_decoder: Any
    ) -> None:
        super().__init__()
        self.preprocessing = preprocessing
        self.treatments = treatments
        self.scores = scores
        self.nir_encoder = nir_encoder
        self.mir_decoder = mir_decoder

    def forward(self, reflectance: Any) -> dict[str, Any]:
        """``[n, bands]`` to all views; what nobody asks for is not part of an exported graph."""
        preprocessed = self.preprocessing(reflectance)
        treated = self.treatments(absorbance(reflectance))
        scores = self.scores(treated)
        latent = self.nir_encoder(scores)
        return {
            NIR: preprocessed,
            TREATED: treated,
            SCORES: scores,
            LATENT: latent,
            CONVERTED: self.mir_decoder(latent),
        }

    def parts(self, view: str) -> tuple[slice, ...]:
        """The columns of each treatment in a view; one slice where there is but one."""
        if view == TREATED:
            return tuple(self.treatments.slices)
        if view == SCORES:
            return tuple(self.scores.slices)
        return (slice(None),)


class Pipeline(nn.Module):  # type: ignore[misc]
    """Reflectance fraction ``[n, bands]`` -> ``(properties [n, 9], latent [n, 32], preprocessed [n, m])``.

    Properties are in reporting units, before coherence.
    """

    def __init__(self, sight: NirSight, heads: Any) -> None:
        super().__init__()
        self.sight = sight
        self.heads = heads

    def forward(self, reflectance: Any) -> Any:
        """``[n, bands]`` to the three outputs."""
        views = self.sight(reflectance)
        return self.heads(views), views[LATENT], views[NIR]


class Model(nn.Module):  # type: ignore[misc]
    """Everything that is kept of a training run: the pipeline, in which the MIR decoder lies."""

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__()
        self.pipeline = pipeline

    @property
    def mir_decoder(self) -> Any:
        """Latent ``[n, latent]`` -> MIR absorbance ``[n, bands]``."""
        return self.pipeline.sight.mir_decoder

    def outputs(self, reflectance: Any) -> dict[str, Any]:
        """Float32 arrays of all outputs for reflectance ``[n, bands]``, without gradients."""
        names = ("properties", "latent", "preprocessed", "mir")
        found: dict[str, list[Any]] = {name: [] for name in names}
        with torch.no_grad():
            for part in torch.as_tensor(reflectance).split(CHUNK):
                properties, latent, preprocessed = self.pipeline(part)
                outputs = (properties, latent, preprocessed, self.mir_decoder(latent))
                for name, tensor in zip(names, outputs, strict=True):
                    found[name].append(tensor.numpy())
        return {name: np.concatenate(parts) for name, parts in found.items()}
