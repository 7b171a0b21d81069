"""The hot path as one module: reflectance in, properties, latent and pre-processed spectrum out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from training.card import Architecture
from training.networks import Heads, MirDecoder, NirEncoder
from training.preprocessing import Preprocessing


class Pipeline(nn.Module):  # type: ignore[misc]
    """Reflectance fraction ``[n, bands]`` -> ``(properties [n, 9], latent [n, 32], preprocessed [n, m])``.

    Properties are in reporting units, before coherence.
    """

    def __init__(self, preprocessing: Any, nir_encoder: Any, heads: Any) -> None:
        super().__init__()
        self.preprocessing = preprocessing
        self.nir_encoder = nir_encoder
        self.heads = heads

    def forward(self, reflectance: Any) -> Any:
        """``[n, bands]`` to the three outputs."""
        preprocessed = self.preprocessing(reflectance)
        latent = self.nir_encoder(preprocessed)
        return self.heads(latent), latent, preprocessed


class Model(nn.Module):  # type: ignore[misc]
    """Everything that is kept of a training run: the pipeline and the MIR decoder."""

    def __init__(self, pipeline: Any, mir_decoder: Any) -> None:
        super().__init__()
        self.pipeline = pipeline
        self.mir_decoder = mir_decoder

    @classmethod
    def of(cls, architecture: Architecture, weights: Mapping[str, Any]) -> Model:
        """A model of these sizes with these weights; raises `RuntimeError` where they don't fit."""
        model = cls(
            Pipeline(
                Preprocessing(architecture.bands),
                NirEncoder(architecture.nir_encoder),
                Heads(architecture.heads),
            ),
            MirDecoder(architecture.mir_decoder),
        )
        model.load_state_dict(dict(weights))
        model.eval()
        return model

    def outputs(self, reflectance: Any) -> dict[str, Any]:
        """Float32 arrays of all outputs for reflectance ``[n, bands]``, without gradients."""
        with torch.no_grad():
            properties, latent, preprocessed = self.pipeline(torch.as_tensor(reflectance))
            mir = self.mir_decoder(latent)
        arrays = {
            "properties": properties, "latent": latent, "preprocessed": preprocessed, "mir": mir
        }  # fmt: skip
        return {name: tensor.numpy() for name, tensor in arrays.items()}
