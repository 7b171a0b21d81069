"""Tables out of Excel files: what cells become text, and what a stranger's file can't do to us."""

from __future__ import annotations

import io
import sys
import zipfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vendor_exports import export, percent

from firmware_bridge.errors import SpectraFileError
from firmware_bridge.files import spectra_tables
from firmware_bridge.files.spectra_tables import read_table


def sheet(path: Path, *rows: list[object]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.create_sheet("notes").append(["not this one"])
    book.save(path)
    return path


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


def test_what_unpacks_to_more_than_a_table_ever_takes_is_not_unpacked(
    tmp_path, monkeypatch
) -> None:
    path = export(tmp_path / "a.xlsx", percent(20))
    monkeypatch.setattr(spectra_tables, "BYTES_MAX", path.stat().st_size + 1)
    with pytest.raises(SpectraFileError, match="unpacks to more"):
        read_table(path)
    monkeypatch.setattr(spectra_tables, "BYTES_MAX", 100)
    with pytest.raises(SpectraFileError, match="is larger than"):
        read_table(path)


def test_a_sheet_that_lies_about_its_size_is_read_as_large_as_it_is(tmp_path) -> None:
    path = sheet(tmp_path / "a.xlsx", ["id", 1, 2], ["a", 3, 4])
    sheet1 = "xl/worksheets/sheet1.xml"
    rewritten(path, sheet1, b'<dimension ref="A1:C2"', b'<dimension ref="A1:XFD1048576"')
    assert read_table(path)[1] == [["a", "3", "4"]]


def test_a_sheet_of_cells_without_end_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(spectra_tables, "CELLS_MAX", 1000)
    path = sheet(tmp_path / "a.xlsx", ["id", 1, 2], ["a", 3, 4])
    rewritten(path, "xl/worksheets/sheet1.xml", b'r="C2"', b'r="XFD2"')
    with pytest.raises(SpectraFileError, match="more than 1,000 cells"):
        read_table(path)


def test_without_openpyxl_an_excel_file_says_what_to_install(tmp_path, monkeypatch) -> None:
    path = sheet(tmp_path / "a.xlsx", ["id", 1, 2], ["a", 3, 4])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(SpectraFileError, match=r"install loamscan\[xlsx\]"):
        read_table(path)
