"""Exports of the Open Soil Spectral Library, version 1.2: soil data, sites, NIR and MIR.

Files are told apart by their columns and joined by the first identifier that all of them have.
``scan_nir.1350_ref`` is reflectance as a fraction at 1350 nm, ``scan_mir.600_abs`` absorbance at
600 cm-1 (OSSL manual, database description). Visible spectra (``scan_visnir``) are not read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from soil.spectrum import PERCENT_MEDIAN_MIN
from training.errors import LibraryError
from training.libraries.gathered import OSSL_CODES, Gathered, band_axis, laboratory, no_text
from training.libraries.library import RANGES, Range, Samples, Scans, Text
from training.libraries.tables import Table, headers, read_table

NAME: Final = "Open Soil Spectral Library v1.2"
LICENCE: Final = "CC-BY-4.0"

KEYS: Final = ("id.layer_uuid_txt", "id.sample_local_c", "id.layer_local_c")
_DEVICES: Final[dict[Range, tuple[str, ...]]] = {
    "nir": ("scan.nir.model.serialnumber_utf8_int", "scan.nir.model.name_utf8_txt"),
    "mir": ("scan.mir.model.serialnumber_utf8_int", "scan.mir.model.name_utf8_txt"),
}
_SITES: Final = ("id.location_olc_txt",)
_COUNTRIES: Final = ("location.country_iso.3166_txt",)
_BAND: Final[dict[Range, re.Pattern[str]]] = {
    "nir": re.compile(r"scan_nir\.(\d+(?:\.\d+)?)_ref"),
    "mir": re.compile(r"scan_mir\.(\d+(?:\.\d+)?)_abs"),
}
_UNIT: Final = {"nir": "nm", "mir": "cm-1"}


def gather(paths: Sequence[Path]) -> Gathered:
    """Read the exports at ``paths``."""
    names = {path: headers(path) for path in paths}
    key = next((key for key in KEYS if all(key in found for found in names.values())), None)
    if key is None:
        raise LibraryError(
            f"the files share none of the columns {', '.join(KEYS)}",
            "name the soil, site and spectral exports of one version",
        )
    found = Gathered(NAME, LICENCE)
    for path, columns in names.items():
        ranges: list[Range] = [
            which for which in RANGES if any(_BAND[which].fullmatch(name) for name in columns)
        ]
        for which in ranges:
            _scans(path, key, which, found)
        if any(name in columns for name in (*OSSL_CODES, *_SITES, *_COUNTRIES)):
            _samples(path, key, found)
        elif not ranges:
            raise LibraryError(
                f"{path} has neither soil data nor NIR or MIR spectra", "leave it out"
            )
    return found


def _scans(path: Path, key: str, which: Range, found: Gathered) -> None:
    pattern = _BAND[which]

    def band(name: str) -> float | None:
        match = pattern.fullmatch(name)
        return float(match.group(1)) if match else None

    table = read_table(path, (key, *_DEVICES[which]), (), band)
    if which == "nir" and np.nanmedian(table.bands) > PERCENT_MEDIAN_MIN:
        raise LibraryError(
            f"{path} holds no fractions: the median of its spectra is {np.nanmedian(table.bands):.3g}",
            "OSSL exports hold reflectance as a fraction; describe others in a library.toml",
        )
    axis = band_axis(which, _UNIT[which], table.positions, str(path))
    # A joined export has a row for every layer, scanned in this range or not.
    scanned = np.asarray(np.isfinite(table.bands).any(axis=1))
    device, unsaid = _first(table, _DEVICES[which]), no_text(table.rows)
    scans = Scans(axis, table.bands, table.text[key], device, unsaid)
    found.scans.append((which, scans if scanned.all() else scans[scanned]))


def _samples(path: Path, key: str, found: Gathered) -> None:
    table = read_table(path, (key, *_SITES, *_COUNTRIES), OSSL_CODES, lambda _: None)
    found.samples.append(
        Samples(
            table.text[key],
            laboratory(table.number, table.rows),
            _first(table, _SITES),
            _first(table, _COUNTRIES),
        )
    )


def _first(table: Table, names: Sequence[str]) -> Text:
    """Of each row what the first of the columns ``names`` says that says anything."""
    found = no_text(table.rows)
    for name in names:
        if name in table.text:
            found = np.where(found == "", table.text[name], found)
    return found
