"""How near the synthetic soils are to real ones, as the domain check sees them.

Real sets, read in place from the folder that LOAMSCAN_REAL_SPECTRA names (``../shared/data`` if it
does not): ten soils of a NeoSpectra, 391 of Geeves (1994) and 825 of the Chimiometrie 2006 set, the
last two from laboratory instruments and without their bands above 2,495 nm; in the mid-infrared 500
of the Kellogg laboratory (KSSL). Preprocessing (the model's own in NIR, SNV on absorbance and scale
in MIR), Q (30 components) and GH (of their scores) are fitted on 3,000 synthetic soils as nine NIR
or three MIR devices see them; limits are the 99th percentile of 2,000 others, seen by forty or three.

`inside` is the share of a set's spectra that pass both, beside that of the held-out synthetic ones;
`Q` and `GH` are the set's median over the limit: 1 would lie on it, below is inside. Their floor is
the median of the held-out synthetic soils, so that the ratio does not fall where only the limit has
grown. A `peak` is where the median absorbance stands highest above the line between two shoulders:
a set's distance from the synthetic soils' own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.real_spectra import FOLDER, RealSet, Spectra, folder, present
from benchmarks.rows import Goal, Row
from calibration.fit import fit_gh_model, fit_q_model
from soil.axis import Axis
from training.axes import MIR_AXIS, NIR_AXIS
from training.preprocessing import Preprocessing
from training.synthetic.soils import Scans, SoilSet, draw_soils

_COMPONENTS: Final = 30
_CAUTION, _REJECT = 0.99, 0.999

_PEAKS_NM: Final = {
    "OH, 1.41 um": (1375.0, 1440.0),
    "water, 1.91 um": (1860.0, 1990.0),
    "clay, 2.21 um": (2150.0, 2250.0),
}
"""Shoulders, ours, of the bands that nearly every soil has (Stenberg et al. 2010)."""

_PEAKS_CM1: Final = {
    "kaolinite, 3,695 cm-1": (3675.0, 3715.0),
    "clay OH, 3,620 cm-1": (3585.0, 3660.0),
    "CH2, 2,920 cm-1": (2895.0, 2945.0),
    "CH2, 2,850 cm-1": (2838.0, 2868.0),
    "carbonate, 2,515 cm-1": (2420.0, 2600.0),
    "quartz, 1,995 cm-1": (1935.0, 2070.0),
    "quartz, 1,870 cm-1": (1835.0, 1935.0),
    "quartz and carbonate, 1,790 cm-1": (1745.0, 1835.0),
    "water, amide and aromatics, 1,630 cm-1": (1560.0, 1740.0),
    "Christiansen, 1,340 cm-1": (1230.0, 1550.0),
    "quartz, 1,160 cm-1": (1140.0, 1180.0),
    "quartz, 812 cm-1": (800.0, 840.0),
    "quartz, 697 cm-1": (670.0, 720.0),
}
"""Shoulders, ours, of the bands of undiluted soils (Nguyen et al. 1991; Parikh et al. 2014). The
stretching of Si-O and the quartz doublet at 798 and 778 are Reststrahlen there, no peaks."""

_PEAK_GOAL = Goal("<=", 10.0, "value")
"""In nm two bands of the model's axis, in cm-1 five. Ours."""


class _Synthetic(NamedTuple):
    """Synthetic soils to fit on and to hold out, ``[n, bands]`` on ``axis``, as a model takes them."""

    axis: Axis
    learn: Spectra
    held_out: Spectra


def measure(quick: bool, tell: Callable[[str], None]) -> list[Row]:
    """Rows for each real set that is there; none where there is no folder."""
    sets = present()
    if not sets:
        tell(f"no real spectra in {folder()}: name their folder in {FOLDER}")
    drawn: dict[str, _Synthetic] = {}
    rows: list[Row] = []
    for found in sets:
        tell(f"{found.name}: {folder() / found.file}")
        if found.kind not in drawn:
            drawn[found.kind] = _draw(found.kind, quick)
        rows += _rows(found, drawn[found.kind])
    return rows


