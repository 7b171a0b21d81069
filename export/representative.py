"""Spectra of a library that int8 ranges are taken from, in place of those that the checkpoint keeps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from export.errors import ExportError
from soil.errors import AxisError
from training.checkpoint import Checkpoint
from training.libraries.library import Library
from training.quantisation_spectra import REPRESENTATIVE, covering_rows


def representative_of(library: Library, checkpoint: Checkpoint) -> NDArray[np.float32]:
    """Reflectance ``[n, bands]`` on the model's axis that lies all over the latent space.

    Raises `ExportError` where the library has no NIR scans, or they don't cover the axis.
    """
    scans = library.scans.get("nir")
    if scans is None or not len(scans.values):
        raise ExportError(
            f"{library.name} has no NIR scans to take ranges from",
            "name a library of the scanner's",
        )
    try:
        reflectance = scans.axis.resample(scans.values, checkpoint.card.axis.axis())
    except AxisError as error:
        raise ExportError(
            f"{library.name} can't serve for int8 ranges: {error.what}", error.remedy
        ) from error
    spectra = reflectance.astype(np.float32)
    gh = checkpoint.domain.gh
    latent = checkpoint.model.outputs(spectra)["latent"]
    rows = covering_rows((latent - gh.mean) @ gh.whitening.T, REPRESENTATIVE)
    chosen: NDArray[np.float32] = spectra[rows]
    return chosen
