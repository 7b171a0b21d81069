"""Stage 1: a variational autoencoder of MIR spectra (Kingma and Welling 2014), no labels needed."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from training.device import placed
from training.fitting import Descent, Progress, Schedule, descend, generator
from training.networks import MirDecoder, MirEncoder
from training.scan_repeats import CHUNK, ScanRepeats

DIVERGENCE_WEIGHT = 1e-3
"""Beta: weight of the mean divergence per latent feature against the mean squared error per band.
Ours: small, since the latent is to inform the heads before it is to be sampled from."""


class MirAutoencoder(nn.Module):  # type: ignore[misc]
    """Encoder and decoder, which share the centre and scale of their bands."""

    def __init__(self, bands: int, hidden: tuple[int, ...], latent: int, rng: Any) -> None:
        super().__init__()
        self.encoder = MirEncoder([bands, *hidden], latent, rng)
        self.decoder = MirDecoder([latent, *reversed(hidden), bands], rng)

    def standardise(self, centre: Any, scale: Any) -> None:
        """Take ``centre`` and ``scale`` ``[bands]`` for both halves."""
        for half in (self.encoder, self.decoder):
            half.centre.copy_(centre)
            half.scale.copy_(scale)

    def loss(self, absorbance: Any, wanted: Any, rng: Any = None) -> Any:
        """Squared error and divergence, means over the batch; without ``rng`` the latent is its mean."""
        latent, log_variance = self.encoder(absorbance)
        cost = DIVERGENCE_WEIGHT * divergence(latent, log_variance)
        if rng is not None:
            noise = torch.randn(latent.shape, generator=rng, device=latent.device)
            latent = latent + noise * torch.exp(0.5 * log_variance)
        # What comes out of the layers is standardised: no need to undo that and do it again.
        target = (wanted - self.decoder.centre) / self.decoder.scale
        return nn.functional.mse_loss(self.decoder.layers(latent), target) + cost


def train_mir_autoencoder(
    library: ScanRepeats,
    learn: Any,
    check: Any,
    hidden: tuple[int, ...],
    latent: int,
    schedule: Schedule,
    seed: int,
    progress: Progress,
) -> tuple[MirEncoder, MirDecoder]:
    """Learn from the soils ``learn`` of ``library``, stopping on the soils ``check``.

    Scan repeats are the augmentation: one repeat, drawn anew each time, goes in, and the mean of
    all repeats of that soil is what must come out.
    """
    both = MirAutoencoder(library.bands, hidden, latent, generator(seed, 1))
    with placed(both):
        descend(
            mir_descent(both, library, learn, check, schedule, seed), progress, "MIR autoencoder"
        )
    return both.encoder, both.decoder


def mir_descent(
    both: MirAutoencoder,
    library: ScanRepeats,
    learn: Any,
    check: Any,
    schedule: Schedule,
    seed: int,
) -> Descent:
    """The descent of ``both``, on whose device the library is laid; the bands are standardised."""
    device = both.encoder.centre.device
    library, learn, check = library.to(device), learn.to(device), check.to(device)
    library.hold_means()
    rng = generator(seed, 11, device)
    both.standardise(*library.centre_and_scale(learn))

    def loss(rows: Any) -> Any:
        soils = learn[rows]
        return both.loss(library.drawn(soils, rng), library.mean(soils), rng)

    def validate() -> float:
        losses = [
            len(soils) * both.loss(library.first(soils), library.mean(soils))
            for soils in check.split(CHUNK)
        ]
        return float(sum(losses)) / len(check)

    return Descent(both, loss, validate, len(learn), schedule, rng)


def mir_latents(encoder: MirEncoder, absorbance: Any) -> Any:
    """Latent means ``[m, latent]`` of ``absorbance`` ``[m, bands]``, without a second copy of it."""
    with torch.no_grad():
        return torch.cat([encoder(part)[0] for part in absorbance.split(CHUNK)])


def divergence(mean: Any, log_variance: Any) -> Any:
    """Mean Kullback-Leibler divergence per latent feature from the standard normal."""
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean()
