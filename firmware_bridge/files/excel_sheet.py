"""The first sheet of an Excel file as CSV, read where it can do no harm: in a process with limits.

An Excel file is a zip of XML: a few kilobytes can unpack, or name a row, that no machine has room for.
The process takes the file on standard input and gives CSV on standard output; it ends by itself when it
has used up its memory or its time.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import re
import resource
import subprocess
import sys
import zipfile
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

MEMORY_BYTES: Final = 1 << 29
TIME_S: Final = 60
CSV_BYTES_MAX: Final = 1 << 27
ROWS_MAX: Final = 1 << 20
"""Rows of Excel's largest sheet; the other limits are ours, for 2,000 spectra of 1,700 bands."""

_ROW_NUMBER: Final = re.compile(rb"<(?:\w+:)?row\b[^>]*?\sr=[\"'](\d+)")


class ExcelError(Exception):
    """Not a file that can be read, in words."""


def csv_of(content: bytes) -> bytes:
    """The first sheet of an Excel file as CSV; raises `ExcelError`."""
    if importlib.util.find_spec("openpyxl") is None:
        raise ModuleNotFoundError("openpyxl")
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", __name__],
            input=content, capture_output=True, timeout=2 * TIME_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ExcelError("it takes too long to read") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ExcelError(said[-1] if said else "it takes more memory or time than a table does")
    return done.stdout


def _sheet(content: bytes) -> bytes:
    import openpyxl  # of the extra xlsx

    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES, used + MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (TIME_S, TIME_S))
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        for name in packed.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                # openpyxl passes over a row whose number does not rise.
                numbers = [int(number) for number in _ROW_NUMBER.findall(packed.read(name))]
                if any(b <= a for a, b in pairwise(numbers)):
                    raise ExcelError("its rows are not in order")
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    sheet = book.worksheets[0]
    # What a sheet says of its own size is a stranger's word; without it rows end where their cells do.
    sheet.reset_dimensions()
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    width = 0
    for number, row in enumerate(sheet.iter_rows(values_only=True)):
        texts = [_text(value) for value in row]
        while texts and not texts[-1]:
            texts.pop()
        width = width or len(texts)
        if texts:
            writer.writerow(texts + [""] * (width - len(texts)))
        if number >= ROWS_MAX or out.tell() > CSV_BYTES_MAX:
            raise ExcelError("it is larger than a table of spectra ever is")
    return out.getvalue().encode()


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat(" ") if isinstance(value, datetime) else str(value)


def _main() -> int:
    try:
        sys.stdout.buffer.write(_sheet(sys.stdin.buffer.read()))
    except MemoryError:
        sys.stderr.write("it takes more memory than a table does\n")
        return 1
    # A damaged file makes openpyxl raise whatever it stumbles over first.
    except Exception as error:  # noqa: BLE001
        sys.stderr.write(f"{str(error) or type(error).__name__}\n"[:500])
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
