"""The networks of stages 1 and 2: two encoders and one decoder. Sizes are ours."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn


def perceptron(sizes: Sequence[int], generator: Any, dropout: float = 0.0) -> Any:
    """Linear layers of ``sizes`` with ReLU between; weights drawn by He et al. 2015, biases zero."""
    layers: list[Any] = []
    for i, (inward, outward) in enumerate(itertools.pairwise(sizes)):
        if i:
            layers.append(nn.Sequential(nn.ReLU(), nn.Dropout(dropout)) if dropout else nn.ReLU())
        linear = nn.utils.skip_init(nn.Linear, inward, outward)
        with torch.no_grad():
            linear.weight.normal_(0.0, (2.0 / inward) ** 0.5, generator=generator)
            linear.bias.zero_()
        layers.append(linear)
    return nn.Sequential(*layers)


class MirEncoder(nn.Module):  # type: ignore[misc]
    """MIR absorbance ``[n, bands]`` -> mean and log variance of the latent, ``[n, latent]`` each."""

    def __init__(self, sizes: Sequence[int], latent: int, generator: Any = None) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(sizes[0]))
        self.register_buffer("scale", torch.ones(sizes[0]))
        self.layers = perceptron([*sizes, 2 * latent], generator)

    def forward(self, absorbance: Any) -> Any:
        """``[n, bands]`` to ``(mean, log_variance)``."""
        return self.layers((absorbance - self.centre) / self.scale).chunk(2, dim=1)


class MirDecoder(nn.Module):  # type: ignore[misc]
    """Latent ``[n, latent]`` -> MIR absorbance ``[n, bands]``."""

    def __init__(self, sizes: Sequence[int], generator: Any = None) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(sizes[-1]))
        self.register_buffer("scale", torch.ones(sizes[-1]))
        self.layers = perceptron(sizes, generator)

    def forward(self, latent: Any) -> Any:
        """``[n, latent]`` to absorbance."""
        return self.layers(latent) * self.scale + self.centre


class NirEncoder(nn.Module):  # type: ignore[misc]
    """Pre-processed NIR ``[n, m]`` -> latent ``[n, latent]``."""

    def __init__(self, sizes: Sequence[int], generator: Any = None, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = perceptron(sizes, generator, dropout)

    def forward(self, preprocessed: Any) -> Any:
        """``[n, m]`` to latent."""
        return self.layers(preprocessed)


def layer_sizes(layers: Any) -> list[int]:
    """What `perceptron` was called with."""
    linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
    return [linear[0].in_features, *(layer.out_features for layer in linear)]
