"""How near the synthetic soils are to real ones, as the domain check sees them.

Real sets, read in place from the folder that LOAMSCAN_REAL_SPECTRA names (``../shared/data`` if it
does not): ten soils of a NeoSpectra, 391 of Geeves (1994) and 825 of the Chimiometrie 2006 set, the
last two from laboratory instruments and without their bands above 2,495 nm. Preprocessing, Q (30
components) and GH (of their scores) are fitted on 3,000 synthetic soils as nine devices see them;
limits are the 99th percentile of 2,000 others, seen by forty.

`inside` is the share of a set's spectra that pass both, beside that of the held-out synthetic ones;
`Q` and `GH` are the set's median over the limit: 1 would lie on it, below is inside. A `peak` is
where the median absorbance stands highest above the line between two shoulders: a set's distance
from the synthetic soils' own.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.rows import Goal, Row
from calibration.fit import fit_gh_model, fit_q_model
from soil.axis import Axis
from training.axes import NIR_AXIS
from training.libraries.tables import position, read_table
from training.preprocessing import Preprocessing
from training.synthetic.soils import Scans, SoilSet, draw_soils

FOLDER: Final = "LOAMSCAN_REAL_SPECTRA"
_COMPONENTS: Final = 30
_CAUTION, _REJECT = 0.99, 0.999
_LONGEST_NM: Final = 2495.0

Spectra = NDArray[np.float32]


class _RealSet(NamedTuple):
    """A file of real spectra. ``to_fraction`` makes reflectance of its values."""

    name: str
    file: str
    to_fraction: Callable[[Spectra], Spectra]
    longest_nm: float


_SETS: Final = (
    _RealSet("NeoSpectra", "neospectra_ossl_sample_10.csv", lambda v: v / 100, np.inf),
    _RealSet("Geeves", "geeves_visnir_391.csv.gz", lambda v: v, _LONGEST_NM),
    _RealSet("Chimiometrie", "nirsoil_825.csv.gz", lambda v: 10**-v, _LONGEST_NM),
)

_PEAKS: Final = {
    "OH, 1.41 um": (1375.0, 1440.0),
    "water, 1.91 um": (1860.0, 1990.0),
    "clay, 2.21 um": (2150.0, 2250.0),
}
"""Shoulders in nm, ours, of the bands that nearly every soil has (Stenberg et al. 2010)."""

_PEAK_GOAL = Goal("<=", 10.0, "value")
"""Two bands of the model's axis. Ours."""


def measure(quick: bool, tell: Callable[[str], None]) -> list[Row]:
    """Rows for each real set that is there; none where there is no folder."""
    folder = Path(os.environ.get(FOLDER, "../shared/data"))
    present = [found for found in _SETS if (folder / found.file).exists()]
    if not present:
        tell(f"no real spectra in {folder}: name their folder in {FOLDER}")
        return []
    learn, held_out = (
        draw_soils(0, which, n, nir=Scans(devices, 1)).nir[:, 0]
        for which, n, devices in (
            (SoilSet.PAIRS, 600 if quick else 3000, 9),
            (SoilSet.DOMAIN, 1200 if quick else 2000, 40),
        )
    )
    rows: list[Row] = []
    for found in present:
        tell(f"{found.name}: {folder / found.file}")
        table = read_table(folder / found.file, (), (), position)
        onto = Axis("nm", NIR_AXIS.values[found.longest_nm >= NIR_AXIS.values])
        real = Axis("nm", table.positions).resample(found.to_fraction(table.bands), onto)
        shared = np.isin(NIR_AXIS.values, onto.values)
        rows += _rows(
            found.name, onto, real.astype(np.float32), learn[:, shared], held_out[:, shared]
        )
    return rows


def _rows(name: str, axis: Axis, real: Spectra, learn: Spectra, held_out: Spectra) -> list[Row]:
    preprocessing = Preprocessing(len(axis))
    preprocessing.fit(torch.from_numpy(learn))
    seen, others, asked = (
        preprocessing(torch.from_numpy(spectra)).numpy() for spectra in (learn, held_out, real)
    )
    q = fit_q_model(seen, others, _COMPONENTS, _CAUTION, _REJECT)
    scores = [((spectra - q.mean) @ q.components.T) for spectra in (seen, others, asked)]
    gh = fit_gh_model(scores[0], scores[1], _CAUTION, _REJECT)
    of_q = [q.residual(spectra) / q.caution for spectra in (others, asked)]
    of_gh = [gh.distance(found) / gh.caution for found in scores[1:]]
    inside = [100 * float(np.mean((a <= 1) & (b <= 1))) for a, b in zip(of_q, of_gh, strict=True)]
    rows = [
        Row(f"inside, {name}", inside[1], "%", floor=inside[0]),
        Row(f"Q, {name}", float(np.median(of_q[1])), "limits", floor=float(np.median(of_q[0]))),
        Row(f"GH, {name}", float(np.median(of_gh[1])), "limits", floor=float(np.median(of_gh[0]))),
    ]
    for peak, shoulders in _PEAKS.items():
        ours, theirs = (_peak_nm(axis, spectra, *shoulders) for spectra in (held_out, real))
        rows.append(
            Row(
                f"peak {peak}, {name} at {theirs:.0f} nm", abs(ours - theirs), "nm", goal=_PEAK_GOAL
            )
        )
    return rows


def _peak_nm(axis: Axis, reflectance: Spectra, low_nm: float, high_nm: float) -> float:
    """Where the median absorbance of ``[n, bands]`` stands highest above the line between shoulders."""
    median = np.median(-np.log10(np.maximum(reflectance, 1e-4)), axis=0)
    within = (axis.values >= low_nm) & (axis.values <= high_nm)
    at, height = axis.values[within], median[within]
    line = np.interp(-at, [-at[0], -at[-1]], [height[0], height[-1]])
    return float(at[np.argmax(height - line)])
