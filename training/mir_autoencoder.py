"""Stage 1: a variational autoencoder of MIR spectra (Kingma and Welling 2014), no labels needed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

import torch
from torch import nn

from training.device import placed
from training.fitting import Descent, Progress, Schedule, descend, generator
from training.moments import level_and_spread, mean_and_deviation, principal_components
from training.networks import MirDecoder, MirEncoder
from training.pipeline import MIR, MIR_LATENT
from training.scan_repeats import CHUNK, ScanRepeats
from training.treatments import snv

DIVERGENCE_WEIGHT: Final = 1e-4
"""Beta: weight of the mean divergence per latent feature against the mean squared error per band.
Ours: small, since the latent is to inform the heads before it is to be sampled from."""

PRINCIPAL_SOILS: Final = 4096
"""Soils whose principal components the latent begins as, at most. Ours: more change them little."""

LOG_VARIANCE_BEGIN: Final = -4.0
"""Ours: a latent feature begins a seventh of its standard deviation wide."""

_SCALE_FLOOR: Final = 1e-4
"""Least standard deviation of a band after SNV: below it lie bands that are zero in every soil."""


class MirAutoencoder(nn.Module):  # type: ignore[misc]
    """Encoder and decoder, which mean the same by a standardised spectrum."""

    def __init__(self, bands: int, hidden: tuple[int, ...], latent: int, rng: Any) -> None:
        super().__init__()
        self.encoder = MirEncoder([bands, *hidden], latent, rng)
        self.decoder = MirDecoder([latent, *reversed(hidden), bands], rng)

    def begin(self, library: ScanRepeats, soils: Any) -> None:
        """Begin as the principal components of the means of ``soils``, without the perceptrons.

        From there the perceptrons add what is not linear. A network that begins anywhere else comes
        to a worse latent: small bands, from which much is told, are lost beside large ones.
        """
        encoder, decoder = self.encoder, self.decoder
        mean, deviation = mean_and_deviation(snv(part) for part in means_of(library, soils))
        encoder.centre.copy_(mean)
        encoder.scale.copy_(deviation.clamp(min=_SCALE_FLOOR))
        level, spread = level_and_spread(means_of(library, soils))
        decoder.centre.copy_(encoder.centre * spread + level)
        decoder.scale.copy_(encoder.scale * spread)
        some = soils[:: math.ceil(len(soils) / PRINCIPAL_SOILS)]
        seen = (encoder.standardised(part) for part in means_of(library, some))
        deviations, directions = principal_components(seen, len(encoder.straight.weight))
        encoder.straight.weight.data.copy_((directions / deviations).T)
        decoder.straight.weight.data.copy_(directions * deviations)
        for half in (encoder, decoder):
            half.layers[-1].weight.data.zero_()
        encoder.layers[-1].bias.data[len(deviations) :] = LOG_VARIANCE_BEGIN

    def loss(self, absorbance: Any, wanted: Any, rng: Any = None) -> Any:
        """Squared error and divergence, means over the batch; without ``rng`` the latent is its mean."""
        latent, log_variance = self.encoder(absorbance)
        cost = DIVERGENCE_WEIGHT * divergence(latent, log_variance)
        if rng is not None:
            noise = torch.randn(latent.shape, generator=rng, device=latent.device)
            latent = latent + noise * torch.exp(0.5 * log_variance)
        made, target = self.decoder.standardised(latent), self.encoder.standardised(wanted)
        return nn.functional.mse_loss(made, target) + cost


def train_mir_autoencoder(
    library: ScanRepeats,
    learn: Any,
    check: Any,
    hidden: tuple[int, ...],
    latent: int,
    schedule: Schedule,
    seed: int,
    progress: Progress,
) -> MirAutoencoder:
    """Learn from the soils ``learn`` of ``library``, stopping on the soils ``check``.

    Scan repeats are the augmentation: one repeat, drawn anew each time, goes in, and the mean of
    all repeats of that soil is what must come out.
    """
    both = MirAutoencoder(library.bands, hidden, latent, generator(seed, 1))
    with placed(both):
        descend(
            mir_descent(both, library, learn, check, schedule, seed), progress, "MIR autoencoder"
        )
    return both


def mir_descent(
    both: MirAutoencoder,
    library: ScanRepeats,
    learn: Any,
    check: Any,
    schedule: Schedule,
    seed: int,
) -> Descent:
    """The descent of ``both``, on whose device the library is laid, from its beginning."""
    device = both.encoder.centre.device
    library, learn, check = library.to(device), learn.to(device), check.to(device)
    rng = generator(seed, 11, device)
    # In this order, so that what the one needs for a moment and what the other holds never add up.
    both.begin(library, learn)
    means = library.held_means(learn)

    def loss(rows: Any) -> Any:
        soils = learn[rows]
        wanted = library.mean(soils) if means is None else means.index_select(0, rows)
        return both.loss(library.drawn(soils, rng), wanted, rng)

    def validate() -> float:
        losses = [
            len(soils) * both.loss(library.first(soils), library.mean(soils))
            for soils in check.split(CHUNK)
        ]
        return float(sum(losses)) / len(check)

    descent = Descent(both, loss, validate, len(learn), schedule, rng)
    descent.check_beginning()
    return descent


def at_library_level(encoder: MirEncoder, decoder: MirDecoder, absorbance: Any) -> Any:
    """Absorbance ``[n, bands]`` as the decoder gives it: at the level and spread of the library."""
    with torch.no_grad():
        return encoder.standardised(absorbance) * decoder.scale + decoder.centre


def mir_latents(encoder: MirEncoder, absorbance: Any) -> Any:
    """Latent means ``[m, latent]`` of ``absorbance`` ``[m, bands]``, without a second copy of it."""
    with torch.no_grad():
        return torch.cat([encoder(part)[0] for part in absorbance.split(CHUNK)])


MIR_VIEWS: Final[dict[str, Callable[[MirEncoder, Any], Any]]] = {
    MIR: lambda _, absorbance: snv(absorbance),
    MIR_LATENT: mir_latents,
}
"""What heads can see of MIR absorbance ``[m, bands]``: it after SNV, as the encoder, or its latent."""


def divergence(mean: Any, log_variance: Any) -> Any:
    """Mean Kullback-Leibler divergence per latent feature from the standard normal."""
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean()


def means_of(library: ScanRepeats, soils: Any) -> Iterator[Any]:
    """The means ``[k, bands]`` of the scans of ``soils``, a part at a time."""
    return (library.mean(part) for part in soils.split(CHUNK))
