"""`loamscan fleet` as an operator calls it, and what a device then sees."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from contract.errors import BundleError
from contract.fleet_repository import ROLLOUTS_PATH
from contract.rollout import read_rollouts
from deploy.commands import fleet
from deploy.errors import KeyFileError, RepositoryError
from deploy.fleet.repository import Repository
from fleets import looking_at

BUNDLE = Path(__file__).parents[2] / "edge" / "bundles" / "reference-neospectra-1.0.0.loam"
SOIL = ("reference-neospectra", "1.0.0")
FIRST = "reference-neospectra-1-0-0-1"


@pytest.fixture(autouse=True)
def _inside(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*words: object) -> str:
    return CliRunner().invoke(fleet, [str(word) for word in words], catch_exceptions=False).stdout


@pytest.fixture
def made(_inside) -> None:
    call("init", "--new-keys", "keys")


@pytest.fixture
def published(made) -> None:
    call("publish", BUNDLE, "--keys", "keys/bundles/bundles-1.pem", "--keys", "keys/online")


def seen(cache: str = "device") -> tuple[bool, list[str]]:
    """Whether a device sees the bundle, and the rollouts it reads."""
    device = looking_at(Path("fleet").absolute(), Path(cache).absolute())
    path = device.download_target(device.get_targetinfo(ROLLOUTS_PATH))
    rollouts = read_rollouts(Path(path).read_bytes()).rollouts
    bundle = device.get_targetinfo(f"bundles/{BUNDLE.name}")
    return bundle is not None, [
        f"{r.id} {'halted' if r.halted else format(r.share_pct, 'g')}" for r in rollouts
    ]


def test_keys_are_made_for_their_owner_alone_and_nothing_is_written_over(made) -> None:
    found = sorted(Path("keys").rglob("*.pem"))
    assert [str(path.relative_to("keys")) for path in found] == [
        "bundles/bundles-1.pem", "bundles/bundles-2.pem", "online/online-1.pem",
        "root/root-1.pem", "root/root-2.pem", "root/root-3.pem",
    ]  # fmt: skip
    assert {stat.S_IMODE(path.stat().st_mode) for path in found} == {0o600}
    with pytest.raises(RepositoryError, match="fleet exists already"):
        call("init", "--new-keys", "other")
    with pytest.raises(RepositoryError, match="keys exists already"):
        call("init", "--repository", "other", "--new-keys", "keys")


def test_a_bundle_goes_to_a_few_then_to_all_and_can_be_halted(published) -> None:
    assert seen() == (True, [])
    assert "5 % of stable" in call("rollout", *SOIL, "--keys", "keys/online")
    assert seen() == (True, [f"{FIRST} 5"])
    call("promote", FIRST, "--keys", "keys/online")
    assert seen() == (True, [f"{FIRST} 100"])
    call("halt", FIRST, "--keys", "keys/online")
    assert seen() == (True, [f"{FIRST} halted"])
    again = json.loads(call("rollout", *SOIL, "--keys", "keys/online", "--share", 1, "--json"))
    assert again["id"] == "reference-neospectra-1-0-0-2"
    assert again["constraints"]["scanner_covers_nm"] == [1355.0, 2545.0]
    said = call("show").splitlines()
    assert said[0] == "bundle   reference-neospectra 1.0.0 (floor 0.0.0)"
    assert len(said) == 3


def test_two_persons_sign_where_two_have_to(made) -> None:
    call("init", "--repository", "two", "--new-keys", "both", "--bundles", "2/2")
    one, other = "both/bundles/bundles-1.pem", "both/bundles/bundles-2.pem"
    said = call("publish", BUNDLE, "--repository", "two", "--keys", one)
    assert "waits for 1 more signature" in said
    assert "waits for signatures" in call("show", "--repository", "two")
    assert "with the online key" in call("sign", "--repository", "two", "--keys", other)
    said = call("sign", "--repository", "two", "--keys", "both/online")
    assert said == "signed, and devices are told of it\n"


def test_the_online_key_is_replaced_and_the_old_one_is_worth_nothing(published) -> None:
    online = json.loads(call("keys", "--json"))["online"]["keys"][0]
    said = call(
        "keys", "--holder", "online", "--new-key", "keys/new/online-2.pem", "--revoke", online[:12],
        "--keys", "keys/root", "--keys", "keys/bundles",
    )  # fmt: skip
    assert online[:12] not in said
    with pytest.raises(KeyFileError, match="the online key is not in keys/online"):
        call("rollout", *SOIL, "--keys", "keys/online")
    call("rollout", *SOIL, "--keys", "keys/new")
    assert seen() == (True, [f"{FIRST} 5"])


def test_a_change_of_keys_that_too_few_roots_sign_changes_nothing(published) -> None:
    with pytest.raises(RepositoryError, match="1 of the 2 signatures"):
        call("keys", "--holder", "root", "--new-key", "keys/root/root-4.pem",
             "--keys", "keys/root/root-1.pem")  # fmt: skip
    assert Repository(Path("fleet")).root.version == 1


def test_a_floor_only_rises_and_nothing_below_it_is_rolled_out(published) -> None:
    keys = ("--keys", "keys/bundles", "--keys", "keys/online")
    with pytest.raises(RepositoryError, match=r"below its floor 2\.0\.0"):
        call("publish", BUNDLE, *keys, "--floor", "2.0.0")
    call("publish", BUNDLE, *keys, "--floor", "1.0.0")
    with pytest.raises(RepositoryError, match=r"floor of reference-neospectra is 1\.0\.0"):
        call("publish", BUNDLE, *keys, "--floor", "0.9.0")


@pytest.mark.parametrize(
    ("words", "error", "why"),
    [
        (["publish", __file__, "--keys", "keys/bundles"], BundleError, "no zip"),
        (
            ["publish", BUNDLE, "--keys", "keys/bundles", "--floor", "new"],
            RepositoryError,
            "no version",
        ),
        (["rollout", "soil", "1.0.0", "--keys", "keys/online"], RepositoryError, "not published"),
        (["promote", "spring", "--keys", "keys/online"], RepositoryError, "no rollout spring"),
        (["halt", FIRST, "--keys", "keys/root"], RepositoryError, "no rollout"),
        (["show", "--repository", "nowhere"], RepositoryError, "no fleet repository in nowhere"),
        (["halt", FIRST, "--keys", "none.pem"], RepositoryError, "no rollout"),
    ],
)
def test_what_can_t_be_done_is_told(made, words, error, why) -> None:
    with pytest.raises(error, match=why):
        call(*words)


@pytest.mark.parametrize("rule", ["3/2", "0/1", "2", "a/b", "1/17"])
def test_a_rule_that_no_keys_can_meet_is_refused(rule) -> None:
    result = CliRunner().invoke(fleet, ["init", "--new-keys", "keys", "--root", rule])
    assert result.exit_code == 2
    assert "write K/N" in result.stderr


def test_keys_may_have_a_password(tmp_path) -> None:
    Path("word").write_text("long and odd\n")
    call("init", "--new-keys", "keys", "--password-file", "word")
    with pytest.raises(KeyFileError, match="is encrypted"):
        call("publish", BUNDLE, "--keys", "keys/bundles")
    call("publish", BUNDLE, "--keys", "keys/bundles", "--password-file", "word")
