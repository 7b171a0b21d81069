"""Tables of text out of CSV and Excel files that anybody may have sent."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from firmware_bridge.errors import SpectraFileError

XLSX_MAGIC: Final = b"PK\x03\x04"

BYTES_MAX: Final = 1 << 28
"""Of a file, and of what is packed into it; 2,000 spectra of 1,700 bands take 40 MB. Ours."""

CELLS_MAX: Final = 1 << 24
"""Of an Excel sheet: 65,000 spectra of 257 bands. Ours."""


def read_table(path: Path) -> tuple[list[str], list[list[str]]]:
    """Headers and rows of a file, whatever it is called; raises `SpectraFileError`.

    Of an Excel file the first sheet, its formulas' values as they were when it was saved, its dates in
    ISO 8601. Empty rows are left out.
    """
    try:
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
    except FileNotFoundError as error:
        raise SpectraFileError(f"there is no file {path}", "check its name") from error
    except OSError as error:
        raise SpectraFileError(f"{path} can't be read: {error.strerror}") from error
    if len(content) > BYTES_MAX:
        raise SpectraFileError(f"{path} is larger than {BYTES_MAX >> 20} MB", "split it")
    rows = _of_excel(path, content) if content.startswith(XLSX_MAGIC) else _of_csv(path, content)
    if len(rows) < 2:
        raise SpectraFileError(f"{path} has no rows of spectra", "check the export")
    return [header.strip() for header in rows[0]], rows[1:]


def _of_csv(path: Path, content: bytes) -> list[list[str]]:
    if b"\0" in content:
        raise SpectraFileError(
            f"{path} is a binary file, neither a CSV nor an xlsx", "export it as CSV"
        )
    try:
        text = content.decode("utf-8-sig")
        return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise SpectraFileError(
            f"{path} is not a CSV file in UTF-8: {error}", "export it as CSV (UTF-8)"
        ) from error


def _of_excel(path: Path, content: bytes) -> list[list[str]]:
    try:
        import openpyxl  # of the extra xlsx
    except ImportError as error:
        raise SpectraFileError(
            f"{path} is an Excel file, and openpyxl is not installed",
            "export it as CSV, or install loamscan[xlsx]",
        ) from error
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            size = sum(member.file_size for member in packed.infolist())
        if size > BYTES_MAX:
            raise SpectraFileError(f"{path} unpacks to more than {BYTES_MAX >> 20} MB", "split it")
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        return list(_rows(path, book.worksheets[0]))
    except SpectraFileError:
        raise
    # A damaged file makes openpyxl raise whatever it stumbles over first.
    except Exception as error:
        raise SpectraFileError(
            f"{path} is not an Excel file that can be read: {error or type(error).__name__}",
            "export it again",
        ) from error


def _rows(path: Path, sheet: Any) -> Iterator[list[str]]:
    # What a sheet says of its own size is a stranger's word; without it rows end where their cells do.
    sheet.reset_dimensions()
    cells = width = 0
    for row in sheet.iter_rows(values_only=True):
        cells += len(row)
        if cells > CELLS_MAX:
            raise SpectraFileError(f"{path} has more than {CELLS_MAX:,} cells", "split it")
        texts = [_text(value) for value in row]
        if any(texts):
            width = width or len(texts)
            yield texts + [""] * (width - len(texts))


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat(" ") if isinstance(value, datetime) else str(value)
