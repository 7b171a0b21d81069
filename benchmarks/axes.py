"""What the bands of other scanners tell, on SYNTHETIC soils: CCC of the nine properties, by axis.

One model for each axis that `loamscan train --axis` knows, trained as the reference model is, seed 0,
and tested on soils of sites and devices that no other set has. The value is the NeoSpectra's axis, the
peers are the others. Simulated scanners differ in bands, line width and noise alone, by their makers'
data sheets; none was at hand.

`inside, Geeves`: of 391 real soils (Geeves 1994, a laboratory instrument, read in place from the
folder that LOAMSCAN_REAL_SPECTRA names), the share that a domain fitted on synthetic soils of the same
axis takes for its own, as in `realism`: how far the simulated range may be believed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.real_spectra import folder, geeves
from benchmarks.realism import as_the_model_sees, domain_rows
from benchmarks.rows import Row
from soil.properties import NAMES
from training.axes import NIR_AXES, SCANNERS, ScannerName
from training.settings import Settings
from training.synthetic.soils import Scans, SoilSet, draw_soils
from training.train import train_synthetic

Told = dict[ScannerName, float]


def measure(quick: bool, tell: Callable[[str], None]) -> list[Row]:
    """A row for each property, their mean, and the real soils inside where the set is there."""
    scanners = ("neospectra", "nirone") if quick else SCANNERS
    ccc: dict[str, Told] = {name: {} for name in (*NAMES, "mean of nine")}
    for scanner in scanners:
        settings = Settings(scanner=scanner, name=f"reference-{scanner}")
        trained = train_synthetic(
            settings.quick() if quick else settings,
            lambda line, scanner=scanner: tell(f"{scanner}: {line}"),
        )
        found = {name: trained.card.metrics[name]["ccc"] for name in NAMES}
        for name, value in (*found.items(), ("mean of nine", float(np.mean([*found.values()])))):
            ccc[name][scanner] = value
    rows = [_row(name, told, "CCC") for name, told in ccc.items()]
    if (folder() / geeves(NIR_AXES["neospectra"].taken).file).exists():
        rows.append(_row("inside, Geeves", {s: _inside(s, quick) for s in scanners}, "%"))
    else:
        tell(f"no real spectra in {folder()}")
    return rows


def _row(name: str, told: Told, unit: str) -> Row:
    others = {scanner: value for scanner, value in told.items() if scanner != "neospectra"}
    return Row(name, told["neospectra"], unit, peers=others)


def _inside(scanner: ScannerName, quick: bool) -> float:
    axis = NIR_AXES[scanner].taken
    real = geeves(axis)
    shared = np.isin(axis.values, real.axis.values)
    learn, held_out = (
        draw_soils(0, of, n, nir=Scans(devices, 1), scanner=scanner).nir[:, 0, shared]
        for of, n, devices in zip(
            (SoilSet.PAIRS, SoilSet.DOMAIN), (600, 1200) if quick else (3000, 2000), (9, 40),
            strict=True,
        )
    )  # fmt: skip
    inside, *_ = domain_rows(scanner, *as_the_model_sees(learn, held_out, real.read()))
    return inside.value
