"""The method from end to end: three stages, and what each property is then read from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np

from soil.properties import to_model_scale
from training.choice import choose
from training.fitting import Progress
from training.heads.assembled import Part, assembled
from training.pipeline import Model, Pipeline
from training.settings import Settings
from training.soil_spectra import SoilSpectra
from training.stages import (
    Autoencoder,
    heads_stage,
    mir_stage,
    nir_stage,
    seen_in_mir,
    seen_in_nir,
)
from training.strategies import NIR_STRATEGIES

BEST_MIR: Final = "MIR-SSL-MLP"
"""The article's best: what the same soils give when scanned in MIR."""


@dataclass(frozen=True, eq=False)
class Trained:
    """What training leaves: the model, and every strategy's heads for the evaluation alone."""

    model: Model
    parts: dict[str, Part]
    mir_parts: dict[str, Part]
    autoencoder: Autoencoder


@dataclass(frozen=True, eq=False)
class MirSide:
    """What the MIR library alone leaves."""

    autoencoder: Autoencoder
    parts: dict[str, Part]


def mir_side(
    settings: Settings,
    library: SoilSpectra,
    progress: Progress,
    names: Collection[str] = (BEST_MIR,),
) -> MirSide:
    """Stage 1, and heads of the MIR strategies ``names``, which no device needs."""
    autoencoder = mir_stage(settings, library, progress)
    seen = seen_in_mir(autoencoder.encoder, library)
    return MirSide(autoencoder, heads_stage(settings, names, seen, None, progress))


def nir_side(
    settings: Settings,
    mir: MirSide,
    library: SoilSpectra,
    pairs: SoilSpectra,
    progress: Progress,
) -> Trained:
    """Stages 2 and 3 on the pairs, the choice made on sites held out of them."""
    autoencoder = mir.autoencoder
    mir_soils = seen_in_mir(autoencoder.encoder, library)
    weights = choose(settings, NIR_STRATEGIES, pairs, autoencoder, mir_soils, progress)
    sight = nir_stage(settings, pairs, autoencoder, progress)
    seen = seen_in_nir(sight, pairs)
    parts = heads_stage(settings, NIR_STRATEGIES, seen, mir_soils, progress)
    centre = np.nanmean(to_model_scale(pairs.properties), axis=0)
    model = Model(Pipeline(sight, assembled(parts, weights, centre)))
    model.eval()
    return Trained(model, parts, mir.parts, autoencoder)
