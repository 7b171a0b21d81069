"""Files of spectra: what is read, what is recognised, and how everything else is refused."""

from __future__ import annotations

from datetime import datetime, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vendor_exports import E_MAIL, GRIDS_CM1, export, percent

from firmware_bridge.errors import SpectraFileError
from firmware_bridge.files.spectra_files import SpectraWriter, read_spectra
from soil.axis import Axis

PERCENT = percent(3)


def _write(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "spectra.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


@pytest.mark.parametrize("grid", GRIDS_CM1)
@pytest.mark.parametrize("unit", ["nm", "cm-1"])
@pytest.mark.parametrize("step", [1, -1])
@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_neospectra_export_is_recognised_on_both_grids_and_in_both_units(
    tmp_path, grid, unit, step, suffix
):
    headers = (grid if unit == "cm-1" else 1e7 / grid).round(3)[::step]
    file = read_spectra(export(tmp_path / f"export{suffix}", PERCENT, headers=headers))
    assert file.axis == Axis(unit, headers)
    assert (file.kind, file.labels) == ("reflectance", ["soil-0", "soil-1", "soil-2"])
    assert file.values.dtype == np.float32
    assert np.array_equal(file.values, (PERCENT / 100).astype(np.float32))


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_an_export_says_which_instrument_measured_and_when_and_nobody_learns_who(tmp_path, suffix):
    file = read_spectra(export(tmp_path / f"export{suffix}", PERCENT))
    assert file.serials == ["21020058"] * 3
    assert file.measured_at == [datetime(2026, 5, 4, 9, 12, 31, tzinfo=timezone.utc)] * 3
    assert E_MAIL not in repr(vars(file))


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-05-04 09:12:31", 9),
        ("2026-05-04T09:12:31.250+02:00", 7),
        ("04/05/2026 09:12", None),
        ("0001-01-01T00:00:00+05:00", None),
        ("9999-12-31T23:59:59-05:00", None),
        ("", None),
    ],
)
def test_a_time_is_utc_where_it_has_no_zone_and_none_where_it_could_be_two(tmp_path, text, hour):
    (moment,) = read_spectra(export(tmp_path / "export.csv", percent(1), created=text)).measured_at
    assert (moment and moment.hour) == hour


def test_a_neospectra_export_that_holds_a_fraction_is_refused(tmp_path):
    path = export(tmp_path / "export.csv", PERCENT / 100)
    with pytest.raises(SpectraFileError, match=r"looks like a fraction.*--kind reflectance"):
        read_spectra(path)
    assert read_spectra(path, kind="reflectance", unit="cm-1").values.max() < 1


def test_257_bands_elsewhere_are_no_neospectra_export(tmp_path):
    path = export(tmp_path / "export.csv", PERCENT, headers=np.linspace(2550, 1350, 257))
    with pytest.raises(SpectraFileError, match="no known format"):
        read_spectra(path)
    with pytest.raises(SpectraFileError, match="does not have the columns of neospectra-csv"):
        read_spectra(path, format="neospectra-csv")


def test_an_ossl_file_gives_its_near_infrared_reflectance(tmp_path):
    path = _write(
        tmp_path,
        "id.layer_uuid_txt,scan_nir.1350_ref,scan_nir.1352_ref,id\nx,0.25,0.5,P1\ny,0.1,0.2,P2\n",
    )
    file = read_spectra(path)
    assert file.axis == Axis("nm", [1350, 1352])
    assert (file.kind, file.labels) == ("reflectance", ["P1", "P2"])
    assert file.values.tolist() == np.float32([[0.25, 0.5], [0.1, 0.2]]).tolist()


def test_an_ossl_file_gives_its_mid_infrared_absorbance(tmp_path):
    file = read_spectra(_write(tmp_path, "scan_mir.600_abs,scan_mir.602_abs\n1.5,1.25\n"))
    assert (file.axis, file.kind, file.labels) == (Axis("cm-1", [600, 602]), "absorbance", ["1"])
    assert file.values.tolist() == [[1.5, 1.25]]


@pytest.mark.parametrize(
    ("kind", "cell", "expected", "expected_kind"),
    [
        ("reflectance", "0.25", 0.25, "reflectance"),
        ("reflectance-percent", "25", 0.25, "reflectance"),
        ("absorbance", "2.25", 2.25, "absorbance"),
    ],
)
def test_any_other_file_is_read_as_declared(tmp_path, kind, cell, expected, expected_kind):
    path = _write(tmp_path, f"\ufefflabel,1100,1102,clay\nplot 7,{cell},{cell},NA\n\n")
    file = read_spectra(path, kind=kind, unit="nm")
    assert (file.kind, file.labels) == (expected_kind, ["plot 7"])
    assert file.values.tolist() == [[expected, expected]]


