"""The NeoSpectra library of Zenodo 10.5281/zenodo.7586622: NIR with soil and site, and paired MIR.

One row of the NIR file is one scan, or one scanner's mean of six; laboratory values stand in every
row of a soil. Spectral columns are headed by their wavelength in nm and hold per cent reflectance.
The MIR file has ``kssl_id`` and columns headed by wavenumber, absorbance.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from soil.spectrum import PERCENT_MEDIAN_MIN
from training.errors import LibraryError
from training.libraries.gathered import CACO3, Gathered, band_axis, laboratory, no_text
from training.libraries.library import Samples, Scans
from training.libraries.tables import Table, headers, position, read_table

NAME: Final = "NeoSpectra soil NIR library (Zenodo 7586622)"
LICENCE: Final = "CC-BY-4.0"

_SAMPLE: Final = "kssl_id"
_SERIAL: Final = "scanner_SerialNo"
_TEXTS: Final = (_SAMPLE, _SERIAL, "lims.site.id", "country")
_CODES: Final = {
    "c_tot_ncs": "c.tot_usda.a622_w.pct",
    "n_tot_ncs": "n.tot_usda.a623_w.pct",
    "eoc_tot_c": "oc_usda.c729_w.pct",
    "caco3": CACO3,
    "ph_h2o": "ph.h2o_usda.a268_index",
    "cecd_nh4": "cec_usda.a723_cmolc.kg",
    "clay_tot_psa": "clay.tot_usda.a334_w.pct",
    "silt_tot_psa": "silt.tot_usda.c62_w.pct",
    "sand_tot_psa": "sand.tot_usda.c60_w.pct",
}
"""OSSL code of each laboratory column (ossl-imports, dataset/Neospectra)."""


def gather(paths: Sequence[Path]) -> Gathered:
    """Read the files of the library, told apart by their columns."""
    found = Gathered(NAME, LICENCE)
    for path in paths:
        names = headers(path)
        if _SAMPLE not in names:
            raise LibraryError(
                f"{path} has no column {_SAMPLE}", "name the CSV files of Zenodo record 7586622"
            )
        table = read_table(path, _TEXTS, _CODES, position)
        if not len(table.positions):
            raise LibraryError(f"{path} has no spectral columns", "name the file with spectra")
        if _SERIAL in names:
            _nir(path, table, found)
        elif table.number:
            raise LibraryError(
                f"{path} has laboratory columns and no {_SERIAL}",
                "name the file as it is in the record; describe others in a library.toml",
            )
        else:
            _mir(path, table, found)
    return found


def _nir(path: Path, table: Table, found: Gathered) -> None:
    if np.nanmedian(table.bands) < PERCENT_MEDIAN_MIN:
        raise LibraryError(
            f"{path} holds no per cent: the median of its spectra is {np.nanmedian(table.bands):.3g}",
            "this library's files hold reflectance in per cent; for fractions describe them in a "
            "library.toml",
        )
    sample = table.text[_SAMPLE]
    codes = {_CODES[name]: values for name, values in table.number.items()}
    found.lacking += [name for name in _CODES if name not in table.number]
    found.samples.append(
        Samples(
            sample,
            laboratory(codes, table.rows),
            table.text.get("lims.site.id", no_text(table.rows)),
            table.text.get("country", no_text(table.rows)),
        )
    )
    fraction = table.bands
    fraction /= 100  # in place: the library may be as large as memory allows
    axis = band_axis("nir", "nm", table.positions, str(path))
    scans = Scans(axis, fraction, sample, table.text[_SERIAL], no_text(table.rows))
    found.scans.append(("nir", scans))


def _mir(path: Path, table: Table, found: Gathered) -> None:
    axis = band_axis("mir", "cm-1", table.positions, str(path))
    unsaid = no_text(table.rows)
    scans = Scans(axis, table.bands, table.text[_SAMPLE], unsaid, unsaid)
    found.scans.append(("mir", scans))
