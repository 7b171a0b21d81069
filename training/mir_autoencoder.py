"""Stage 1: a variational autoencoder of MIR spectra (Kingma and Welling 2014), no labels needed."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from training.fitting import Progress, Schedule, fit, generator
from training.networks import MirDecoder, MirEncoder

DIVERGENCE_WEIGHT = 1e-3
"""Beta: weight of the mean divergence per latent feature against the mean squared error per band.
Ours: small, since the latent is to inform the heads before it is to be sampled from."""


class MirAutoencoder(nn.Module):  # type: ignore[misc]
    """Encoder and decoder, which share the centre and scale of their bands."""

    def __init__(self, encoder: Any, decoder: Any) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder


def train_mir_autoencoder(
    mir: Any,
    validation: Any,
    hidden: tuple[int, ...],
    latent: int,
    schedule: Schedule,
    seed: int,
    progress: Progress,
) -> tuple[MirEncoder, MirDecoder]:
    """Learn from ``mir`` ``[n, repeats, bands]``, stopping on ``validation`` of the same form.

    Scan repeats are the augmentation: one repeat, drawn anew each time, goes in, and the mean of
    all repeats of that soil is what must come out.
    """
    rng = generator(seed, 1)
    bands = mir.shape[2]
    encoder = MirEncoder([bands, *hidden], latent, rng)
    decoder = MirDecoder([latent, *reversed(hidden), bands], rng)
    target = mir.mean(dim=1)
    for module in (encoder, decoder):
        module.centre.copy_(target.mean(dim=0))
        module.scale.copy_(target.std(dim=0))
    both = MirAutoencoder(encoder, decoder)

    def squared_error(out: Any, wanted: Any) -> Any:
        return (((out - wanted) / decoder.scale) ** 2).mean()

    def loss(rows: Any) -> Any:
        repeat = torch.randint(mir.shape[1], (len(rows),), generator=rng)
        mean, log_variance = encoder(mir[rows, repeat])
        noise = torch.randn(mean.shape, generator=rng)
        out = decoder(mean + noise * torch.exp(0.5 * log_variance))
        return squared_error(out, target[rows]) + DIVERGENCE_WEIGHT * divergence(mean, log_variance)

    def validate() -> float:
        mean, log_variance = encoder(validation[:, 0])
        error = squared_error(decoder(mean), validation.mean(dim=1))
        return float(error + DIVERGENCE_WEIGHT * divergence(mean, log_variance))

    fit(both, loss, validate, len(mir), schedule, rng, progress, "MIR autoencoder")
    return encoder, decoder


def divergence(mean: Any, log_variance: Any) -> Any:
    """Mean Kullback-Leibler divergence per latent feature from the standard normal."""
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean()
