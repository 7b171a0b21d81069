"""Stage 2: an encoder that brings NIR into the latent space of MIR, behind the frozen MIR decoder."""

from __future__ import annotations

from typing import Any

import torch

from training.device import placed
from training.fitting import Progress, Schedule, fit, generator
from training.networks import NirEncoder

LATENT_WEIGHT = 0.1
"""Weight of the squared distance to the latent mean of the paired MIR against the squared error of
the converted spectrum. Ours: conversion alone leaves directions free that the decoder ignores."""

DROPOUT = 0.1


def train_nir_encoder(
    preprocessed: Any,
    mir: Any,
    mir_latent: Any,
    validation: tuple[Any, Any, Any],
    decoder: Any,
    hidden: tuple[int, ...],
    schedule: Schedule,
    seed: int,
    progress: Progress,
) -> tuple[NirEncoder, float]:
    """Learn from pairs; ``decoder`` is frozen for good.

    ``preprocessed`` ``[n, scans, m]``, ``mir`` ``[n, bands]`` absorbance and ``mir_latent``
    ``[n, latent]``; ``validation`` holds the same three of other soils. One scan, drawn anew each
    time, goes in. Returns the encoder and its validation loss.
    """
    decoder.requires_grad_(False)
    decoder.eval()
    sizes = [preprocessed.shape[2], *hidden, mir_latent.shape[1]]
    encoder = NirEncoder(sizes, generator(seed, 2), DROPOUT)

    def distance(latent: Any, mir_wanted: Any, latent_wanted: Any) -> Any:
        converted = (decoder(latent) - mir_wanted) / decoder.scale
        return (converted**2).mean() + LATENT_WEIGHT * ((latent - latent_wanted) ** 2).mean()

    with placed(encoder, decoder) as device:
        rng = generator(seed, 12, device)
        nir, wanted, latent = (each.to(device) for each in (preprocessed, mir, mir_latent))
        scans, *others = (each.to(device) for each in validation)

        def loss(rows: Any) -> Any:
            scan = torch.randint(nir.shape[1], (len(rows),), generator=rng, device=device)
            return distance(encoder(nir[rows, scan]), wanted[rows], latent[rows])

        def validate() -> float:
            return float(distance(encoder(scans[:, 0]), *others))

        best = fit(encoder, loss, validate, len(mir), schedule, rng, progress, "NIR encoder")
    return encoder, best