def _draw(kind: str, quick: bool) -> _Synthetic:
    sizes = (600, 1200) if quick else (3000, 2000)
    if kind == "nir":
        devices = zip((SoilSet.PAIRS, SoilSet.DOMAIN), sizes, (9, 40), strict=True)
        nir = [draw_soils(0, of, n, nir=Scans(seen_by, 1)).nir for of, n, seen_by in devices]
        return _Synthetic(NIR_AXIS, nir[0][:, 0], nir[1][:, 0])
    both = zip((SoilSet.PAIRS, SoilSet.DOMAIN), sizes, strict=True)
    mir = [draw_soils(0, of, n, mir=Scans(3, 1)).mir for of, n in both]
    return _Synthetic(MIR_AXIS, mir[0][:, 0], mir[1][:, 0])


def _rows(found: RealSet, synthetic: _Synthetic) -> list[Row]:
    real = found.read()
    shared = np.isin(synthetic.axis.values, found.axis.values)
    learn, held_out = synthetic.learn[:, shared], synthetic.held_out[:, shared]
    if found.kind == "nir":
        rows = domain_rows(found.name, *as_the_model_sees(learn, held_out, real))
        ours, theirs = (-np.log10(np.maximum(spectra, 1e-4)) for spectra in (held_out, real))
        return rows + _peak_rows(found, _PEAKS_NM, ours, theirs)
    rows = domain_rows(found.name, *_snv_scaled(learn, held_out, real))
    return rows + _peak_rows(found, _PEAKS_CM1, held_out, real)


def as_the_model_sees(learn: Spectra, *others: Spectra) -> list[Spectra]:
    """NIR ``[n, bands]`` pre-processed, centred and scaled by ``learn``: that first, then ``others``."""
    preprocessing = Preprocessing(learn.shape[1])
    preprocessing.fit(torch.from_numpy(learn))
    return [preprocessing(torch.from_numpy(spectra)).numpy() for spectra in (learn, *others)]


def _snv_scaled(learn: Spectra, *others: Spectra) -> list[Spectra]:
    normal = [
        (spectra - spectra.mean(axis=1, keepdims=True)) / spectra.std(axis=1, keepdims=True)
        for spectra in (learn, *others)
    ]
    mean, sd = normal[0].mean(axis=0), normal[0].std(axis=0)
    return [(spectra - mean) / sd for spectra in normal]


def domain_rows(name: str, seen: Spectra, others: Spectra, asked: Spectra) -> list[Row]:
    """How ``asked`` stands in a domain of ``seen`` with the limits of ``others``, all pre-processed."""
    q = fit_q_model(seen, others, _COMPONENTS, _CAUTION, _REJECT)
    scores = [((spectra - q.mean) @ q.components.T) for spectra in (seen, others, asked)]
    gh = fit_gh_model(scores[0], scores[1], _CAUTION, _REJECT)
    of_q = [q.residual(spectra) / q.caution for spectra in (others, asked)]
    of_gh = [gh.distance(found) / gh.caution for found in scores[1:]]
    inside = [100 * float(np.mean((a <= 1) & (b <= 1))) for a, b in zip(of_q, of_gh, strict=True)]
    return [
        Row(f"inside, {name}", inside[1], "%", floor=inside[0]),
        Row(f"Q, {name}", float(np.median(of_q[1])), "limits", floor=float(np.median(of_q[0]))),
        Row(f"GH, {name}", float(np.median(of_gh[1])), "limits", floor=float(np.median(of_gh[0]))),
    ]


def _peak_rows(
    found: RealSet,
    peaks: Mapping[str, tuple[float, float]],
    ours: Spectra,
    theirs: Spectra,
) -> list[Row]:
    rows = []
    unit = found.axis.unit
    for peak, shoulders in peaks.items():
        at, real_at = (_peak(found.axis, spectra, *shoulders) for spectra in (ours, theirs))
        name = f"peak {peak}, {found.name} at {real_at:.0f} {unit}"
        rows.append(Row(name, abs(at - real_at), unit, goal=_PEAK_GOAL))
    return rows


def _peak(axis: Axis, absorbance: NDArray[np.float32], low: float, high: float) -> float:
    """Where the median of ``[n, bands]`` stands highest above the line between shoulders."""
    median = np.median(absorbance, axis=0)
    within = (axis.values >= low) & (axis.values <= high)
    at, height = axis.values[within], median[within]
    line = height[0] + (height[-1] - height[0]) * (at - at[0]) / (at[-1] - at[0])
    return float(at[np.argmax(height - line)])