GOOD = "id,1100,1102\na,0.2,0.3\n"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "no rows"),
        ("id,1100,1102\n", "no rows"),
        (GOOD + "b,0.2,\n", r"row 2, column '1102': '' is not a number"),
        (GOOD + "b,nan,0.1\n", r"row 2, column '1100': 'nan' is not a number"),
        (GOOD + "b,inf,0.1\n", r"row 2, column '1100'"),
        (GOOD + "b,low,0.1\n", r"'low' is not a number"),
        (GOOD + "b,0.1\n", r"row 2: 2 cells under 3 headers"),
        ("id,1100,1102,1101\na,1,1,1\n", "not strictly monotone"),
        ("id,1100,1100\na,1,1\n", "not strictly monotone"),
        ("id,-5,1100\na,1,1\n", "not a positive number"),
        ("id;1100;1102\na;1;1\n", "0 columns with a number"),
        (b"\x7fELF\0\0", "binary file"),
        (b"PK\x03\x04\x00\x00", "not an Excel file that can be read"),
        (b"id,1100,1102\n\xff\xfe,1,1\n", "not a CSV file in UTF-8"),
        ('id,1100,1102\n"a,1,1\n', "not a CSV file"),
        ("id,1100,1102\na,20,30\n", "looks like per cent.*--kind reflectance-percent"),
    ],
)
def test_a_bad_file_is_refused_with_its_name_and_place(tmp_path, content, why):
    path = _write(tmp_path, content)
    with pytest.raises(SpectraFileError, match=why) as caught:
        read_spectra(path, kind="reflectance", unit="nm")
    assert str(path) in caught.value.what


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(SpectraFileError, match="there is no file"):
        read_spectra(tmp_path / "none.csv")
    with pytest.raises(SpectraFileError, match="can't be read"):
        read_spectra(tmp_path)


@pytest.mark.parametrize("declared", [{}, {"kind": "reflectance"}, {"unit": "nm"}])
def test_an_unknown_file_needs_both_kind_and_unit(tmp_path, declared):
    with pytest.raises(SpectraFileError, match=r"--kind reflectance.*--unit nm"):
        read_spectra(_write(tmp_path, GOOD), **declared)


def test_an_export_whose_bands_are_not_in_order_is_told_so_and_not_asked_for_its_kind(tmp_path):
    path = export(tmp_path / "export.csv", PERCENT, headers=GRIDS_CM1[0])
    header, *rows = path.read_text().splitlines()
    cells = header.split(",")
    cells[-9], cells[-8] = cells[-8], cells[-9]
    path.write_text("\n".join([",".join(cells), *rows]))
    with pytest.raises(SpectraFileError, match=f"not strictly monotone at column '{cells[-8]}'"):
        read_spectra(path)


@pytest.mark.parametrize("declared", [{"kind": "absorbance"}, {"unit": "nm"}])
def test_a_declaration_against_a_recognised_format_is_refused(tmp_path, declared):
    path = export(tmp_path / "export.csv", PERCENT, headers=GRIDS_CM1[0])
    with pytest.raises(SpectraFileError, match="is neospectra-csv, which is reflectance-percent"):
        read_spectra(path, **declared)


values_f32 = st.floats(0, 1.25, width=32)


@given(st.lists(st.tuples(values_f32, values_f32), min_size=1, max_size=5))
def test_what_is_written_comes_back_to_the_bit(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("written") / "scans.csv"
    axis = Axis("cm-1", [3921.568655, 1e7 / 2541.176458])
    with SpectraWriter(path) as writer:
        for number, row in enumerate(rows):
            writer.add(f"s,{number}", axis, np.float32(row))
    file = read_spectra(path, kind="reflectance", unit="cm-1")
    assert file.axis == axis
    assert file.labels == [f"s,{number}" for number in range(len(rows))]
    assert file.values.tobytes() == np.float32(rows).tobytes()


def test_a_file_that_exists_is_never_written_over(tmp_path):
    path = _write(tmp_path, GOOD)
    with pytest.raises(SpectraFileError, match="exists already"):
        SpectraWriter(path)
    assert path.read_text() == GOOD
    with pytest.raises(SpectraFileError, match="can't be written"):
        SpectraWriter(tmp_path / "no folder" / "scans.csv")


def test_scans_on_two_axes_don_t_mix_in_a_file(tmp_path):
    with SpectraWriter(tmp_path / "scans.csv") as writer:
        writer.add("a", Axis("nm", [1, 2]), np.float32([0.1, 0.2]))
        with pytest.raises(SpectraFileError, match="another axis"):
            writer.add("b", Axis("nm", [1, 3]), np.float32([0.1, 0.2]))
