"""The three stages in their order, and the rivals that are trained beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from training.fitting import Progress
from training.heads import Labelled, train_heads
from training.linear import LinearHeads, fit_linear
from training.mir_autoencoder import mir_latents, train_mir_autoencoder
from training.networks import Heads, MirDecoder, MirEncoder
from training.nir_encoder import train_nir_encoder
from training.pipeline import Model, Pipeline
from training.preprocessing import Preprocessing
from training.ridge import ridge_path
from training.scan_repeats import ScanRepeats
from training.settings import Settings
from training.synthetic.libraries import Libraries
from training.synthetic.soils import SoilSpectra

VALIDATION_SHARE = 0.15
"""Share of sites kept for early stopping and for choices. Ours."""


@dataclass(frozen=True)
class Trained:
    """What the three stages leave, the MIR side being kept for the evaluation alone."""

    model: Model
    heads_trained_on: str
    mir_encoder: MirEncoder
    mir_heads: Heads
    ridge: LinearHeads


def mir_stage(
    settings: Settings, library: SoilSpectra, progress: Progress
) -> tuple[MirEncoder, MirDecoder]:
    """Stage 1 on the MIR library."""
    learn, check = (torch.from_numpy(soils) for soils in split_by_site(library.site))
    return train_mir_autoencoder(
        ScanRepeats.dense(torch.from_numpy(library.mir)), learn, check, settings.mir_hidden,
        settings.latent, settings.mir_schedule, settings.seed, progress,
    )  # fmt: skip


def three_stages(settings: Settings, libraries: Libraries, progress: Progress) -> Trained:
    """Train on the MIR library and the pairs; what is chosen is chosen on their validation sites."""
    autoencoder = mir_stage(settings, libraries.mir, progress)
    return later_stages(settings, libraries, autoencoder, progress)


def later_stages(
    settings: Settings,
    libraries: Libraries,
    autoencoder: tuple[MirEncoder, MirDecoder],
    progress: Progress,
) -> Trained:
    """Stages 2 and 3 behind the ``autoencoder`` of stage 1, whose decoder is frozen."""
    seed = settings.seed
    encoder, decoder = autoencoder
    mir = torch.from_numpy(libraries.mir.mir)
    learn, check = split_by_site(libraries.mir.site)
    pairs = libraries.pairs
    paired, paired_check = split_by_site(pairs.site)
    reflectance = torch.from_numpy(pairs.nir)
    preprocessing = Preprocessing(reflectance.shape[2])
    preprocessing.fit(reflectance[paired].flatten(0, 1))
    nir = preprocessing(reflectance.flatten(0, 1)).unflatten(0, reflectance.shape[:2])
    paired_mir = torch.from_numpy(pairs.mir).mean(dim=1)
    with torch.no_grad():
        paired_latent = encoder(paired_mir)[0]
    nir_encoder = train_nir_encoder(
        nir[paired], paired_mir[paired], paired_latent[paired],
        (nir[paired_check], paired_mir[paired_check], paired_latent[paired_check]),
        decoder, settings.nir_hidden, settings.nir_schedule, seed, progress,
    )[0]  # fmt: skip

    with torch.no_grad():
        nir_latent = nir_encoder(nir)
    mir_latent = mir_latents(encoder, mir.flatten(0, 1)).unflatten(0, mir.shape[:2])
    nir_soils = Labelled(nir_latent, torch.from_numpy(pairs.properties))
    mir_soils = Labelled(mir_latent, torch.from_numpy(libraries.mir.properties))

    def heads(library: Labelled, validation: Labelled, what: str) -> tuple[Heads, float]:
        return train_heads(
            library, validation, settings.heads_hidden, settings.heads_schedule, seed, progress,
            f"heads on {what}",
        )  # fmt: skip

    nir_learn, nir_check, mir_learn = nir_soils[paired], nir_soils[paired_check], mir_soils[learn]
    sources = {"NIR latents": nir_learn, "NIR and MIR latents": nir_learn.beside(mir_learn)}
    candidates = {what: heads(library, nir_check, what) for what, library in sources.items()}
    chosen = min(candidates, key=lambda what: candidates[what][1])
    mir_heads, _ = heads(mir_learn, mir_soils[check], "MIR latents")
    model = Model(Pipeline(preprocessing, nir_encoder, candidates[chosen][0]), decoder)
    model.eval()
    ridge = _ridge(nir.numpy(), pairs.properties, paired, paired_check)
    return Trained(model, chosen, encoder, mir_heads, ridge)


def _ridge(
    nir: NDArray[np.float32],
    properties: NDArray[np.float64],
    learn: NDArray[np.int64],
    check: NDArray[np.int64],
) -> LinearHeads:
    scans = nir.shape[1]
    learned_from, checked_on = (
        (nir[rows].reshape(-1, nir.shape[2]), np.repeat(properties[rows], scans, axis=0))
        for rows in (learn, check)
    )
    return fit_linear(ridge_path, *learned_from, *checked_on)


def split_by_site(site: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to learn from and rows to validate on: whole sites, so no soil is on both sides."""
    sites = np.unique(site)
    kept = sites[: max(1, round(VALIDATION_SHARE * len(sites)))]
    held = np.isin(site, kept)
    return np.flatnonzero(~held), np.flatnonzero(held)
