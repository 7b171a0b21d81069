"""Tables of spectra on disk, CSV (also gzipped) or Parquet: named columns and a block of bands."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from training.errors import LibraryError
from training.libraries.library import Text

MISSING = ("", "NA", "NaN", "nan", "NULL", "null", "N/A", "#N/A", "-")
_WHOLE = re.compile(r"^(\d+)\.0+$")
_COLUMN = re.compile(r"CSV column #(\d+)")
_NUMBER = re.compile(r"\d+(\.\d*)?")
_NOT_COMMAS = (";", "\t", "|")
_UNREADABLE = (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error, pa.ArrowException)
_ROWS = 2048
_BLOCK_BYTES = 1 << 24
"""Rows are parsed in blocks of this size, so that memory holds the spectra and little else."""


@dataclass(frozen=True, eq=False)
class Table:
    """Columns ``[r]`` by name, text or float64, and ``bands`` ``[r, k]`` float32 at ``positions``."""

    text: dict[str, Text]
    number: dict[str, NDArray[np.float64]]
    positions: NDArray[np.float64]
    bands: NDArray[np.float32]
    rows: int


def headers(path: Path) -> list[str]:
    """Names of the columns; raises `LibraryError` for no table, or a name that occurs twice."""
    try:
        if path.suffix == ".parquet":
            names = list(pa.parquet.read_schema(path).names)
        else:
            with _text(path) as file:
                names = next(csv.reader(file), [])
    except UnicodeDecodeError as error:
        raise LibraryError(
            f"{path} is no text in UTF-8",
            "save it as CSV in UTF-8, and name CSV, CSV.gz or Parquet",
        ) from error
    except _UNREADABLE as error:
        raise LibraryError(
            f"{path} can't be read: {error}", "name a CSV, CSV.gz or Parquet file"
        ) from error
    if not names:
        raise LibraryError(f"{path} is empty", "name a file with a header row")
    apart = next((mark for mark in _NOT_COMMAS if len(names) <= 2 and mark in names[0]), None)
    if apart is not None or names[0].startswith("sep="):
        raise LibraryError(
            f"{path} is not separated by commas",
            "save it with commas between columns, points in numbers, and the header row first",
        )
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise LibraryError(
            f"{path} has more than one column called {', '.join(twice[:3])}", "rename all but one"
        )
    return names


def read_table(
    path: Path,
    text: Collection[str],
    number: Collection[str],
    band: Callable[[str], float | None],
) -> Table:
    """Read the columns of ``text`` and ``number`` that are there, and those that ``band`` knows.

    ``band`` gives the position that a column's name stands for, or None. Missing numbers are NaN,
    missing texts empty. Raises `LibraryError` naming the column for what is no number.
    """
    names = headers(path)
    places = {name: at for name in names if (at := band(name)) is not None}
    texts = [name for name in names if name in text and name not in places]
    numbers = [name for name in names if name in number and name not in places]
    blocks: dict[str, list[Any]] = {name: [] for name in (*texts, *numbers)}
    bands: list[NDArray[np.float32]] = []
    try:
        for batch in _batches(path, texts, numbers, list(places)):
            for name in texts:
                blocks[name].append(_texts(batch.column(name)))
            for name in numbers:
                blocks[name].append(_floats(batch.column(name), pa.float64()))
            bands.append(
                np.stack([_floats(batch.column(name), pa.float32()) for name in places], axis=1)
                if places
                else np.empty((batch.num_rows, 0), dtype=np.float32)
            )
    except _UNREADABLE as error:
        column = _COLUMN.search(str(error))
        where = f"{path}, column {names[int(column[1])]}" if column else str(path)
        raise LibraryError(
            f"{where}: {error}",
            "correct it, or leave the file out; a cell is empty where nothing was measured",
        ) from error
    rows = sum(len(block) for block in bands)
    if not rows:
        raise LibraryError(f"{path} has a header and no rows", "name a file with data")
    return Table(
        text={name: np.concatenate(blocks[name]) if blocks[name] else _no_text() for name in texts},
        number={name: np.concatenate([np.empty(0), *blocks[name]]) for name in numbers},
        positions=np.array(list(places.values()), dtype=np.float64),
        bands=_joined(bands, len(places)),
        rows=rows,
    )


def position(name: str) -> float | None:
    """The wavelength or wavenumber that a header is, where it is a number and nothing else."""
    return float(name) if _NUMBER.fullmatch(name) and float(name) > 0 else None


def _batches(
    path: Path, texts: list[str], numbers: list[str], bands: list[str]
) -> Iterator[pa.RecordBatch]:
    wanted = [*texts, *numbers, *bands]
    if path.suffix == ".parquet":
        file = pa.parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 16)
        yield from file.iter_batches(batch_size=_ROWS, columns=wanted)
        return
    types = dict.fromkeys(texts, pa.string()) | dict.fromkeys(numbers, pa.float64())
    types |= dict.fromkeys(bands, pa.float32())
    convert = pa.csv.ConvertOptions(
        column_types=types,
        include_columns=wanted,
        null_values=list(MISSING),
        strings_can_be_null=True,
    )
    read = pa.csv.ReadOptions(block_size=_BLOCK_BYTES)
    parse = pa.csv.ParseOptions(newlines_in_values=True)
    with pa.input_stream(str(path), compression="detect") as stream:
        yield from pa.csv.open_csv(
            stream, read_options=read, parse_options=parse, convert_options=convert
        )


def _texts(column: pa.Array) -> Text:
    """Texts without blanks around them, empty for what is missing; a whole number has no point.

    Spreadsheets and data frames write the identifier 101 as 101.0 where a cell beside it is empty.
    """
    if pa.types.is_floating(column.type):
        given = ["" if n is None or isnan(n) else _plain(n) for n in column.to_pylist()]
    else:
        given = [(text or "").strip() for text in column.cast(pa.string()).to_pylist()]
    plain = [_WHOLE.sub(r"\1", text) for text in given]
    return np.array(["" if text in MISSING else text for text in plain], dtype=np.str_)


def _plain(number: float) -> str:
    """A whole number with all its digits, such as identifiers have."""
    return str(int(number)) if number.is_integer() else f"{number:.15g}"


def _floats(column: pa.Array, kind: pa.DataType) -> NDArray[Any]:
    """Numbers with NaN for what is missing; raises `ArrowException` for what is none."""
    if pa.types.is_boolean(column.type):
        raise pa.ArrowInvalid("holds true and false, which are no numbers")
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        texts = pa.array([None if t in MISSING else t for t in _texts(column).tolist()])
        column = texts.cast(pa.string())
    floats: NDArray[Any] = column.cast(kind).fill_null(float("nan")).to_numpy(zero_copy_only=False)
    return floats


def _joined(blocks: list[NDArray[np.float32]], width: int) -> NDArray[np.float32]:
    """``blocks`` below each other; each is let go once copied, so both never lie there whole."""
    joined = np.empty((sum(len(block) for block in blocks), width), dtype=np.float32)
    row = len(joined)
    while blocks:
        block = blocks.pop()
        joined[row - len(block) : row] = block
        row -= len(block)
    return joined


def _no_text() -> Text:
    return np.empty(0, dtype=np.str_)


def _text(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")
