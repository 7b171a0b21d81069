"""A file that is there whole or not at all, whatever happens while it is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from contract.whole_file import make_folder, write_whole


def test_a_file_is_made_with_its_folder_and_replaces_an_old_one(tmp_path) -> None:
    path = tmp_path / "new" / "file"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert [path] == list(path.parent.iterdir())


def test_the_file_is_on_disk_before_its_name_and_the_name_before_it_is_told(
    tmp_path, monkeypatch
) -> None:
    calls = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(
        os,
        "fsync",
        lambda fd: (calls.append(str(Path(f"/proc/self/fd/{fd}").readlink())), fsync(fd)),
    )
    monkeypatch.setattr(
        Path, "replace", lambda path, to: (calls.append("rename"), replace(path, to))
    )
    write_whole(tmp_path / "file", b"content")
    assert calls == [str(tmp_path / "file.part"), "rename", str(tmp_path)]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_where_it_fails_the_old_file_stays_and_nothing_else(tmp_path, monkeypatch, broken) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    write_whole(tmp_path / "file", b"old")
    if broken == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "file", b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_new_folders_are_on_disk_in_those_above_them(tmp_path, monkeypatch) -> None:
    synced = []
    monkeypatch.setattr("contract.whole_file.sync_folder", synced.append)
    make_folder(tmp_path / "a" / "b", 0o700)
    assert synced == [tmp_path, tmp_path / "a"]
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    make_folder(tmp_path / "a" / "b")
    assert len(synced) == 2
