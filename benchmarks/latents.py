"""Where strategies on a latent lose what heads on the spectrum keep, step by step, on SYNTHETIC soils.

One kind of head, the Gaussian process, learns from the same pairs through one view after another; test
soils are of other sites and devices; one seed. From MIR down to NIR: the components of the MIR
spectrum, its latent, the NIR latent of stage 2, and, as the way past the latent, the components of the
NIR spectrum. `cross-fitted`: heads learn from latents of pairs that the encoder has not seen, as they
will meet them; otherwise from those that it was trained on. `by a GP`: in place of stage 2's encoder
Gaussian processes on the components of the NIR spectrum learn the MIR latent itself, cross-fitted too;
components are those of all pairs. `R2 of the latent`: how much of the variance of the test soils' MIR
latent is told from NIR, over all features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.rows import Row
from soil.properties import from_model_scale
from training.evaluation.card_figures import mean_of, property_table
from training.every_strategy import said_by
from training.fitting import reproducible
from training.heads.assembled import Part
from training.heads.examples import Examples, folds
from training.heads.kinds import fit_head
from training.mir_autoencoder import MirAutoencoder
from training.pipeline import CHUNK, LATENT, SCORES
from training.scores import fit_scores
from training.settings import Settings
from training.soil_spectra import SoilSpectra
from training.stages import mir_stage, nir_stage, seen_in_nir
from training.synthetic.libraries import synthetic_libraries
from training.targets import to_targets
from training.treatments import snv

PAIRS: Final = (100, 500, 2106)

Floats = NDArray[np.float32]


class View(NamedTuple):
    """Features ``[n, k]`` of the pairs and of the test soils, and the columns of each treatment."""

    learnt: Floats
    asked: Floats
    parts: Sequence[slice] = (slice(None),)


def measure(quick: bool, tell: Callable[[str], None]) -> list[Row]:
    """Mean CCC by view and number of pairs, and how much of the latent NIR tells."""
    found = _of_seed(0, (100,), True, tell) if quick else _of_seed(0, PAIRS, False, tell)
    return [
        Row(name, value, "of 1" if name.startswith("R2") else "CCC")
        for name, value in found.items()
    ]


def _of_seed(
    seed: int, sizes: tuple[int, ...], quick: bool, tell: Callable[[str], None]
) -> dict[str, float]:
    found: dict[str, float] = {}
    with reproducible(seed):
        torch.set_num_threads(1)
        settings = Settings(seed=seed).quick() if quick else Settings(seed=seed)
        autoencoder: MirAutoencoder | None = None
        for pairs in sizes:
            tell(f"{pairs} pairs")
            ours = replace(settings, pairs=pairs)
            sets = synthetic_libraries(ours)
            autoencoder = autoencoder or mir_stage(ours, sets.mir, _silent)
            views, told = _views(ours, autoencoder, sets.pairs, sets.test)
            for name, view in views.items():
                found[f"{name}, {pairs} pairs"] = _mean_ccc(ours, view, sets.pairs, sets.test)
            found |= {f"R2 of the latent, {by}, {pairs} pairs": r2 for by, r2 in told.items()}
    return found


def _views(
    settings: Settings, autoencoder: MirAutoencoder, pairs: SoilSpectra, test: SoilSpectra
) -> tuple[dict[str, View], dict[str, float]]:
    sight = nir_stage(settings, pairs, autoencoder, _silent)
    seen, asked = (_means(sight, soils) for soils in (pairs, test))
    mir, test_mir = (torch.from_numpy(soils.mir).mean(dim=1) for soils in (pairs, test))
    with torch.no_grad():
        latent, test_latent = (autoencoder.encoder(of)[0].numpy() for of in (mir, test_mir))
    components = fit_scores(snv(mir), (slice(0, mir.shape[1]),))
    treatments = sight.parts(SCORES)
    unseen, told = np.empty_like(latent), np.empty_like(latent)
    for learn, held in folds(pairs.site, settings.choice_folds, settings.seed):
        other = nir_stage(settings, pairs[learn], autoencoder, _silent)
        unseen[held] = _means(other, pairs[held])[LATENT]
        scores = View(seen[SCORES][learn], seen[SCORES][held], treatments)
        told[held] = _by_gp(settings, scores, latent[learn], pairs.site[learn])
    scores = View(seen[SCORES], asked[SCORES], treatments)
    by_gp = _by_gp(settings, scores, latent, pairs.site)
    views = {
        "MIR components": View(components(snv(mir)).numpy(), components(snv(test_mir)).numpy()),
        "MIR latent": View(latent, test_latent),
        "NIR latent": View(seen[LATENT], asked[LATENT]),
        "NIR latent, cross-fitted": View(unseen, asked[LATENT]),
        "NIR latent by a GP, cross-fitted": View(told, by_gp),
        "NIR components": scores,
    }
    r2 = {
        "stage 2": _r2(test_latent, asked[LATENT]),
        "a GP": _r2(test_latent, by_gp),
    }
    return views, r2


def _means(sight: Any, soils: SoilSpectra) -> dict[str, Floats]:
    views = {
        name: view.mean(dim=1).numpy() for name, view in seen_in_nir(sight, soils).views.items()
    }
    return {name: views[name] for name in (LATENT, SCORES)}


def _by_gp(settings: Settings, view: View, latent: Floats, site: NDArray[np.int64]) -> Floats:
    """The latent of those asked, by Gaussian processes that learn it through ``view``."""
    head = _gp(settings, view, latent.astype(np.float64), site)
    with torch.no_grad():
        parts = torch.from_numpy(view.asked).split(CHUNK)
        said: Floats = torch.cat([head(part) for part in parts]).numpy()
    return said


def _mean_ccc(settings: Settings, view: View, pairs: SoilSpectra, test: SoilSpectra) -> float:
    head = _gp(settings, view, to_targets(pairs.properties), pairs.site)
    said = said_by({"it": Part("view", head)}, {"view": torch.from_numpy(view.asked)})["it"]
    return mean_of(property_table(test.properties, from_model_scale(said)), "ccc")


def _gp(
    settings: Settings, view: View, targets: NDArray[np.float64], site: NDArray[np.int64]
) -> Any:
    columns = view.learnt.shape[1]
    parts = [slice(*part.indices(columns)[:2]) for part in view.parts]
    examples = Examples(view.learnt, targets, site)
    return fit_head("GP", examples, parts, settings.seed, _silent, "GP", settings.heads_effort)


def _r2(observed: Floats, predicted: Floats) -> float:
    return float(
        1 - ((observed - predicted) ** 2).sum() / ((observed - observed.mean(0)) ** 2).sum()
    )


def _silent(line: str) -> None:
    """The lines of every fit would tell nobody anything."""
