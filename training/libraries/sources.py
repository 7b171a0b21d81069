"""Formats that a library can come in, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from training.errors import LibraryError
from training.libraries import folder, ossl, zenodo_neospectra
from training.libraries.checking import checked
from training.libraries.gathered import Gathered
from training.libraries.library import Library
from training.libraries.report import Report


def _one_folder(paths: Sequence[Path]) -> Gathered:
    if len(paths) != 1:
        raise LibraryError("a loamscan library is one folder", "name it alone")
    return folder.gather(paths[0])


FORMATS: Final[dict[str, Callable[[Sequence[Path]], Gathered]]] = {
    "zenodo-neospectra": zenodo_neospectra.gather,
    "ossl": ossl.gather,
    "loamscan": _one_folder,
}


def read_library(format_name: str, paths: Sequence[Path]) -> tuple[Library, Report]:
    """Read and check the library at ``paths``; raises `LibraryError`."""
    return checked(FORMATS[format_name](paths))
