"""Spectra that a checkpoint keeps for its export: to take ranges from, and to judge a loss on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from calibration.domain import GhModel
from soil.properties import NAMES
from training.pipeline import Model
from training.soil_spectra import SoilSpectra

REPRESENTATIVE: Final = 256
"""Spectra that ranges are taken from. Ours."""

JUDGED_MAX: Final = 1000
"""Soils of the test set that a loss is judged on. Ours: a loss is of pairs of predictions of the same
soils, so that few tell it well."""

ANALYSED_MIN: Final = 2
"""What a correlation takes."""

ARRAYS: Final = ("representative", "representative_rows", "judged", "judged_properties")


def quantisation_arrays(
    model: Model, gh: GhModel, pairs: SoilSpectra, test: SoilSpectra, seed: int
) -> dict[str, NDArray[Any]]:
    """`ARRAYS`, the first two of scans of ``pairs``, the others of soils of ``test``.

    Reflectance ``[n, bands]`` and its rows among the scans ``[n]``; reflectance ``[m, bands]`` and
    properties ``[m, 9]``, NaN where not analysed.
    """
    scans = pairs.nir.reshape(-1, pairs.nir.shape[2])
    latent = model.outputs(scans)["latent"]
    rows = covering_rows((latent - gh.mean) @ gh.whitening.T, REPRESENTATIVE)
    judged = judged_rows(test.properties, seed)
    return {
        "representative": scans[rows],
        "representative_rows": rows,
        "judged": test.nir[judged, 0],
        "judged_properties": test.properties[judged].astype(np.float32),
    }


def judged_rows(properties: NDArray[np.float64], seed: int) -> NDArray[np.int64]:
    """Rows of ``properties`` ``[n, 9]`` drawn to judge by, each property analysed of some of them."""
    drawn = np.random.default_rng(seed).permutation(len(properties))
    analysed = np.isfinite(properties[drawn])
    # A property that few were analysed for must not be missed by chance.
    wanted = (analysed & (np.cumsum(analysed, axis=0) <= ANALYSED_MIN)).any(axis=1)
    first = np.argsort(~wanted, kind="stable")[:JUDGED_MAX]
    return np.sort(drawn[first])


def covering_rows(points: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Rows of ``points`` ``[n, k]`` that lie all over them: ``count``, or all that differ.

    First the one nearest to the mean, then each time the one that is farthest from those taken
    (Gonzalez 1985, doi:10.1016/0304-3975(85)90224-5): no point is farther from its nearest row than
    twice what the best choice could do.
    """
    centred = points.astype(np.float64) - points.mean(axis=0, dtype=np.float64)
    rows = [int(np.argmin(_squared(centred)))]
    nearest = _squared(centred - centred[rows[0]])
    while len(rows) < count and nearest.max() > 0:
        rows.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, _squared(centred - centred[rows[-1]]))
    return np.array(rows, dtype=np.int64)


def _squared(points: NDArray[np.float64]) -> NDArray[np.float64]:
    squared: NDArray[np.float64] = np.einsum("nk,nk->n", points, points)
    return squared


def check_arrays(arrays: Mapping[str, NDArray[Any]], bands: int) -> None:
    """Raises `ValueError` where ``arrays`` are not `ARRAYS` of spectra of so many ``bands``."""
    representative, rows, judged, properties = (arrays[name] for name in ARRAYS)
    wanted = {
        "representative": (representative.shape, (len(rows), bands)),
        "judged": (judged.shape, (len(properties), bands)),
        "judged_properties": (properties.shape, (len(judged), len(NAMES))),
    }
    for name, (found, expected) in wanted.items():
        if found != expected or not len(arrays[name]):
            raise ValueError(f"the spectra for an export have {name} of shape {found}")
    if any(array.dtype != np.float32 for array in (representative, judged, properties)):
        raise ValueError("the spectra for an export are not in float32")
    if rows.dtype != np.int64:
        raise ValueError("the spectra for an export have rows that are no whole numbers")
    if np.isfinite(properties).sum(axis=0).min() < ANALYSED_MIN:
        raise ValueError("the spectra for an export lack laboratory values to judge by")
    if not (np.isfinite(representative).all() and np.isfinite(judged).all()):
        raise ValueError("the spectra for an export hold values that are not numbers")
