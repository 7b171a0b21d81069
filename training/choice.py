"""What each property is read from, weighed by what rivals say of sites that they have not seen."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
from numpy.typing import NDArray

from soil.properties import NAMES, to_model_scale
from training.errors import SettingsError
from training.every_strategy import said_by
from training.fitting import Progress
from training.heads.assembled import rivals_of
from training.heads.blend import blend_weights
from training.heads.examples import SOILS_MIN, folds
from training.mir_autoencoder import MirAutoencoder
from training.settings import Settings
from training.soil_spectra import SoilSpectra
from training.stages import SeenSoils, heads_stage, nir_stage, seen_in_nir, split_by_site
from training.strategies import BELIEF
from training.targets import TARGETS, to_targets

Weights = dict[str, dict[str, float]]
"""By property and rival, about the mean of the property."""


SITES_MIN: Final = 3
"""Sites that a target is known at: one to judge on, and of what is left two soils to learn from."""


def check_choosable(settings: Settings, pairs: SoilSpectra) -> None:
    """Raise `SettingsError` where a part of the choice would have too little to learn a property from.

    What is found out here would otherwise end a run hours later, in its last stage.
    """
    targets = to_targets(pairs.properties)
    for learn, _ in folds(pairs.site, settings.choice_folds, settings.seed):
        stopped = learn[split_by_site(pairs.site[learn])[0]]
        for name, column in zip(TARGETS, targets.T, strict=True):
            known = stopped[np.isfinite(column[stopped])]
            if len(known) < SOILS_MIN or len(np.unique(pairs.site[known])) < SITES_MIN:
                raise SettingsError(
                    f"a part of the choice would learn {name} from {len(known)} soils of "
                    f"{len(np.unique(pairs.site[known]))} sites",
                    "add soils with it, of more sites; another --seed deals the soils otherwise",
                )


def choose(
    settings: Settings,
    names: Collection[str],
    pairs: SoilSpectra,
    autoencoder: MirAutoencoder,
    mir_soils: SeenSoils | None,
    progress: Progress,
) -> Weights:
    """Cross-validate stages 2 and 3 over the sites of ``pairs`` and weigh the strategies ``names``.

    Stage 1 is not trained again: where the MIR library holds the pairs, it has seen the spectra of
    those judged, though never their values.
    """
    said: dict[str, NDArray[np.float64]] = {}
    splits = list(folds(pairs.site, settings.choice_folds, settings.seed))
    for number, (learn, judged) in enumerate(splits, 1):
        progress(f"choice: part {number} of {len(splits)}")
        sight = nir_stage(settings, pairs[learn], autoencoder, progress)
        others = None if mir_soils is None else mir_soils.without(pairs.site[judged])
        parts = heads_stage(settings, names, seen_in_nir(sight, pairs[learn]), others, progress)
        for rival, found in said_by(parts, seen_in_nir(sight, pairs[judged]).first()).items():
            said.setdefault(rival, np.full((len(pairs), len(NAMES)), np.nan))[judged] = found
    observed = to_model_scale(pairs.properties)
    weights: Weights = {}
    for i, name in enumerate(NAMES):
        known = np.isfinite(observed[:, i])
        rivals = rivals_of(name, tuple(names))
        found = np.stack([said[rival][known, i] for rival in rivals], axis=1)
        belief = np.array([BELIEF.get(rival, 0.0) for rival in rivals])
        own = blend_weights(found, observed[known, i], pairs.site[known], belief)
        weights[name] = {
            rival: float(weight) for rival, weight in zip(rivals, own, strict=True) if weight
        }
    return weights
