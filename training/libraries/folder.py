"""Our own layout of a library: a folder with ``library.toml`` and tables in CSV or Parquet.

``library.toml`` names the tables and says what is in them, since a kind is never guessed::

    schema = "loamscan.library/1"
    name = "North farms 2026"
    licence = "CC-BY-4.0"
    samples = "samples.csv"        # sample, the nine properties, and site and country if known

    [nir]
    table = "nir.parquet"          # sample, device and preparation if known, and the bands
    unit = "nm"
    kind = "reflectance-percent"   # or reflectance (a fraction)

    [mir]
    table = "mir.csv.gz"
    unit = "cm-1"
    kind = "absorbance"
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from contract.whole_file import write_whole
from soil.properties import INDEX, NAMES
from soil.spectrum import PERCENT_MEDIAN_MIN
from training.errors import LibraryError
from training.libraries.gathered import Gathered, band_axis, no_text
from training.libraries.library import KIND, Library, Range, Samples, Scans
from training.libraries.tables import headers, position, read_table

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DESCRIPTION: Final = "library.toml"
ABSORBANCE_MEDIAN_MAX: Final = 5.0
"""Median absorbance that no soils have: per cent of reflectance, say. Ours."""

_ROWS: Final = 2048
"""A row group: what a reader holds beside the spectra."""

_SAMPLE, _DEVICE, _PREPARATION = "sample", "device", "preparation"
_SITE, _COUNTRY = "site", "country"
_OF_SCAN: Final = (_SAMPLE, _DEVICE, _PREPARATION)


def _beside(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
        raise PydanticCustomError(
            "file_name",
            "{name!r} is no file beside library.toml: letters, digits, points and hyphens alone",
            {"name": name},
        )
    return name


FileName = Annotated[str, AfterValidator(_beside)]
"""A file beside ``library.toml``, and nothing outside its folder."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NirTable(_Section):
    """Where the NIR scans are and what they are."""

    table: FileName
    unit: Literal["nm", "cm-1"]
    kind: Literal["reflectance", "reflectance-percent", "absorbance"]


class MirTable(_Section):
    """Where the MIR scans are."""

    table: FileName
    unit: Literal["nm", "cm-1"]
    kind: Literal["absorbance"]


class Description(_Section):
    """The whole of ``library.toml``."""

    schema_: Literal["loamscan.library/1"] = Field(alias="schema")
    name: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    samples: FileName
    nir: NirTable | None = None
    mir: MirTable | None = None


def gather(folder: Path) -> Gathered:
    """Read the library in ``folder``."""
    if not folder.is_dir():
        raise LibraryError(f"{folder} is no folder", f"name the folder of {DESCRIPTION}")
    description = _description(folder / DESCRIPTION)
    path = folder / description.samples
    table = read_table(path, (_SAMPLE, _SITE, _COUNTRY), NAMES, lambda _: None)
    _check_columns(path, {_SAMPLE, _SITE, _COUNTRY, *NAMES})
    properties = np.full((table.rows, len(NAMES)), np.nan)
    for name, values in table.number.items():
        properties[:, INDEX[name]] = values
    found = Gathered(description.name, description.licence)
    found.samples.append(
        Samples(
            table.text[_SAMPLE],
            properties,
            table.text.get(_SITE, no_text(table.rows)),
            table.text.get(_COUNTRY, no_text(table.rows)),
        )
    )
    if description.nir is not None:
        found.scans.append(("nir", _scans(folder, "nir", description.nir)))
    if description.mir is not None:
        found.scans.append(("mir", _scans(folder, "mir", description.mir)))
    return found


