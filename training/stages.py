"""The three stages in their order, and the heads that are rivals in the third."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.fitting import Progress
from training.heads.assembled import Part
from training.heads.examples import Examples
from training.heads.kinds import fit_head
from training.heads.perceptron import ScannedSoils, fit_perceptron
from training.mir_autoencoder import (
    MIR_VIEWS,
    MirAutoencoder,
    at_library_level,
    train_mir_autoencoder,
)
from training.networks import MirEncoder
from training.nir_encoder import train_nir_encoder
from training.pipeline import MIR_LATENT, NirSight
from training.preprocessing import Preprocessing, absorbance
from training.scan_repeats import ScanRepeats
from training.scores import fit_scores
from training.settings import Settings
from training.soil_spectra import SoilSpectra
from training.strategies import STRATEGIES, Strategy
from training.targets import to_targets
from training.treatments import Treatments

VALIDATION_SHARE = 0.15
"""Share of the soils kept for early stopping. Ours."""

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SeenSoils:
    """Soils as heads see them: each view ``[n, scans, k]``, targets ``[n, t]`` and site ``[n]``.

    ``parts`` are the columns of each treatment in a view.
    """

    views: dict[str, Any]
    targets: NDArray[np.float64]
    site: NDArray[np.int64]
    parts: dict[str, tuple[slice, ...]]

    def first(self) -> dict[str, Any]:
        """The views ``[n, k]`` of each soil's first scan."""
        return {name: view[:, 0] for name, view in self.views.items()}

    def __getitem__(self, rows: Rows) -> SeenSoils:
        views = {name: view[rows] for name, view in self.views.items()}
        return SeenSoils(views, self.targets[rows], self.site[rows], self.parts)

    def without(self, site: NDArray[np.int64]) -> SeenSoils:
        """All but the soils of the sites ``site``."""
        return self[np.flatnonzero(~np.isin(self.site, site))]


def mir_stage(settings: Settings, library: SoilSpectra, progress: Progress) -> MirAutoencoder:
    """Stage 1 on the MIR library."""
    learn, check = (torch.from_numpy(soils) for soils in split_by_site(library.site))
    return train_mir_autoencoder(
        ScanRepeats.dense(torch.from_numpy(library.mir)), learn, check, settings.mir_hidden,
        settings.latent, settings.mir_schedule, settings.seed, progress,
    )  # fmt: skip


def nir_stage(
    settings: Settings, pairs: SoilSpectra, autoencoder: MirAutoencoder, progress: Progress
) -> NirSight:
    """Stage 2 on soils with NIR and MIR, behind the decoder of stage 1, which is frozen."""
    learn, check = split_by_site(pairs.site)
    reflectance = torch.from_numpy(pairs.nir)
    preprocessing = Preprocessing(reflectance.shape[2])
    preprocessing.fit(reflectance[learn].flatten(0, 1))
    treatments = Treatments(reflectance.shape[2])
    treated = each_scan(treatments, absorbance(reflectance))
    scores = fit_scores(treated.mean(dim=1), treatments.slices)
    nir = each_scan(scores, treated)
    mir = torch.from_numpy(pairs.mir).mean(dim=1)
    with torch.no_grad():
        latent = autoencoder.encoder(mir)[0]
        mir = at_library_level(autoencoder.encoder, autoencoder.decoder, mir)
    encoder = train_nir_encoder(
        nir[learn], scores.slices, mir[learn], latent[learn], (nir[check], mir[check], latent[check]),
        autoencoder.decoder, settings.nir_hidden, settings.nir_schedule, settings.seed, progress,
    )  # fmt: skip
    sight = NirSight(preprocessing, treatments, scores, encoder, autoencoder.decoder)
    sight.eval()
    return sight


def seen_in_nir(sight: NirSight, soils: SoilSpectra) -> SeenSoils:
    """What heads can see of the NIR scans of ``soils``."""
    scans, bands = soils.nir.shape[1:]
    with torch.no_grad():
        views = sight(torch.from_numpy(soils.nir).reshape(-1, bands))
    return SeenSoils(
        {name: view.unflatten(0, (len(soils), scans)) for name, view in views.items()},
        to_targets(soils.properties),
        soils.site,
        {name: sight.parts(name) for name in views},
    )


def seen_in_mir(
    encoder: MirEncoder, soils: SoilSpectra, views: Collection[str] = tuple(MIR_VIEWS)
) -> SeenSoils:
    """What heads can see of the MIR scans of ``soils``: those of `MIR_VIEWS` that ``views`` names."""
    mir = torch.from_numpy(soils.mir)
    seen = {
        name: MIR_VIEWS[name](encoder, mir.flatten(0, 1)).unflatten(0, mir.shape[:2])
        for name in views
    }
    parts: dict[str, tuple[slice, ...]] = dict.fromkeys(seen, (slice(None),))
    return SeenSoils(seen, to_targets(soils.properties), soils.site, parts)


def heads_stage(
    settings: Settings,
    names: Collection[str],
    soils: SeenSoils,
    mir_soils: SeenSoils | None,
    progress: Progress,
) -> dict[str, Part]:
    """Stage 3: the heads of each of the strategies ``names``, learnt from ``soils``.

    ``mir_soils`` are those whose MIR latents some strategies learn from besides.
    """
    return {
        name: Part(strategy.view, _head(settings, name, strategy, soils, mir_soils, progress))
        for name, strategy in ((name, STRATEGIES[name]) for name in names)
    }


def _head(
    settings: Settings,
    name: str,
    strategy: Strategy,
    soils: SeenSoils,
    mir_soils: SeenSoils | None,
    progress: Progress,
) -> Any:
    view = soils.views[strategy.view]
    if strategy.head != "MLP":
        mean = Examples(view.mean(dim=1).numpy(), soils.targets, soils.site)
        progress(f"heads of {name}")
        return fit_head(
            strategy.head, mean, soils.parts[strategy.view], settings.seed, progress,
            f"heads of {name}", settings.heads_effort,
        )  # fmt: skip
    learn, check = split_by_site(soils.site)
    own = ScannedSoils(view, soils.targets)
    library = own[learn]
    if strategy.mir_soils_too and mir_soils is not None:
        others = mir_soils.without(soils.site[check])
        library = library.beside(ScannedSoils(others.views[MIR_LATENT], others.targets))
    return fit_perceptron(
        library, own[check], settings.heads_hidden, settings.heads_schedule, settings.seed,
        progress, f"heads of {name}",
    )  # fmt: skip


def each_scan(of: Any, scans: Any) -> Any:
    """``of`` applied to each scan of ``[n, scans, bands]``."""
    with torch.no_grad():
        return of(scans.flatten(0, 1)).unflatten(0, scans.shape[:2])


def split_by_site(site: NDArray[np.int64]) -> tuple[Rows, Rows]:
    """Rows to learn from and rows to validate on: whole sites, so no soil is on both sides."""
    sites, sizes = np.unique(site, return_counts=True)
    wanted, kept = VALIDATION_SHARE * len(site), []
    for name, size in zip(sites, sizes, strict=True):
        # Taken where it comes nearer to the share: one large site is not all that is stopped on.
        if size < 2 * wanted:
            kept.append(name)
            wanted -= size
    held = np.isin(site, kept or sites[sizes.argmin()])
    return np.flatnonzero(~held), np.flatnonzero(held)
