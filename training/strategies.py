"""The ways from a spectrum to nine properties that the article compares, by its names.

``MIR-`` and ``NIR-`` say what is scanned; ``SSL`` that the heads see the latent, ``NIR2MIR`` that
they see the MIR spectrum which the frozen decoder makes of a NIR latent, neither that they see the
spectrum itself; the last part is the kind of head. MIR heads learn from the MIR library, all others
from the pairs. PLSR learns from the mean of a soil's scans, as libraries hold it, the MLP from one
scan at a time. What the article does not state of this is ours.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from training.evaluation.card_figures import Table, property_table
from training.fitting import Progress
from training.heads import Labelled, train_heads
from training.linear import fit_linear
from training.plsr import plsr_path
from training.ridge import ridge_path
from training.settings import Settings
from training.stages import Trained, split_by_site
from training.synthetic.libraries import Libraries
from training.synthetic.soils import SoilSpectra

View = Literal["MIR", "MIR latent", "NIR", "NIR latent", "converted"]
Head = Literal["PLSR", "ridge", "MLP"]


class Strategy(NamedTuple):
    """What the heads see and of which kind they are. ``article`` is its mean CCC there, if given."""

    view: View
    head: Head
    article: float | None = None


STRATEGIES: Final[dict[str, Strategy]] = {
    "MIR-PLSR": Strategy("MIR", "PLSR", 0.82),
    "MIR-MLP": Strategy("MIR", "MLP", 0.81),
    "MIR-SSL-PLSR": Strategy("MIR latent", "PLSR"),
    "MIR-SSL-MLP": Strategy("MIR latent", "MLP", 0.91),
    "NIR-PLSR": Strategy("NIR", "PLSR", 0.51),
    "NIR-MLP": Strategy("NIR", "MLP", 0.51),
    "NIR-ridge": Strategy("NIR", "ridge"),
    "NIR-SSL-PLSR": Strategy("NIR latent", "PLSR"),
    "NIR-SSL-MLP": Strategy("NIR latent", "MLP"),
    "NIR2MIR-PLSR": Strategy("converted", "PLSR"),
    "NIR2MIR-MLP": Strategy("converted", "MLP", 0.61),
}
"""The article gives one figure for the conversion; it stands beside the MLP here. NIR-ridge is ours,
the cheap rival."""


def compare(
    settings: Settings, libraries: Libraries, trained: Trained, progress: Progress
) -> dict[str, Table]:
    """Metrics per property of every strategy, each on the first scan of the test soils."""
    learn = {
        "MIR": views(trained, libraries.mir, mir=True),
        "NIR": views(trained, libraries.pairs, mir=False),
    }
    test = views(trained, libraries.test, mir=True) | views(trained, libraries.test, mir=False)
    tables: dict[str, Table] = {}
    for name, (view, head, _) in STRATEGIES.items():
        progress(f"heads of {name}")
        soils = libraries.mir if view.startswith("MIR") else libraries.pairs
        scans = learn["MIR" if view.startswith("MIR") else "NIR"][view]
        raw = _predicted(settings, head, scans, soils, test[view][:, 0], progress, name)
        tables[name] = property_table(libraries.test.properties, raw)
    return tables


def views(trained: Trained, soils: SoilSpectra, *, mir: bool) -> dict[View, Any]:
    """What heads can see of ``soils``: ``[n, scans, k]`` each, of their MIR or of their NIR scans."""

    def each_scan(of: Any, scans: Any) -> Any:
        return of(scans.flatten(0, 1)).unflatten(0, scans.shape[:2])

    pipeline = trained.model.pipeline
    with torch.no_grad():
        if mir:
            absorbance = torch.from_numpy(soils.mir)
            latent = each_scan(lambda x: trained.mir_encoder(x)[0], absorbance)
            return {"MIR": absorbance, "MIR latent": latent}
        nir = each_scan(pipeline.preprocessing, torch.from_numpy(soils.nir))
        latent = each_scan(pipeline.nir_encoder, nir)
        converted = each_scan(trained.model.mir_decoder, latent)
        return {"NIR": nir, "NIR latent": latent, "converted": converted}


def _predicted(
    settings: Settings,
    head: Head,
    scans: Any,
    soils: SoilSpectra,
    asked: Any,
    progress: Progress,
    what: str,
) -> NDArray[np.float64]:
    """Properties ``[n, 9]`` that heads learnt from ``scans`` of ``soils`` give for ``asked`` ``[n, k]``."""
    rows, check = split_by_site(soils.site)
    if head != "MLP":
        mean = scans.mean(dim=1).numpy()
        path = plsr_path if head == "PLSR" else ridge_path
        linear = fit_linear(
            path, mean[rows], soils.properties[rows], mean[check], soils.properties[check]
        )
        return linear.predict(asked.numpy())
    labelled = Labelled(scans, torch.from_numpy(soils.properties))
    heads, _ = train_heads(
        labelled[rows], labelled[check], settings.heads_hidden, settings.heads_schedule,
        settings.seed, progress, what,
    )  # fmt: skip
    with torch.no_grad():
        found: NDArray[np.float64] = heads(asked).numpy().astype(np.float64)
    return found
