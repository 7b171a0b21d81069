"""Private keys as files, and their password: Ed25519, PKCS 8, for their owner's eyes alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.exceptions import Error as SecureSystemsError
from securesystemslib.signer import CryptoSigner

from deploy.errors import KeyFileError
from deploy.fleet.full_disk import what_to_do

_OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def new_key(folder: Path, name: str, password: bytes | None = None) -> CryptoSigner:
    """A new key in ``folder``, as ``NAME.pem``; raises `KeyFileError` where it can't be written."""
    signer = CryptoSigner.generate_ed25519()
    path = folder / f"{name}.pem"
    pem = load_pem_private_key(signer.private_bytes, None).private_bytes(
        Encoding.PEM,
        PrivateFormat.PKCS8,
        BestAvailableEncryption(password) if password else NoEncryption(),
    )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_new(path, pem)
    except OSError as error:
        if isinstance(error, FileExistsError) and path.exists():
            raise KeyFileError(
                f"{path} exists already", "a key is never written over: name another file"
            ) from error
        raise KeyFileError(
            f"{path} can't be written: {error.strerror}", what_to_do(error)
        ) from error
    return signer


def read_key(path: Path, password: bytes | None = None) -> CryptoSigner:
    """The key in a file; raises `KeyFileError`, also where others may read it."""
    content = _read_closed(path, "rotate the key")
    try:
        return CryptoSigner(load_pem_private_key(content, password))
    except TypeError as error:
        if password is None:
            raise KeyFileError(f"{path} is encrypted", "give --password-file") from error
        raise KeyFileError(
            f"{path} is not encrypted, and a password was given", "leave --password-file out"
        ) from error
    except (ValueError, UnsupportedAlgorithm, SecureSystemsError) as error:
        raise KeyFileError(
            f"{path} is no private key, or the password is another", "check file and password"
        ) from error


def read_password(path: Path | None) -> bytes | None:
    """The password in a file, if one is named; raises `KeyFileError`, also where others may read it."""
    if path is None:
        return None
    password = _read_closed(path, "change the password").strip()
    if not password:
        raise KeyFileError(f"there is no password in {path}", "write one into it")
    return password


def keys_in(places: Iterable[Path], password: bytes | None = None) -> dict[str, CryptoSigner]:
    """Keys of files and of folders of ``.pem`` files, by their key id; raises `KeyFileError`."""
    found = {}
    for place in places:
        paths = sorted(place.glob("*.pem")) if place.is_dir() else [place]
        if not paths:
            raise KeyFileError(
                f"there are no keys in {place}", "name a .pem file, or the folder that they lie in"
            )
        for path in paths:
            signer = read_key(path, password)
            found[signer.public_key.keyid] = signer
    return found


def _write_new(path: Path, content: bytes) -> None:
    """Write a file that is not there yet, for its owner alone; where that fails there is none."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _read_closed(path: Path, if_read: str) -> bytes:
    try:
        mode = path.stat().st_mode
        if mode & _OPEN_TO_OTHERS:
            raise KeyFileError(
                f"{path} is open to others (mode {stat.S_IMODE(mode):04o})",
                f"close it (chmod 600 {path}), and {if_read} if somebody may have read it",
            )
        return path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"{path} can't be read: {error.strerror}", "check its name") from error
