"""Whether self-supervision earns its place on the eleven real targets: the same heads with a latent.

Folds and choices as in `real_accuracy`. `latent, synthetic`: of the encoders of stages 1 and 2,
trained on SYNTHETIC spectra alone; `latent, own`: of an autoencoder of the set's own spectra, those
of the training folds. `chosen, latents too` blends the best of all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.real_accuracy import out_of_fold, sets_present
from benchmarks.real_targets import RealSet
from benchmarks.rows import Row
from soil.axis import Axis
from soil.metrics import metrics
from training.axes import MIR_AXIS, NIR_AXIS
from training.fitting import reproducible
from training.pipeline import LATENT
from training.settings import Settings
from training.stages import mir_stage, nir_stage
from training.synthetic.libraries import synthetic_libraries

_LONGEST_NM: Final = 2495.0


def measure(quick: bool, tell: Callable[[str], None]) -> list[Row]:
    """Mean CCC of each head with and without a latent, over all targets."""
    sets = sets_present(quick, tell)
    if not sets:
        return []
    latents = _synthetic_latents(sets, tell)
    found = out_of_fold(sets, {name: of.fold for name, of in sets.items()}, latents, 0, tell)
    ccc: dict[str, list[float]] = {}
    for name, said in found.items():
        for target, methods in said.items():
            values = sets[name].values[target]
            known = np.isfinite(values)
            for method, of in methods.items():
                ccc.setdefault(method, []).append(metrics(values[known], of[known]).ccc)
    return [Row(f"mean CCC, {method}", float(np.mean(of)), "CCC") for method, of in ccc.items()]


def _synthetic_latents(
    sets: Mapping[str, RealSet], tell: Callable[[str], None]
) -> dict[str, NDArray[np.float32]]:
    """What encoders that were trained on synthetic soils alone make of each set's spectra."""
    settings = Settings()
    near = NIR_AXIS.values <= _LONGEST_NM
    with reproducible(settings.seed):
        tell("training encoders on synthetic soils")
        libraries = synthetic_libraries(settings)
        autoencoder = mir_stage(settings, libraries.mir, tell)
        pairs = replace(libraries.pairs, nir=np.ascontiguousarray(libraries.pairs.nir[..., near]))
        sight = nir_stage(settings, pairs, autoencoder, tell)
        found = {}
        for name, spectra in sets.items():
            if spectra.infrared == "MIR":
                own, onto = Axis("cm-1", spectra.positions), MIR_AXIS
            else:
                own, onto = Axis("nm", spectra.positions), Axis("nm", NIR_AXIS.values[near])
            at = torch.from_numpy(own.resample(spectra.absorbance, onto).astype(np.float32))
            with torch.no_grad():
                if spectra.infrared == "MIR":
                    found[name] = autoencoder.encoder(at)[0].numpy()
                else:
                    found[name] = sight(10**-at)[LATENT].numpy()
    return found
