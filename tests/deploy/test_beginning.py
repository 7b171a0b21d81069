"""A new fleet is there with all of its keys, or not at all."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from deploy.errors import KeyFileError, RepositoryError
from deploy.fleet import beginning
from deploy.fleet.beginning import Rule, begin
from deploy.fleet.key_files import keys_in
from deploy.fleet.repository import Repository

NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)


def begun(folder: Path, keys: Path) -> None:
    begin(folder, keys, Rule(2, 3), Rule(1, 2), None, NOW)


def test_a_repository_has_the_keys_that_it_names(tmp_path) -> None:
    begun(tmp_path / "fleet", tmp_path / "keys")
    roles = Repository(tmp_path / "fleet").root.roles
    assert set(roles["root"].keyids) == set(keys_in([tmp_path / "keys" / "root"]))
    assert (roles["root"].threshold, roles["targets"].threshold) == (2, 1)


@pytest.mark.parametrize("keys", ["fleet", "fleet/keys", "fleet/../fleet/a/b"])
def test_private_keys_do_not_go_where_everything_is_served(tmp_path, keys) -> None:
    with pytest.raises(RepositoryError, match="lies in the repository, which is served"):
        begun(tmp_path / "fleet", tmp_path / keys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("folder", "keys", "error"),
    [
        ("a file", "keys", RepositoryError),
        ("a file/fleet", "keys", RepositoryError),
        ("fleet", "a file/keys", KeyFileError),
    ],
)
def test_a_place_that_can_not_be_written_leaves_neither(tmp_path, folder, keys, error) -> None:
    (tmp_path / "a file").write_text("kept")
    with pytest.raises(error, match="a file"):
        begun(tmp_path / folder, tmp_path / keys)
    assert [path.name for path in tmp_path.iterdir()] == ["a file"]
    begun(tmp_path / "fleet", tmp_path / "keys")


@pytest.mark.parametrize("fault", [KeyboardInterrupt, RepositoryError("full", "free space")])
def test_what_ends_it_half_way_leaves_neither(tmp_path, monkeypatch, fault) -> None:
    def fail(*_: object) -> None:
        raise fault

    (tmp_path / "mine").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(beginning, "put_beside", fail)
        with pytest.raises((KeyboardInterrupt, RepositoryError)):
            begun(tmp_path / "mine" / "fleet", tmp_path / "new" / "keys")
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["mine"]
    begun(tmp_path / "mine" / "fleet", tmp_path / "new" / "keys")


@pytest.mark.parametrize("part", ["metadata", "targets"])
def test_nothing_that_lies_there_is_touched(tmp_path, part) -> None:
    (tmp_path / "fleet" / part).mkdir(parents=True)
    (tmp_path / "fleet" / part / "mine").write_text("kept")
    with pytest.raises(RepositoryError, match=f"{part} exists already"):
        begun(tmp_path / "fleet", tmp_path / "keys")
    assert (tmp_path / "fleet" / part / "mine").read_text() == "kept"
    assert not (tmp_path / "keys").exists()
