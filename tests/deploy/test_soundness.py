"""A repository that was damaged by accident: nobody is told of it, and the file and the way out are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.commands import fleet
from deploy.errors import RepositoryError
from deploy.fleet.role_files import RoleFiles
from fleet_devices import NAME, bundle

METADATA = Path("fleet/metadata")
ROLLOUT = f"{NAME}-1-1-0-1"
ONLINE = ("--keys", "keys/online")
BOTH = ("--keys", "keys/bundles", *ONLINE)

TELLING = {
    "sign": ["sign", *ONLINE],
    "copy": ["copy", "stick", *ONLINE],
    "rollout": ["rollout", NAME, "1.1.0", *ONLINE],
    "promote": ["promote", ROLLOUT, *ONLINE],
}
telling = pytest.mark.parametrize("words", TELLING.values(), ids=list(TELLING))


def call(*words: object) -> str:
    return CliRunner().invoke(fleet, [str(word) for word in words], catch_exceptions=False).output


@pytest.fixture(autouse=True)
def rolled_out(tmp_path, monkeypatch) -> None:
    """A fleet with 1.1.0 published and rolled out, and 1.2.0 published."""
    monkeypatch.chdir(tmp_path)
    call("init", "--new-keys", "keys")
    for version in ("1.1.0", "1.2.0"):
        Path(f"{version}.loam").write_bytes(bundle(version))
        call("publish", f"{version}.loam", *BOTH)
    call("rollout", NAME, "1.1.0", *ONLINE)


def told() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in METADATA.iterdir()}


def refused(words: list[object], why: str) -> None:
    before = told()
    with pytest.raises(RepositoryError, match=why):
        call(*words)
    assert told() == before
    assert not Path("stick").exists()


def newest(role: str) -> Path:
    return RoleFiles(Path("fleet")).path(role, RoleFiles(Path("fleet")).newest(role))


def published_file(version: str) -> Path:
    (path,) = Path("fleet/targets/bundles").glob(f"*{version}.loam")
    return path


def edit_by_hand(path: Path) -> None:
    document = json.loads(path.read_text())
    document["signed"]["expires"] = "2099-01-01T00:00:00Z"
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    "words", [*TELLING.values(), ["halt", ROLLOUT, *ONLINE]], ids=[*TELLING, "halt"]
)
def test_a_list_that_was_edited_by_hand_is_told_to_nobody(words) -> None:
    edit_by_hand(newest("targets"))
    refused(words, r"3\.targets\.json is not what your keys signed.*devices take nothing of it")


@telling
@pytest.mark.parametrize("damage", ["gone", "other bytes", "cut short"])
def test_a_bundle_that_is_to_be_fetched_is_there_as_it_was_signed(words, damage) -> None:
    path = published_file("1.1.0")
    content = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(content[:-1] + (b"x" if damage == "other bytes" else b""))
    why = "can't be read: No such file" if damage == "gone" else "is not what was signed"
    refused(words, rf"1\.1\.0\.loam, which rollout {ROLLOUT} needs, {why}.*or halt the rollout")


def test_stopping_is_allowed_with_bundles_that_are_gone_and_mends_it() -> None:
    call("rollout", NAME, "1.2.0", *ONLINE)
    published_file("1.1.0").unlink()
    published_file("1.2.0").unlink()
    for rollout in (ROLLOUT, f"{NAME}-1-2-0-1"):
        refused(TELLING["sign"], "or halt the rollout")
        assert "halted at 5 %" in call("halt", rollout, *ONLINE)
    call("sign", *ONLINE)


def test_publishing_the_bundle_again_mends_it() -> None:
    published_file("1.1.0").unlink()
    call("publish", "1.1.0.loam", *BOTH)
    call("promote", ROLLOUT, *ONLINE)


@pytest.mark.parametrize(
    "words",
    [
        *TELLING.values(),
        ["halt", ROLLOUT, *ONLINE],
        ["publish", "1.2.0.loam", *BOTH],
        ["keys", "--holder", "bundles", "--threshold", 2, "--keys", "keys/root", *BOTH],
    ],
    ids=[*TELLING, "halt", "publish", "keys"],
)
@pytest.mark.parametrize("role", ["targets", "snapshot"])
def test_a_number_that_was_given_is_not_given_again(words, role) -> None:
    gone = newest(role)
    gone.unlink()
    refused(words, rf"{gone.name} is gone, and .* names it; restore it from a copy")


@pytest.mark.parametrize("name", ["sign", "copy"])
def test_rollouts_that_were_edited_by_hand_are_told_to_nobody(name) -> None:
    edit_by_hand(newest("rollouts"))
    refused(TELLING[name], r"2\.rollouts\.json is not what the online key signed")


def test_a_key_of_the_online_machine_is_left_behind_whatever_it_named() -> None:
    """What a thief signed binds nobody: else the stolen key could not be replaced."""
    newest("targets").unlink()
    old = json.loads(call("keys", "--json"))["online"]["keys"][0]
    call("keys", "--holder", "online", "--new-key", "keys/new/online-2.pem", "--revoke", old,
         "--keys", "keys/root", "--keys", "keys/bundles")  # fmt: skip
