"""The networks of stages 1 and 2: two encoders and one decoder. Sizes and shapes are ours."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import nn

from training.treatments import snv

_SCALE_FLOOR: Final = 1e-7
"""Least scale of scores: below it lies rounding, which must not be blown up."""


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


def straight(inward: int, outward: int) -> Any:
    """A linear map past the layers, zero until it is begun."""
    linear = nn.utils.skip_init(nn.Linear, inward, outward, bias=False)
    nn.init.zeros_(linear.weight)
    return linear


class MirEncoder(nn.Module):  # type: ignore[misc]
    """MIR absorbance ``[n, bands]`` -> mean and log variance of the latent, ``[n, latent]`` each.

    What differs from scan to scan of one soil is mostly its level: SNV takes that away first. The
    latent is a linear map of what is left, to which a perceptron adds (He et al. 2016).
    """

    def __init__(self, sizes: Sequence[int], latent: int, generator: Any = None) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(sizes[0]))
        self.register_buffer("scale", torch.ones(sizes[0]))
        self.straight = straight(sizes[0], latent)
        self.layers = perceptron([*sizes, 2 * latent], generator)

    def standardised(self, absorbance: Any) -> Any:
        """``[n, bands]`` after SNV, with zero mean and unit standard deviation in the library."""
        return (snv(absorbance) - self.centre) / self.scale

    def forward(self, absorbance: Any) -> Any:
        """``[n, bands]`` to ``(mean, log_variance)``."""
        seen = self.standardised(absorbance)
        added, log_variance = self.layers(seen).chunk(2, dim=1)
        return self.straight(seen) + added, log_variance


class MirDecoder(nn.Module):  # type: ignore[misc]
    """Latent ``[n, latent]`` -> MIR absorbance ``[n, bands]`` at the level and spread of the library."""

    def __init__(self, sizes: Sequence[int], generator: Any = None) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(sizes[-1]))
        self.register_buffer("scale", torch.ones(sizes[-1]))
        self.straight = straight(sizes[0], sizes[-1])
        self.layers = perceptron(sizes, generator)

    def standardised(self, latent: Any) -> Any:
        """``[n, latent]`` to what `MirEncoder.standardised` makes of a spectrum."""
        return self.straight(latent) + self.layers(latent)

    def forward(self, latent: Any) -> Any:
        """``[n, latent]`` to absorbance."""
        return self.standardised(latent) * self.scale + self.centre


class NirEncoder(nn.Module):  # type: ignore[misc]
    """Scores of a NIR spectrum ``[n, k]`` -> latent ``[n, latent]``."""

    def __init__(self, sizes: Sequence[int], generator: Any = None, dropout: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(sizes[0]))
        self.layers = perceptron(sizes, generator, dropout)

    def begin(self, scores: Any, parts: Sequence[slice]) -> None:
        """Take one scale for each treatment, whose scores ``parts`` names, from ``scores`` ``[n, k]``.

        Treatments weigh the same; within one, a score as much as it varies: with few soils those
        that vary little would teach the encoder their noise.
        """
        variance = scores.var(dim=0)
        for part in parts:
            self.scale[part] = variance[part].mean().sqrt().clamp(min=_SCALE_FLOOR)

    def forward(self, scores: Any) -> Any:
        """``[n, k]`` to latent."""
        return self.layers(scores / self.scale)


def layer_sizes(layers: Any) -> list[int]:
    """What `perceptron` was called with."""
    linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
    return [linear[0].in_features, *(layer.out_features for layer in linear)]
