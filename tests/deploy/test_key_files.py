"""Private keys as files: strict modes, and words for whatever is wrong with one."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from deploy.errors import KeyFileError
from deploy.fleet.key_files import keys_in, new_key, read_key, read_password


@pytest.mark.parametrize("password", [None, b"a word"])
def test_a_key_comes_out_of_its_file_as_it_went_in_and_is_its_owners_alone(
    tmp_path, password
) -> None:
    folder = tmp_path / "keys"
    made = new_key(folder, "root-1", password)
    path = folder / "root-1.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert read_key(path, password).public_key == made.public_key
    assert (b"ENCRYPTED" in path.read_bytes()) == (password is not None)


def test_keys_are_found_in_files_and_folders(tmp_path) -> None:
    made = [
        new_key(tmp_path / "a", "one"),
        new_key(tmp_path / "a", "two"),
        new_key(tmp_path / "b", "x"),
    ]
    found = keys_in([tmp_path / "a", tmp_path / "b" / "x.pem"])
    assert set(found) == {signer.public_key.keyid for signer in made}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_may_read_is_not_used(tmp_path, mode) -> None:
    new_key(tmp_path, "root")
    (tmp_path / "root.pem").chmod(mode)
    with pytest.raises(KeyFileError, match=r"is open to others .*chmod 600"):
        read_key(tmp_path / "root.pem")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_password_that_others_may_read_is_not_used(tmp_path, mode) -> None:
    path = tmp_path / "word"
    path.write_text("long and odd\n")
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=r"is open to others .*chmod 600.*change the password"):
        read_password(path)
    path.chmod(0o600)
    assert read_password(path) == b"long and odd"
    assert read_password(None) is None


def test_a_key_is_never_written_over(tmp_path) -> None:
    new_key(tmp_path, "root")
    with pytest.raises(KeyFileError, match="exists already"):
        new_key(tmp_path, "root")


@pytest.mark.parametrize(
    ("with_password", "given", "why"),
    [
        (b"right", b"wrong", "the password is another"),
        (b"right", None, "root.pem is encrypted"),
        (None, b"some", "is not encrypted, and a password was given"),
    ],
)
def test_a_wrong_password_is_told(tmp_path, with_password, given, why) -> None:
    new_key(tmp_path, "root", with_password)
    with pytest.raises(KeyFileError, match=why):
        read_key(tmp_path / "root.pem", given)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_what_is_no_key_is_told(tmp_path, content) -> None:
    path = tmp_path / "x.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="is no private key"):
        read_key(path)


def test_a_missing_file_and_a_folder_that_is_none_are_told(tmp_path) -> None:
    with pytest.raises(KeyFileError, match="can't be read"):
        read_key(tmp_path / "none.pem")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(KeyFileError, match="can't be written"):
        new_key(tmp_path / "file", "root")


@pytest.mark.parametrize(
    ("number", "remedy"), [(errno.ENOSPC, "free space there"), (errno.EIO, "check that the place")]
)
def test_of_a_key_that_a_full_disk_did_not_take_no_file_is_left(
    tmp_path, monkeypatch, number, remedy
) -> None:
    def full(_: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        why = rf"root\.pem can't be written: {os.strerror(number)}; {remedy}"
        with pytest.raises(KeyFileError, match=why):
            new_key(tmp_path, "root")
    assert not list(tmp_path.iterdir())
    new_key(tmp_path, "root")


@pytest.mark.parametrize("content", [b"", b"\n", b"  \n"])
def test_an_empty_password_encrypts_nothing_and_is_refused(tmp_path, content) -> None:
    path = tmp_path / "password"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="there is no password in"):
        read_password(path)


def test_a_folder_without_keys_is_told(tmp_path) -> None:
    new_key(tmp_path / "root", "root-1")
    with pytest.raises(KeyFileError, match="there are no keys in"):
        keys_in([tmp_path])
