"""The method from end to end: three stages, and what each property is then read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from soil.properties import to_model_scale
from training.choice import choose
from training.every_strategy import EveryStrategy
from training.fitting import Progress
from training.heads.assembled import Part, assembled
from training.heads.examples import rarest_first
from training.mir_autoencoder import MirAutoencoder
from training.pipeline import MIR_LATENT, Model, Pipeline
from training.settings import Settings
from training.soil_spectra import SoilSpectra
from training.stages import (
    heads_stage,
    mir_stage,
    nir_stage,
    seen_in_mir,
    seen_in_nir,
)
from training.strategies import MIR_STRATEGIES, NIR_STRATEGIES


@dataclass(frozen=True, eq=False)
class Trained:
    """What training leaves: the model, and every strategy for the evaluation alone."""

    model: Model
    strategies: EveryStrategy


@dataclass(frozen=True, eq=False)
class MirSide:
    """What the MIR library alone leaves."""

    autoencoder: MirAutoencoder
    parts: dict[str, Part]


MIR_HEADS_SOILS: Final = 10_000
"""Soils that the MIR heads learn from where there are more: they are for comparison alone, and PLSR on
whole MIR spectra takes memory many times theirs. Ours."""


def mir_side(settings: Settings, library: SoilSpectra, progress: Progress) -> MirSide:
    """Stage 1, and the heads of the MIR strategies, which no device needs."""
    autoencoder = mir_stage(settings, library, progress)
    if len(library) > MIR_HEADS_SOILS:
        # A library is mostly soils that nobody has analysed.
        rng = np.random.default_rng(settings.seed)
        library = library[rarest_first(library.properties, MIR_HEADS_SOILS, rng)]
    seen = seen_in_mir(autoencoder.encoder, library)
    return MirSide(autoencoder, heads_stage(settings, MIR_STRATEGIES, seen, None, progress))


def nir_side(
    settings: Settings,
    mir: MirSide,
    library: SoilSpectra,
    pairs: SoilSpectra,
    progress: Progress,
) -> Trained:
    """Stages 2 and 3 on the pairs, the choice made on sites held out of them."""
    autoencoder = mir.autoencoder
    mir_soils = seen_in_mir(autoencoder.encoder, library, (MIR_LATENT,))
    weights = choose(settings, NIR_STRATEGIES, pairs, autoencoder, mir_soils, progress)
    sight = nir_stage(settings, pairs, autoencoder, progress)
    seen = seen_in_nir(sight, pairs)
    parts = heads_stage(settings, NIR_STRATEGIES, seen, mir_soils, progress)
    centre = np.nanmean(to_model_scale(pairs.properties), axis=0)
    model = Model(Pipeline(sight, assembled(parts, weights, centre)))
    model.eval()
    return Trained(model, EveryStrategy(autoencoder.encoder, {**mir.parts, **parts}))
