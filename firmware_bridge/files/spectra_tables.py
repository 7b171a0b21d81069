"""Tables of text out of CSV and Excel files that anybody may have sent."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from firmware_bridge.errors import SpectraFileError
from firmware_bridge.files.excel_sheet import ExcelError, csv_of

XLSX_MAGIC: Final = b"PK\x03\x04"

BYTES_MAX: Final = 1 << 28
"""Of a file; 2,000 spectra of 1,700 bands take 40 MB. Ours."""

CELLS_MAX: Final = 1 << 24
"""65,000 spectra of 257 bands. Ours."""

_QUOTED_MAX: Final = 60


def read_content(path: Path) -> bytes:
    """The file whole; raises `SpectraFileError`."""
    try:
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
    except FileNotFoundError as error:
        raise SpectraFileError(f"there is no file {path}", "check its name") from error
    except OSError as error:
        raise SpectraFileError(f"{path} can't be read: {error.strerror}") from error
    if len(content) > BYTES_MAX:
        raise SpectraFileError(f"{path} is larger than {BYTES_MAX >> 20} MB", "split it")
    return content


def table_of(path: Path, content: bytes) -> Iterator[list[str]]:
    """Headers, then rows of as many cells, of what was read from ``path``, whatever it is called.

    Of an Excel file the first sheet, its formulas' values as they were when it was saved, its dates in
    ISO 8601. Empty rows are left out. Raises `SpectraFileError`, also on the way.
    """
    if content.startswith(XLSX_MAGIC):
        try:
            content = csv_of(content)
        except ModuleNotFoundError as error:
            raise SpectraFileError(
                f"{path} is an Excel file, and openpyxl is not installed",
                "export it as CSV, or install loamscan[xlsx]",
            ) from error
        except ExcelError as error:
            raise SpectraFileError(
                f"{path} is not an Excel file that can be read: {quoted(str(error))}",
                "export it again, or as CSV",
            ) from error
    elif b"\0" in content:
        raise SpectraFileError(
            f"{path} is a binary file, neither a CSV nor an xlsx", "export it as CSV"
        )
    count = cells = width = 0
    for row in _csv_rows(path, content):
        width = width or len(row)
        cells += len(row)
        if len(row) != width:
            raise SpectraFileError(
                f"{path}, row {count}: {len(row)} cells under {width} headers",
                "check the file for a cut-off line",
            )
        if cells > CELLS_MAX:
            raise SpectraFileError(f"{path} has more than {CELLS_MAX:,} cells", "split it")
        yield row if count else [header.strip() for header in row]
        count += 1
    if count < 2:
        raise SpectraFileError(f"{path} has no rows of spectra", "check the export")


def quoted(text: str) -> str:
    """A stranger's text as it may stand in a message: short, in characters that print."""
    whole = text if len(text) <= _QUOTED_MAX else text[:_QUOTED_MAX] + "…"
    return whole if whole.isprintable() else ascii(whole)[1:-1]


def _csv_rows(path: Path, content: bytes) -> Iterator[list[str]]:
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
    try:
        for row in csv.reader(text, strict=True):
            if any(cell.strip() for cell in row):
                yield row
    except (UnicodeDecodeError, csv.Error) as error:
        raise SpectraFileError(
            f"{path} is not a CSV file in UTF-8: {error}", "export it as CSV (UTF-8)"
        ) from error
