"""The bundle's outer form: a stored zip with one possible byte sequence for its content."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from contract.errors import BundleDamagedError, BundleError
from contract.manifest import MANIFEST_NAME

MEMBERS_MAX = 64
ARCHIVE_BYTES_MAX = 256 * 2**20
"""Far above any bundle (a few MB), far below what would hurt a device."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_REGULAR_FILE = 0o100644 << 16


def pack(files: Mapping[str, bytes]) -> bytes:
    """One zip of ``files``: stored, manifest first, then by name, no times, no owners."""
    out = io.BytesIO()
    names = sorted(files, key=lambda name: (name != MANIFEST_NAME, name))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.create_system = 3
            entry.external_attr = _REGULAR_FILE
            archive.writestr(entry, files[name])
    return out.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """The members of what `pack` made.

    Raises `BundleError` for a file that is no such zip and `BundleDamagedError` where a byte of it
    differs from the one form that `pack` gives its content: no room is left for doubled names,
    links, compression, comments, or bytes before, between and after the members.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError) as error:
        raise BundleError("not a bundle: it is no zip archive", "download it again") from error
    if len(entries) > MEMBERS_MAX:
        raise BundleError(f"not a bundle: {len(entries)} members, at most {MEMBERS_MAX} allowed")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise BundleError("not a bundle: its members are compressed")
    if sum(entry.file_size for entry in entries) > len(data):
        raise BundleError("not a bundle: its members claim more bytes than it has")
    try:
        files = {entry.filename: archive.read(entry) for entry in entries}
    except (
        zipfile.BadZipFile,
        ValueError,
        RuntimeError,
        NotImplementedError,
        EOFError,
        OverflowError,
        OSError,
    ) as error:
        raise BundleDamagedError(
            f"the bundle is damaged: {error}", "copy or download it again"
        ) from error
    if MANIFEST_NAME not in files:
        raise BundleError(f"not a bundle: there is no {MANIFEST_NAME} in it")
    if pack(files) != data:
        raise BundleDamagedError(
            "the bundle is damaged: it is not packed as a bundle is", "copy or download it again"
        )
    return files
