"""Stage 2: an encoder that brings NIR into the latent space of MIR, behind the frozen MIR decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch

from training.device import placed
from training.fitting import Progress, Schedule, fit, generator
from training.networks import NirEncoder

LATENT_WEIGHT: Final = 1.0
"""Weight of the squared distance to the latent mean of the paired MIR against the squared error of
the converted spectrum. Ours: conversion alone hardly asks for what shows in small bands."""

DROPOUT: Final = 0.1


def train_nir_encoder(
    scores: Any,
    parts: Sequence[slice],
    mir: Any,
    mir_latent: Any,
    validation: tuple[Any, Any, Any],
    decoder: Any,
    hidden: tuple[int, ...],
    schedule: Schedule,
    seed: int,
    progress: Progress,
) -> NirEncoder:
    """Learn from pairs; ``decoder`` is frozen for good.

    ``scores`` ``[n, scans, k]``, those of each treatment in one of ``parts``; ``mir`` ``[n, bands]``
    absorbance as the decoder gives it, at the library's level, and ``mir_latent`` ``[n, latent]``;
    ``validation`` holds the same three of other soils. One scan, drawn anew each time, goes in.
    """
    decoder.requires_grad_(False)
    decoder.eval()
    sizes = [scores.shape[2], *hidden, mir_latent.shape[1]]
    encoder = NirEncoder(sizes, generator(seed, 2), DROPOUT)
    encoder.begin(scores.flatten(0, 1), parts)

    def distance(latent: Any, mir_wanted: Any, latent_wanted: Any) -> Any:
        converted = (decoder(latent) - mir_wanted) / decoder.scale
        return (converted**2).mean() + LATENT_WEIGHT * ((latent - latent_wanted) ** 2).mean()

    with placed(encoder, decoder) as device:
        rng = generator(seed, 12, device)
        nir, wanted, latent = (each.to(device) for each in (scores, mir, mir_latent))
        scans, *others = (each.to(device) for each in validation)

        def loss(rows: Any) -> Any:
            scan = torch.randint(nir.shape[1], (len(rows),), generator=rng, device=device)
            return distance(encoder(nir[rows, scan]), wanted[rows], latent[rows])

        def validate() -> float:
            return float(distance(encoder(scans[:, 0]), *others))

        fit(encoder, loss, validate, len(mir), schedule, rng, progress, "NIR encoder")
    return encoder
