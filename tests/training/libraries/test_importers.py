"""Each format is read as its files are, and refused where they can't be what they are said to be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from small_libraries import NEOSPECTRA_NM, spectrum, write_csv, zenodo_mir, zenodo_nir
from soil.properties import IC_PER_CACO3, INDEX
from training.errors import LibraryError
from training.libraries import folder
from training.libraries.gathered import band_axis
from training.libraries.library import Library
from training.libraries.sources import read_library
from training.libraries.summary import summary, summary_lines

OSSL_SITE = (
    "id.sample_local_c,id.layer_local_c,longitude.point_wgs84_dd,latitude.point_wgs84_dd,"
    "location.point.error_any_m,layer.upper.depth_usda_cm,layer.lower.depth_usda_cm,"
    "layer.sequence_usda_uint16,id.project_ascii_txt,id.location_olc_txt,"
    "location.country_iso.3166_txt,dataset.code_ascii_txt"
).split(",")
OSSL_LAB = (
    "id.sample_local_c,oc_usda.c729_w.pct,c.tot_usda.a622_w.pct,n.tot_usda.a623_w.pct,"
    "s.tot_usda.a624_w.pct,ph.h2o_usda.a268_index,bd_usda.a4_g.cm3,clay.tot_usda.a334_w.pct,"
    "silt.tot_usda.c62_w.pct,sand.tot_usda.c60_w.pct,caco3_usda.a54_w.pct,efferv_usda.a479_class,"
    "cec_usda.a723_cmolc.kg"
).split(",")
OSSL_NIR = (
    "id.sample_local_c,id.scan_local_c,scan.lab_utf8_txt,scan.nir.date.begin_iso.8601_yyyy.mm.dd,"
    "scan.nir.date.end_iso.8601_yyyy.mm.dd,scan.nir.model.name_utf8_txt,"
    "scan.nir.model.serialnumber_utf8_int,scan.nir.accessory.used_utf8_txt,"
    "scan.nir.method.preparation_any_txt,scan.nir.license.title_ascii_txt"
).split(",")
OSSL_MIR = (
    "id.sample_local_c,scan.mir.date.begin_iso.8601_yyyy.mm.dd,scan.mir.model.name_utf8_txt,"
    "scan.mir.method.preparation_any_txt"
).split(",")


def of(library: Library, sample: str, name: str) -> float:
    (row,) = np.flatnonzero(library.samples.name == sample)
    return float(library.samples.properties[row, INDEX[name]])


def test_the_zenodo_library_keeps_scanners_repeats_and_sites(tmp_path: Path) -> None:
    nir = zenodo_nir(
        tmp_path,
        [
            (101, "21020058", "s1", "United States", {}),
            (101, "21020058", "s1", "United States", {}),
            (101, "21020061", "s1", "United States", {}),
            (102, "21020058", "s2", "Ghana", {"caco3": "NA", "c_tot_ncs": "NA"}),
        ],
    )
    library, report = read_library("zenodo-neospectra", [nir, zenodo_mir(tmp_path, [101, 103])])
    assert library.licence == "CC-BY-4.0"
    assert library.samples.name.tolist() == ["101", "102", "103"]
    assert library.samples.site.tolist() == ["s1", "s2", ""]
    assert library.samples.country.tolist() == ["United States", "Ghana", ""]
    assert of(library, "101", "total_carbon") == 2.4
    assert of(library, "101", "inorganic_carbon") == pytest.approx(5 * IC_PER_CACO3)
    assert np.isnan(of(library, "102", "inorganic_carbon"))
    assert of(library, "102", "organic_carbon") == 1.8
    scans = library.scans["nir"]
    assert scans.sample.tolist() == ["101", "101", "101", "102"]
    assert scans.device.tolist() == ["21020058", "21020058", "21020061", "21020058"]
    assert scans.axis.unit == "nm"
    assert scans.axis.values[0] == pytest.approx(2550.0, abs=0.01)
    assert len(scans.axis) == 257
    assert 0.3 < scans.values.min() < scans.values.max() < 0.5
    assert library.scans["mir"].axis.values[[0, -1]].tolist() == [600, 4000]
    assert ["kept for the first stage" in line for line in report.lines()] == [True]


def test_the_ossl_exports_are_joined_by_what_they_share(tmp_path: Path) -> None:
    nm = [f"scan_nir.{at}_ref" for at in range(1350, 2551, 2)]
    site = write_csv(
        tmp_path / "neospectra_soilsite_v1.2.csv.gz",
        OSSL_SITE,
        [["7", "70", "1", "2", "30", "0", "20", "NA", "Neospectra database", "86CF+1", "USA", "X"]],
    )
    lab = write_csv(
        tmp_path / "neospectra_soillab_v1.2.csv.gz",
        OSSL_LAB,
        [["7", "1.8", "2.4", "0.17", "0", "6.8", "NA", "23", "41", "36", "5", "slight", "14.2"]],
    )
    nir = write_csv(
        tmp_path / "neospectra_nir_v1.2.csv.gz",
        [*OSSL_NIR, *nm],
        [
            [
                *[
                    "7",
                    f"scan{i}",
                    "Woodwell",
                    "2021-01-01",
                    "2022-12-31",
                    "NEO1",
                    ["21020058", "NA"][i],
                ],
                *["cup", "<2 mm", "CC-BY", *spectrum(7, i, 601, 1.0)],
            ]
            for i in range(2)
        ],
    )
    mir = write_csv(
        tmp_path / "neospectra_mir_v1.2.csv.gz",
        [*OSSL_MIR, *(f"scan_mir.{at}_abs" for at in range(600, 4001, 2))],
        [["7", "2022-01-01", "Bruker Vertex 70", "Finely ground", *spectrum(7, 0, 1701, 2.0)]],
    )
    library, report = read_library("ossl", [site, lab, nir, mir])
    assert report.lines() == []
    assert (library.samples.name.tolist(), library.samples.country.tolist()) == (["7"], ["USA"])
    assert library.samples.site.tolist() == ["86CF+1"]
    assert of(library, "7", "inorganic_carbon") == pytest.approx(5 * IC_PER_CACO3)
    assert of(library, "7", "sand") == 36
    # Scanners are told by their serial number, where a row has one.
    assert library.scans["nir"].device.tolist() == ["21020058", "NEO1"]
    assert library.scans["nir"].axis.values[[0, -1]].tolist() == [1350, 2550]
    assert library.scans["mir"].device.tolist() == ["Bruker Vertex 70"]


def test_a_joined_ossl_export_may_have_layers_without_a_scan(tmp_path: Path) -> None:
    bands = [f"scan_mir.{at}_abs" for at in range(600, 620, 2)]
    path = write_csv(
        tmp_path / "ossl_all_L1_v1.2.csv",
        ["dataset.code_ascii_txt", "id.layer_uuid_txt", "clay.tot_usda.a334_w.pct", *bands],
        [
            ["KSSL.SSL", "u1", "23", *spectrum(1, 0, 10, 2.0)],
            ["LUCAS.SSL", "u2", "17", *["NA"] * 10],
        ],
    )
    library, report = read_library("ossl", [path])
    assert library.samples.name.tolist() == ["u1"]
    assert [finding.what for finding in report.findings] == ["samples without a scan: dropped"]


def test_our_own_layout_comes_back_as_it_was_written(tmp_path: Path) -> None:
    nir = zenodo_nir(
        tmp_path,
        [(101, "a", "s1", "Mali", {"ph_h2o": "NA"}), (102, "b", "s2", "Togo", {})],
    )
    first, _ = read_library("zenodo-neospectra", [nir, zenodo_mir(tmp_path, [102])])
    folder.write(first, tmp_path / "kept")
    again, report = read_library("loamscan", [tmp_path / "kept"])
    assert report.lines() == []
    assert (again.name, again.licence) == (first.name, first.licence)
    for name in ("name", "site", "country"):
        assert getattr(again.samples, name).tolist() == getattr(first.samples, name).tolist()
    np.testing.assert_array_equal(again.samples.properties, first.samples.properties)
    for which, scans in first.scans.items():
        np.testing.assert_array_equal(again.scans[which].values, scans.values)
        assert again.scans[which].axis == scans.axis
        assert again.scans[which].device.tolist() == scans.device.tolist()


TOML = """
schema = "loamscan.library/1"
name = 'North "farms"'
licence = "CC0-1.0"
samples = "samples.csv"
[nir]
table = "nir.csv"
unit = "nm"
kind = "{kind}"
"""


def own(tmp_path: Path, kind: str, values: list[str], toml: str = TOML) -> Path:
    (tmp_path / "library.toml").write_text(toml.format(kind=kind))
    write_csv(tmp_path / "samples.csv", ["sample", "clay"], [["a", "23"]])
    write_csv(tmp_path / "nir.csv", ["sample", "2500", "2400", "2300"], [["a", *values]])
    return tmp_path


@pytest.mark.parametrize(("text", "why"), [
    ("sample;2500;2400\na;0,5;0,4\n", "not separated by commas"),
    ("sep=,\nsample,2500,2400\na,0.5,0.4\n", "not separated by commas"),
    ("sample,2500,2400\n", "has a header and no rows"),
    ("sample,2500,2400\na,0.5,dark\n", "column 2400"),
    ("sample,2500,2495,2490,2450,2445\na,.5,.5,.5,.4,.4\n", "no bands between 2490 and 2450 nm"),
    ("s\xe4mple,2500,2400\na,0.5,0.4\n", "no text in UTF-8"),
])  # fmt: skip
def test_a_table_that_is_none_says_what_is_wrong_with_it(
    tmp_path: Path, text: str, why: str
) -> None:
    own(tmp_path, "reflectance", ["0.5", "0.4", "0.1"])
    (tmp_path / "nir.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(LibraryError, match=why):
        read_library("loamscan", [tmp_path])


def test_bands_that_are_even_in_wavenumbers_have_no_hole_in_nanometres() -> None:
    even = 1e7 / np.linspace(3922.0, 7407.0, 257)
    assert len(band_axis("nir", "nm", even, "here")) == 257
    with pytest.raises(LibraryError, match="no bands between"):
        band_axis("nir", "nm", np.delete(even, slice(100, 110)), "here")


@pytest.mark.parametrize(("which", "unit", "first", "last"), [
    ("nir", "nm", 1, 257), ("nir", "nm", 3921, 7407), ("nir", "cm-1", 1350, 2550),
    ("nir", "nm", 1.35, 2.55), ("mir", "nm", 600, 4000),
])  # fmt: skip
def test_bands_that_are_counted_or_of_another_unit_are_no_axis(which, unit, first, last) -> None:
    with pytest.raises(LibraryError, match=f"no {which.upper()} lies there"):
        band_axis(which, unit, np.linspace(first, last, 257), "here")


def test_per_cent_is_not_taken_for_absorbance(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="said to hold absorbance; the median"):
        read_library("loamscan", [own(tmp_path, "absorbance", ["50", "40", "10"])])


def test_a_laboratory_column_of_true_and_false_is_no_number(tmp_path: Path) -> None:
    own(tmp_path, "reflectance", ["0.5", "0.4", "0.1"])
    table = pa.table({"sample": ["a"], "clay": [True]})
    pa.parquet.write_table(table, tmp_path / "samples.parquet")
    text = (tmp_path / "library.toml").read_text()
    (tmp_path / "library.toml").write_text(text.replace("samples.csv", "samples.parquet"))
    with pytest.raises(LibraryError, match="true and false, which are no numbers"):
        read_library("loamscan", [tmp_path])


def test_a_zenodo_file_without_a_laboratory_column_says_so(tmp_path: Path) -> None:
    path = zenodo_nir(tmp_path, [(1, "A", "x", "US", {}), (2, "A", "x", "US", {})])
    path.write_text(path.read_text().replace("clay_tot_psa", "clay_total", 1))
    _, report = read_library("zenodo-neospectra", [path])
    assert [finding.names for finding in report.findings] == [("clay_tot_psa",)]


def test_a_library_is_not_written_over_another(tmp_path: Path) -> None:
    own(tmp_path, "reflectance", ["0.5", "0.4", "0.1"])
    library, _ = read_library("loamscan", [tmp_path])
    with pytest.raises(LibraryError, match="holds a library already"):
        folder.write(library, tmp_path)


def test_the_preparation_of_a_soil_stands_with_its_scans(tmp_path: Path) -> None:
    own(tmp_path, "reflectance", ["0.5", "0.4", "0.1"])
    header = ["sample", "preparation", "2500", "2400", "2300"]
    rows = [["a", "air-dry", "0.5", "0.4", "0.1"], ["a", " moist ", "0.3", "0.2", "0.1"],
            ["a", "", "0.4", "0.3", "0.1"]]  # fmt: skip
    write_csv(tmp_path / "nir.csv", header, rows)
    library, _ = read_library("loamscan", [tmp_path])
    assert library.scans["nir"].preparation.tolist() == ["air-dry", "moist", ""]
    folder.write(library, tmp_path / "kept")
    again, _ = read_library("loamscan", [tmp_path / "kept"])
    assert again.scans["nir"].preparation.tolist() == ["air-dry", "moist", ""]
    counts = summary(library)["scans"]["nir"]["preparations"]
    assert counts == {"air-dry": 1, "moist": 1}
    assert "; 1 air-dry; 1 moist" in "\n".join(summary_lines(library))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("reflectance", ["0.5", "0.4", "0.1"]),
        ("reflectance-percent", ["50", "40", "10"]),
        ("absorbance", ["0.301030", "0.397940", "1"]),
    ],
)
def test_whatever_kind_is_declared_a_library_holds_fractions(
    tmp_path: Path, kind: str, values: list[str]
) -> None:
    library, _ = read_library("loamscan", [own(tmp_path, kind, values)])
    np.testing.assert_allclose(library.scans["nir"].values, [[0.5, 0.4, 0.1]], rtol=1e-5)


@pytest.mark.parametrize(
    ("kind", "values"),
    [("reflectance", ["50", "40", "10"]), ("reflectance-percent", ["0.5", "0.4", "0.1"])],
)
def test_per_cent_and_fraction_are_not_taken_for_each_other(
    tmp_path: Path, kind: str, values: list[str]
) -> None:
    with pytest.raises(LibraryError, match=f"said to hold {kind}; the median"):
        read_library("loamscan", [own(tmp_path, kind, values)])


def test_zenodo_fractions_and_ossl_per_cent_are_refused(tmp_path: Path) -> None:
    nir = zenodo_nir(tmp_path, [(1, "a", "s", "c", {})], scale=1.0)
    with pytest.raises(LibraryError, match="holds no per cent"):
        read_library("zenodo-neospectra", [nir])
    path = write_csv(
        tmp_path / "nir.csv",
        ["id.sample_local_c", "scan_nir.1350_ref", "scan_nir.1352_ref"],
        [["a", "41", "42"]],
    )
    with pytest.raises(LibraryError, match="holds no fractions"):
        read_library("ossl", [path])


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"toml": "schema = 1"}, "schema"),
        ({"toml": "schema ="}, "not TOML"),
        ({"toml": TOML.replace('"nir.csv"', '"../nir.csv"')}, "nir.table"),
        ({"toml": TOML + "colour = 1\n"}, "colour"),
        ({"values": ["0.5", "0,4", "0.1"]}, "nir.csv"),
        ({"values": ["0.5"]}, "nir.csv"),
    ],
)
def test_a_fault_is_named_with_its_file(
    tmp_path: Path, fault: dict[str, object], message: str
) -> None:
    described = {"kind": "reflectance", "values": ["0.5", "0.4", "0.1"], **fault}
    with pytest.raises(LibraryError, match=message):
        read_library("loamscan", [own(tmp_path, **described)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("kssl_id,scanner_SerialNo,2500,2400,2500.0", "not strictly"),
        ("kssl_id,scanner_SerialNo,2500,2500", "more than one column called 2500"),
        ("sample,2500,2400", "no column kssl_id"),
        ("kssl_id,scanner_SerialNo", "no spectral columns"),
        ("", "is empty"),
    ],
)
def test_a_header_that_is_none_of_the_format_is_refused(
    tmp_path: Path, header: str, message: str
) -> None:
    path = tmp_path / "spectra.csv"
    columns = header.split(",")
    path.write_text(f"{header}\n{','.join(['1', '2', '50', '51', '52'][: len(columns)])}\n")
    with pytest.raises(LibraryError, match=message):
        read_library("zenodo-neospectra", [path])


def test_names_are_one_name_however_a_spreadsheet_wrote_them(tmp_path: Path) -> None:
    bands = ["scan_nir.1350_ref", "scan_nir.1352_ref"]
    lab = tmp_path / "lab.parquet"
    table = {
        "id.sample_local_c": [101.0, 102.0, None],
        "clay.tot_usda.a334_w.pct": ["23", "NA", "5"],
    }
    pa.parquet.write_table(pa.table(table), lab)
    nir = write_csv(
        tmp_path / "nir.csv",
        ["id.sample_local_c", *bands],
        [
            ["101", ".41", ".42"],
            [" 101.0 ", ".43", ".45"],
            ["102", ".44", ".46"],
            ["NA", ".5", ".6"],
        ],
    )
    library, report = read_library("ossl", [lab, nir])
    assert library.samples.name.tolist() == ["101", "102"]
    assert library.scans["nir"].sample.tolist() == ["101", "101", "102"]
    assert of(library, "101", "clay") == 23
    assert np.isnan(of(library, "102", "clay"))
    assert len(report.findings) == 2


def test_columns_that_mean_nothing_are_not_passed_over_in_our_own_layout(tmp_path: Path) -> None:
    own(tmp_path, "reflectance", ["0.5", "0.4", "0.1"])
    write_csv(tmp_path / "samples.csv", ["sample", "Clay"], [["a", "23"]])
    with pytest.raises(LibraryError, match="not known: 'Clay'"):
        read_library("loamscan", [tmp_path])
    write_csv(tmp_path / "samples.csv", ["sample", "clay"], [["a", "23"]])
    write_csv(tmp_path / "nir.csv", ["sample", "2500", "2400nm"], [["a", "0.5", "0.4"]])
    with pytest.raises(LibraryError, match="'2400nm'"):
        read_library("loamscan", [tmp_path])


def test_a_zenodo_file_that_lost_its_scanners_is_not_taken_for_mir(tmp_path: Path) -> None:
    nir = zenodo_nir(tmp_path, [(1, "a", "s", "c", {})], scale=1.0)
    nir.write_text(nir.read_text().replace("scanner_SerialNo", "serial"))
    with pytest.raises(LibraryError, match="no scanner_SerialNo"):
        read_library("zenodo-neospectra", [nir])


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
def test_what_is_no_table_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x81 no table")
    with pytest.raises(LibraryError, match=name):
        read_library("ossl", [tmp_path / name])


def test_both_neospectra_grids_are_read_by_value(tmp_path: Path) -> None:
    nir = zenodo_nir(tmp_path, [(1, "a", "s", "c", {})])
    text = nir.read_text().replace(NEOSPECTRA_NM[-1], "1350.155")
    nir.write_text(text)
    library, _ = read_library("zenodo-neospectra", [nir])
    assert library.scans["nir"].axis.values[-1] == 1350.155
