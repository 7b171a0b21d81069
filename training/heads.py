"""Stage 3: heads from the latent to the nine properties, on model scale, unknown values left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from soil.properties import NAMES, to_model_scale
from training.device import placed
from training.fitting import Progress, Schedule, fit, generator
from training.networks import Heads

DROPOUT = 0.1


@dataclass(frozen=True)
class Labelled:
    """Latents ``[n, scans, latent]`` and properties ``[n, 9]`` in reporting units, NaN where unknown."""

    latent: Any
    properties: Any

    def __len__(self) -> int:
        return len(self.latent)

    def __getitem__(self, rows: Any) -> Labelled:
        return Labelled(self.latent[rows], self.properties[rows])

    def beside(self, other: Labelled) -> Labelled:
        """The soils of both, with as many scans each as the one with fewer has."""
        scans = min(self.latent.shape[1], other.latent.shape[1])
        return Labelled(
            torch.cat([self.latent[:, :scans], other.latent[:, :scans]]),
            torch.cat([self.properties, other.properties]),
        )


def train_heads(
    library: Labelled,
    validation: Labelled,
    hidden: tuple[int, ...],
    schedule: Schedule,
    seed: int,
    progress: Progress,
    what: str,
) -> tuple[Heads, float]:
    """Heads with the best validation loss (mean squared error of standardised values), and that loss."""
    sizes = [library.latent.shape[2], *hidden, len(NAMES)]
    heads = Heads(sizes, generator(seed, 3), DROPOUT)
    targets = torch.from_numpy(to_model_scale(library.properties.numpy())).float()
    known = torch.isfinite(targets)
    centre = torch.nanmean(targets, dim=0)
    heads.centre.copy_(centre)
    heads.scale.copy_(torch.nanmean((targets - centre) ** 2, dim=0).sqrt())
    flat = library.latent.flatten(0, 1)
    heads.latent_centre.copy_(flat.mean(dim=0))
    heads.latent_scale.copy_(flat.std(dim=0) + 1e-6)
    wanted = torch.nan_to_num((targets - heads.centre) / heads.scale)
    other = torch.from_numpy(to_model_scale(validation.properties.numpy())).float()
    other_known = torch.isfinite(other)
    other_wanted = torch.nan_to_num((other - heads.centre) / heads.scale)

    with placed(heads) as device:
        rng = generator(seed, 13, device)
        latent, wanted, known, other_latent, other_wanted, other_known = (
            each.to(device)
            for each in (
                library.latent, wanted, known, validation.latent[:, 0], other_wanted, other_known
            )
        )  # fmt: skip

        def loss(rows: Any) -> Any:
            scan = torch.randint(latent.shape[1], (len(rows),), generator=rng, device=device)
            out = heads.standardised(latent[rows, scan])
            return masked_squared_error(out, wanted[rows], known[rows])

        def validate() -> float:
            out = heads.standardised(other_latent)
            return float(masked_squared_error(out, other_wanted, other_known))

        best = fit(heads, loss, validate, len(library), schedule, rng, progress, what)
    return heads, best


def masked_squared_error(out: Any, wanted: Any, known: Any) -> Any:
    """Mean squared error ``[n, 9]`` over what is known; zero where nothing is."""
    return (((out - wanted) ** 2) * known).sum() / known.sum().clamp(min=1)
