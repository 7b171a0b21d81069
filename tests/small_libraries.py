"""Small libraries in the formats that exist, with the headers of the real files."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from soil.axis import Axis
from training.libraries.gathered import Gathered, no_text
from training.libraries.library import Samples, Scans

NEOSPECTRA_NM = [repr(round(1e7 / (3921.568655 + 13.61655 * i), 6)) for i in range(257)]
ZENODO_METADATA = (
    "kssl_id,lay_id,Lab,WOODWELL_ID,Lab_ID,country,scanner_name,scanner_SerialNo,saucer,lay.type,"
    "proj.id,lims.site.id,lims.pedon.id,lay.depth.to.top,lay.depth.to.bottom,horizon.designation,"
    "texture.description,fiscal.year,submit.proj.name,horizontal.datum.name,"
    "latitude.std.decimal.degrees,longitude.std.decimal.degrees,taxonomic.classification.name,"
    "fips.code,lat.ycntr,long.xcntr,eoc_tot_c,c_tot_ncs,n_tot_ncs,s_tot_ncs,ph_h2o,db_13b,"
    "clay_tot_psa,silt_tot_psa,sand_tot_psa,caco3,efferv_1nhcl,cecd_nh4,ca_nh4d,mg_nh4d,k_nh4d,"
    "na_nh4d,w32l2,w15l2,al_dith,p_mehlich3,p_el_meh3,k_el_meh3,ec_12pre"
).split(",")
"""Columns of Neospectra_WoodwellKSSL_avg_soil+site+NIR.csv that are named in ossl-imports."""

SOIL = {
    "c_tot_ncs": "2.4", "n_tot_ncs": "0.17", "eoc_tot_c": "1.8", "caco3": "5", "ph_h2o": "6.8",
    "cecd_nh4": "14.2", "clay_tot_psa": "23", "silt_tot_psa": "41", "sand_tot_psa": "36",
}  # fmt: skip


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    text = "\n".join(",".join(row) for row in [header, *rows]) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def spectrum(sample: int, scan: int, bands: int, scale: float) -> list[str]:
    """A smooth spectrum that no other scan has."""
    at = np.linspace(0, 3, bands)
    values = scale * (0.4 + 0.05 * np.sin(at + sample) + 0.001 * scan)
    return [f"{value:.5f}" for value in values]


def zenodo_nir(
    folder: Path, scans: Sequence[tuple[int, str, str, str, dict[str, str]]], scale: float = 100
) -> Path:
    """Write the NIR file with ``scans`` of (sample, serial, site, country, laboratory values)."""
    rows = []
    for i, (sample, serial, site, country, soil) in enumerate(scans):
        given = {
            **SOIL, **soil, "kssl_id": str(sample), "scanner_SerialNo": serial,
            "lims.site.id": site, "country": country,
        }  # fmt: skip
        row = [given.get(name, "NA") for name in ZENODO_METADATA]
        rows.append(row + spectrum(sample, i, 257, scale))
    path = folder / "Neospectra_WoodwellKSSL_avg_soil+site+NIR.csv"
    return write_csv(path, [*ZENODO_METADATA, *NEOSPECTRA_NM], rows)


def zenodo_mir(folder: Path, samples: Sequence[int]) -> Path:
    """Write the MIR file with one scan of each of ``samples``."""
    rows = [[str(sample), *spectrum(sample, 0, 1701, 2.0)] for sample in samples]
    header = ["kssl_id", *(str(at) for at in range(600, 4001, 2))]
    return write_csv(folder / "Neospectra_WoodwellKSSL_avg_MIR.csv", header, rows)


def gathered(
    scanned: Sequence[str],
    soils: Sequence[str] | None = None,
    properties: np.ndarray | None = None,
    values: np.ndarray | None = None,
    device: Sequence[str] | None = None,
    site: Sequence[str] | None = None,
    preparation: Sequence[str] | None = None,
) -> Gathered:
    """What an importer would have found: NIR scans of ``scanned`` and soil data of ``soils``."""
    soils = list(dict.fromkeys(scanned)) if soils is None else soils
    m, n = len(scanned), len(soils)
    if values is None:
        values = 0.4 + 0.001 * np.arange(m)[:, None] + 0.01 * np.arange(6)
    if properties is None:
        properties = np.tile([2.4, 0.6, 1.8, 0.17, 6.8, 14.2, 23.0, 41.0, 36.0], (n, 1))
    found = Gathered("a test", "CC0-1.0")
    found.samples.append(
        Samples(
            np.array(soils), np.array(properties, dtype=float),
            no_text(n) if site is None else np.array(site), no_text(n),
        )
    )  # fmt: skip
    axis = Axis("nm", np.linspace(2500, 1400, values.shape[1]))
    found.scans.append(
        (
            "nir",
            Scans(
                axis, np.array(values, dtype=np.float32), np.array(scanned),
                no_text(m) if device is None else np.array(device),
                no_text(m) if preparation is None else np.array(preparation),
            ),
        )
    )  # fmt: skip
    return found
