"""What every strategy of a checkpoint says of a test set, beside the model that was made of them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from soil.coherence import coherent
from soil.properties import INDEX, NAMES, from_model_scale
from training.evaluation.readings import Floats, Predicted
from training.every_strategy import EveryStrategy
from training.heads.assembled import RATIOS, rival_names
from training.pipeline import CONVERTED, LATENT, MIR, MIR_LATENT, NIR, SCORES, TREATED, NirSight
from training.strategies import MIR_STRATEGIES, STRATEGIES
from training.targets import TEXTURE

SEEN: Final = {
    NIR: "the pre-processed spectrum",
    TREATED: "the treatments of the spectrum",
    SCORES: "the principal components of the treatments",
    LATENT: "the latent",
    CONVERTED: "the MIR spectrum that the decoder makes of the latent",
    MIR: "the mean MIR scan of the soil after SNV",
    MIR_LATENT: "the latent of the soil's mean MIR scan",
}

NO_MIR: Final = "needs MIR scans on the model's MIR axis, which these soils lack"
TEXTURE_ALONE: Final = "is another way to texture alone"

_CHUNK: Final = 1024
"""Scans at a time: the converted MIR of many would be large."""


def nir_strategies(
    strategies: EveryStrategy, sight: NirSight, reflectance: NDArray[np.float32]
) -> dict[str, Predicted]:
    """By name, what is said of NIR scans ``[m, bands]`` on the model's axis."""
    parts: dict[str, list[Floats]] = {}
    with torch.no_grad():
        for scans in torch.from_numpy(reflectance).split(_CHUNK):
            for name, said in strategies.said(sight(scans)).items():
                parts.setdefault(name, []).append(said)
    return {name: _predicted(name, np.concatenate(said)) for name, said in parts.items()}


def mir_strategies(
    strategies: EveryStrategy, mir: NDArray[np.float32], soil: NDArray[np.int64]
) -> dict[str, Predicted]:
    """By name, what is said of the soils ``soil`` ``[m]`` of the NIR scans from their MIR.

    ``mir`` ``[n, bands]`` is the mean MIR scan of each soil, NaN where there is none.
    """
    known = np.flatnonzero(np.isfinite(mir).all(axis=1))
    if not len(known):
        nothing = np.full((len(soil), len(NAMES)), np.nan)
        names = rival_names(tuple(name for name in MIR_STRATEGIES if name in strategies.names))
        return {name: Predicted(_description(name), nothing, NO_MIR) for name in names}
    found = {}
    views = strategies.seen_in_mir(torch.from_numpy(mir[known]))
    for name, said in strategies.said(views).items():
        of_soils = np.full((len(mir), len(NAMES)), np.nan)
        predicted = _predicted(name, said)
        of_soils[known] = predicted.values
        found[name] = predicted._replace(values=of_soils[soil])
    return found


def _predicted(name: str, model_scale: Any) -> Predicted:
    values = coherent(from_model_scale(model_scale))
    if name.endswith(RATIOS):
        others = [INDEX[item] for item in NAMES if item not in TEXTURE]
        values[:, others] = np.nan
        return Predicted(_description(name), values, TEXTURE_ALONE)
    return Predicted(_description(name), values)


def _description(name: str) -> str:
    strategy = STRATEGIES[name.removesuffix(RATIOS)]
    words = f"{strategy.head} on {SEEN[strategy.view]}"
    if strategy.mir_soils_too:
        words += ", learnt from latents of the MIR library besides"
    return words + (", texture through log-ratios" if name.endswith(RATIOS) else "")