def write(library: Library, folder: Path) -> None:
    """Leave ``library`` in ``folder``, the description last; raises `LibraryError`."""
    samples = library.samples
    columns: dict[str, Any] = {
        _SAMPLE: samples.name,
        _SITE: samples.site,
        _COUNTRY: samples.country,
    }
    columns |= {name: samples.properties[:, i] for i, name in enumerate(NAMES)}
    lines = [
        'schema = "loamscan.library/1"',
        f"name = {_quoted(library.name)}",
        f"licence = {_quoted(library.licence)}",
        'samples = "samples.parquet"',
    ]
    if (folder / DESCRIPTION).exists():
        raise LibraryError(f"{folder} holds a library already", "name another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pa.parquet.write_table(pa.table(columns), folder / "samples.parquet")
        for which, scans in library.scans.items():
            bands = {
                repr(at): scans.values[:, i] for i, at in enumerate(scans.axis.values.tolist())
            }
            said = zip(_OF_SCAN, (scans.sample, scans.device, scans.preparation), strict=True)
            table = pa.table({**dict(said), **bands})
            pa.parquet.write_table(
                table, folder / f"{which}.parquet", row_group_size=_ROWS, use_dictionary=False
            )
            lines += [
                "",
                f"[{which}]",
                f'table = "{which}.parquet"',
                f'unit = "{scans.axis.unit}"',
                f'kind = "{KIND[which]}"',
            ]
        write_whole(folder / DESCRIPTION, ("\n".join(lines) + "\n").encode())
    except OSError as error:
        raise LibraryError(
            f"{folder} can't hold the library: {error.strerror}", "name another folder"
        ) from error


def _description(path: Path) -> Description:
    try:
        return Description.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise LibraryError(
            f"{path} can't be read: {error.strerror}", "name a folder with a library.toml"
        ) from error
    except UnicodeDecodeError as error:
        raise LibraryError(f"{path} is no text in UTF-8", "save it in UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise LibraryError(f"{path} is not TOML: {error}", "correct it") from error
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        unknown = fault["type"] == "extra_forbidden"
        said = "is nothing that a library has" if unknown else fault["msg"]
        raise LibraryError(
            f"{path}: {where}: {said}", "correct it: docs/libraries.md has an example"
        ) from error


def _scans(folder: Path, which: Range, said: NirTable | MirTable) -> Scans:
    path = folder / said.table
    _check_columns(path, set(_OF_SCAN), bands=True)
    table = read_table(path, _OF_SCAN, (), position)
    axis = band_axis(which, said.unit, table.positions, str(path))
    values = _as_kept(table.bands, said, path)
    device, preparation = (
        table.text.get(name, no_text(table.rows)) for name in (_DEVICE, _PREPARATION)
    )
    return Scans(axis, values, table.text[_SAMPLE], device, preparation)


def _check_columns(path: Path, known: set[str], *, bands: bool = False) -> None:
    """Raise `LibraryError` for a table without ``sample``, or with a column that means nothing here."""
    names = headers(path)
    if _SAMPLE not in names:
        raise LibraryError(f"{path} has no column {_SAMPLE}", "say of each row which soil it is")
    unknown = [n for n in names if n not in known and not (bands and position(n) is not None)]
    if unknown:
        wanted = ", ".join(sorted(known)) + (", and bands headed by a number" if bands else "")
        raise LibraryError(
            f"{path} has columns that are not known: {', '.join(map(repr, unknown[:5]))}",
            f"rename or remove them; known are {wanted}",
        )


def _as_kept(
    values: NDArray[np.float32], said: NirTable | MirTable, path: Path
) -> NDArray[np.float32]:
    """``values`` as `KIND` has them; raises `LibraryError` where they can't be what is said."""
    median = float(np.nanmedian(values)) if values.size else np.nan
    percent = said.kind == "reflectance-percent"
    if said.kind == "absorbance":
        odd = median > ABSORBANCE_MEDIAN_MAX
    else:
        odd = np.isfinite(median) and percent != (median > PERCENT_MEDIAN_MIN)
    if odd:
        raise LibraryError(
            f"{path} is said to hold {said.kind}; the median of its spectra is {median:.3g}",
            f"correct kind in {DESCRIPTION}",
        )
    if percent:
        values /= 100
    elif said.kind == "absorbance" and isinstance(said, NirTable):
        np.power(10, -values, out=values)
    return values


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
