"""Tables out of Excel files: what cells become text, and what a stranger's file can't do to us."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.errors import SpectraFileError
from firmware_bridge.files import excel_sheet, spectra_tables
from firmware_bridge.files.spectra_tables import quoted, read_content, table_of


def read_table(path: Path) -> tuple[list[str], list[list[str]]]:
    headers, *rows = table_of(path, read_content(path))
    return headers, rows


def sheet(path: Path, *rows: list[object]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.create_sheet("notes").append(["not this one"])
    book.save(path)
    return path


SHEET = "xl/worksheets/sheet1.xml"


def rewritten(path: Path, member: str, old: bytes, new: bytes) -> Path:
    with zipfile.ZipFile(path) as packed:
        contents = {name: packed.read(name) for name in packed.namelist()}
    assert old in contents[member]
    contents[member] = contents[member].replace(old, new)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in contents.items():
            packed.writestr(name, content)
    return path


def test_cells_of_the_first_sheet_become_text_as_they_are(tmp_path) -> None:
    path = sheet(
        tmp_path / "a.xlsx",
        ["id ", 1350.5, "when", "note"],
        [],
        [7, 0.1, datetime.fromisoformat("2026-05-04T09:12:31")],
        [None, None, None, None],
        ["b", 1e-7, "x", "ä"],
    )
    assert read_table(path) == (
        ["id", "1350.5", "when", "note"],
        [["7", "0.1", "2026-05-04 09:12:31", ""], ["b", "1e-07", "x", "ä"]],
    )


def test_a_file_is_what_its_content_says_whatever_it_is_called(tmp_path) -> None:
    path = sheet(tmp_path / "a.xlsx", ["id", 1, 2], ["a", 3, 4]).rename(tmp_path / "a.csv")
    assert read_table(path) == (["id", "1", "2"], [["a", "3", "4"]])


SMALL = io.BytesIO()
_book = openpyxl.Workbook()
_book.active.append(["id", 1, 2])
_book.active.append(["a", 3, 4])
_book.save(SMALL)


@settings(max_examples=25)
@given(data=st.data())
def test_a_damaged_file_is_read_as_it_was_or_refused(tmp_path_factory, data) -> None:
    content = bytearray(SMALL.getvalue())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("damaged") / "a.xlsx"
    path.write_bytes(content)
    with suppress(SpectraFileError):
        assert read_table(path) == (["id", "1", "2"], [["a", "3", "4"]])


def test_a_sheet_that_lies_about_its_size_is_read_as_large_as_it_is(tmp_path) -> None:
    path = sheet(tmp_path / "a.xlsx", ["id", 1, 2], ["a", 3, 4])
    rewritten(path, SHEET, b'<dimension ref="A1:C2"', b'<dimension ref="A1:XFD1048576"')
    assert read_table(path)[1] == [["a", "3", "4"]]


def test_cells_that_are_empty_at_the_end_of_a_row_are_none(tmp_path) -> None:
    path = sheet(tmp_path / "a.xlsx", ["id", 1, 2, None], ["a", 3, None, "", None], ["b", 5, 6])
    assert read_table(path) == (["id", "1", "2"], [["a", "3", ""], ["b", "5", "6"]])


ROW = b'<row r="2">'


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (b'<row r="2"/>' * 3 + ROW, "rows are not in order"),
        (b'<row r="1">', "rows are not in order"),
        (b'<row r="1000000000000000">', "larger than a table"),
        (b"<row/>" * 2_000_000 + ROW, "larger than a table|more memory or time"),
    ],
)
def test_rows_that_no_sheet_has_are_refused(tmp_path, new, why) -> None:
    path = sheet(tmp_path / "a.xlsx", ["id", 1, 2], ["a", 3, 4])
    rewritten(path, SHEET, ROW, new)
    with pytest.raises(SpectraFileError, match=why):
        read_table(path)


def test_a_row_as_wide_as_none_is_makes_no_table_of_its_width(tmp_path) -> None:
    path = sheet(tmp_path / "a.xlsx", ["id"], *([1] for _ in range(1000)))
    rewritten(path, SHEET, b'r="A1"', b'r="ZZZ1"')
    with pytest.raises(SpectraFileError, match=r"ZZZ|cells"):
        read_table(path)


def test_what_unpacks_to_more_than_there_is_room_for_ends_in_words(tmp_path) -> None:
    path = sheet(tmp_path / "a.xlsx", ["id", 1, 2], ["a", 3, 4])
    rewritten(path, SHEET, b"</sheetData>", b"</sheetData>" + b"<!--" + b"x" * 700_000_000 + b"-->")
    assert path.stat().st_size < 2_000_000
    with pytest.raises(SpectraFileError, match="more memory"):
        read_table(path)


def test_entities_that_multiply_are_refused(tmp_path) -> None:
    path = sheet(tmp_path / "a.xlsx", ["id", 1, 2], ["a", 3, 4])
    levels = b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 10))
    dtd = b'<!DOCTYPE x [<!ENTITY e0 "x">' + levels + b"]>"
    rewritten(path, SHEET, b"<worksheet", dtd + b"<worksheet")
    rewritten(path, SHEET, b"<v>3</v>", b"<v>&e9;</v>")
    with pytest.raises(SpectraFileError, match="not an Excel file that can be read"):
        read_table(path)


def test_a_csv_of_other_widths_or_of_cells_without_end_is_refused_on_the_way(
    tmp_path, monkeypatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,1,2\n" + "1\n" * 1000)
    with pytest.raises(SpectraFileError, match="row 1: 1 cells under 3 headers"):
        read_table(path)
    monkeypatch.setattr(spectra_tables, "CELLS_MAX", 1000)
    path.write_text("id,1,2\n" + "1,1,1\n" * 1000)
    with pytest.raises(SpectraFileError, match="more than 1,000 cells"):
        read_table(path)
    monkeypatch.setattr(spectra_tables, "BYTES_MAX", 1000)
    with pytest.raises(SpectraFileError, match="is larger than"):
        read_table(path)


def test_rows_without_content_are_left_out_of_a_csv_too(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,1,2\n,,\n\na,3,4\n , ,\n")
    assert read_table(path)[1] == [["a", "3", "4"]]


@given(st.text())
def test_a_strangers_text_is_short_and_prints(text) -> None:
    said = quoted(text)
    assert said.isprintable()
    assert len(said) <= 61 * 10


def test_without_openpyxl_an_excel_file_says_what_to_install(tmp_path, monkeypatch) -> None:
    path = sheet(tmp_path / "a.xlsx", ["id", 1, 2], ["a", 3, 4])
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(SpectraFileError, match=r"install loamscan\[xlsx\]"):
        read_table(path)


def test_a_file_that_takes_too_long_is_given_up(tmp_path, monkeypatch) -> None:
    path = sheet(tmp_path / "a.xlsx", ["id", 1, 2], ["a", 3, 4])
    monkeypatch.setattr(excel_sheet, "TIME_S", 0.0)
    with pytest.raises(SpectraFileError, match="too long to read"):
        read_table(path)
