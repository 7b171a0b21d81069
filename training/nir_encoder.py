"""Stage 2: an encoder that brings NIR into the latent space of MIR, behind the frozen MIR decoder."""

from __future__ import annotations

from typing import Any

import torch

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
    rng = generator(seed, 2)
    decoder.requires_grad_(False)
    decoder.eval()
    sizes = [preprocessed.shape[2], *hidden, mir_latent.shape[1]]
    encoder = NirEncoder(sizes, rng, DROPOUT)

    def distance(latent: Any, mir_wanted: Any, latent_wanted: Any) -> Any:
        converted = (decoder(latent) - mir_wanted) / decoder.scale
        return (converted**2).mean() + LATENT_WEIGHT * ((latent - latent_wanted) ** 2).mean()

    def loss(rows: Any) -> Any:
        scan = torch.randint(preprocessed.shape[1], (len(rows),), generator=rng)
        return distance(encoder(preprocessed[rows, scan]), mir[rows], mir_latent[rows])

    def validate() -> float:
        return float(distance(encoder(validation[0][:, 0]), validation[1], validation[2]))

    best = fit(encoder, loss, validate, len(mir), schedule, rng, progress, "NIR encoder")
    return encoder, best
