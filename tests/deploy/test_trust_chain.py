"""A thief has the machine that is online: keys from the safe sign nothing of what they left in the folder.

Commands as an operator calls them, on a folder that somebody changed meanwhile.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from securesystemslib.signer import CryptoSigner, Signer
from tuf.api.metadata import Metadata, TargetFile, Targets

from contract.fleet_repository import FLOORS, bundle_path
from deploy.commands import fleet
from deploy.errors import RepositoryError
from deploy.fleet.key_files import keys_in
from deploy.fleet.role_files import RoleFiles
from fleet_devices import NAME, bundle
from fleets import Fleet, keys, looking_at, word

METADATA = Path("fleet/metadata")
STAGED = Path("fleet/staged/targets.json")
SAFE = ("--keys", "keys/bundles", "--keys", "keys/root")
BOTH = ("--keys", "keys/bundles", "--keys", "keys/online")
EVIL = "evil-9.9.9.loam"


def call(*words: object) -> str:
    """What a command says on both ways out."""
    return CliRunner().invoke(fleet, [str(word) for word in words], catch_exceptions=False).output


@pytest.fixture(autouse=True)
def made(tmp_path, monkeypatch) -> None:
    """A fleet with version 1.1.0 published, and the next two versions at hand."""
    monkeypatch.chdir(tmp_path)
    for version in ("1.1.0", "1.2.0", "1.3.0"):
        Path(f"{version}.loam").write_bytes(bundle(version))
    call("init", "--new-keys", "keys", "--bundles", "1/2")
    call("publish", "1.1.0.loam", *BOTH)


@pytest.fixture
def two(made) -> None:
    """Two sign each bundle, and one has signed 1.2.0."""
    call("keys", "--holder", "bundles", "--threshold", 2, *SAFE, "--keys", "keys/online")
    call("publish", "1.2.0.loam", "--keys", "keys/bundles/bundles-1.pem")


def change_online_key(name: str) -> None:
    old = json.loads(call("keys", "--json"))["online"]["keys"][0]
    call(
        "keys", "--holder", "online", "--new-key", f"keys/online/{name}.pem", "--revoke", old, *SAFE
    )


def held(place: str) -> list[Signer]:
    return list(keys_in([Path(place)]).values())


def listed() -> set[str]:
    """The bundles that a device sees."""
    device = looking_at(
        Path("fleet").absolute(),
        Path("device").absolute(),
        Path("keys/root/1.root.json").read_bytes(),
    )
    names = [f"{NAME}-{version}.loam" for version in ("1.1.0", "1.2.0", "1.3.0")]
    return {name for name in [*names, EVIL] if device.get_targetinfo(f"bundles/{name}")}


def evil() -> TargetFile:
    entry = TargetFile.from_data(f"bundles/{EVIL}", b"a bundle of the thief's", ["sha256"])
    entry.unrecognized_fields["custom"] = word(EVIL)
    return entry


def plant(targets: Targets) -> None:
    targets.targets[evil().path] = evil()


def edit(path: Path, change: Callable[[Targets], None], signers: list[Signer]) -> None:
    """Change a list where it lies; signatures that it had stay, those of ``signers`` are made anew."""
    document = Metadata[Targets].from_bytes(path.read_bytes())
    change(document.signed)
    for signer in signers:
        document.sign(signer, append=True)
    path.write_bytes(document.to_bytes())


def newest(role: str) -> Path:
    return RoleFiles(Path("fleet")).path(role, RoleFiles(Path("fleet")).newest(role))


# --- the list of bundles --------------------------------------------------------------------------


OFFLINE = {
    "publish": ["publish", "1.2.0.loam", *BOTH],
    "keys of bundles": ["keys", "--holder", "bundles", "--threshold", 2, *SAFE, *BOTH],
    "the online key": ["keys", "--holder", "online", "--new-key", "keys/new/online-2.pem", *SAFE],
    "keys of roots": ["keys", "--holder", "root", "--new-key", "keys/root/root-4.pem", *SAFE],
}


@pytest.mark.parametrize("words", OFFLINE.values(), ids=list(OFFLINE))
@pytest.mark.parametrize("signs", ["nobody", "online"])
def test_an_entry_that_a_thief_planted_is_signed_by_nobody(words, signs) -> None:
    edit(newest("targets"), plant, held("keys/online") if signs == "online" else [])
    before = {path: path.read_bytes() for path in METADATA.iterdir()}
    with pytest.raises(RepositoryError, match=r"2\.targets\.json is not what your keys signed"):
        call(*words)
    assert {path: path.read_bytes() for path in METADATA.iterdir()} == before
    assert not STAGED.exists()
    assert not Path("keys/new/online-2.pem").exists()


def test_an_older_list_under_a_newer_name_is_found_out() -> None:
    shutil.copy(METADATA / "1.targets.json", METADATA / "3.targets.json")
    with pytest.raises(RepositoryError, match=r"3\.targets\.json is not what your keys signed"):
        call("publish", "1.2.0.loam", *BOTH)


@pytest.mark.parametrize("path", ["rollouts/rollouts.json", "bundles/soil-1.0.0.loam"])
def test_an_entry_that_does_not_lie_where_its_word_says_is_found_out(path) -> None:
    def misplace(targets: Targets) -> None:
        targets.targets[path] = TargetFile(1, {"sha256": "0" * 64}, path, {"custom": word(EVIL)})

    edit(newest("targets"), misplace, held("keys/bundles"))
    with pytest.raises(RepositoryError, match=f"has an entry '{path}', and no bundle that belongs"):
        call("publish", "1.2.0.loam", *BOTH)


# --- what waits for signatures --------------------------------------------------------------------


def test_a_list_that_waits_is_signed_with_what_it_adds_said_before(two) -> None:
    said = call("sign", "--keys", "keys/bundles/bundles-2.pem")
    assert said.splitlines()[0] == "list of bundles 4, of root 2, adds"
    assert said.splitlines()[1].startswith(f"  {NAME} 1.2.0, sha256 ")
    call("sign", "--keys", "keys/online")
    assert listed() == {f"{NAME}-1.1.0.loam", f"{NAME}-1.2.0.loam"}


def test_what_is_published_is_said_with_the_floors_that_rise() -> None:
    lines = call("publish", "1.2.0.loam", "--floor", "1.2.0", *BOTH).splitlines()
    assert lines[0] == "list of bundles 3, of root 1, adds"
    assert lines[1].startswith(f"  {NAME} 1.2.0, sha256 ")
    assert lines[2] == f"  floor of {NAME}: 1.2.0 (was 0.0.0)"
    assert call("publish", "1.2.0.loam", *BOTH).startswith(
        "list of bundles 4, of root 1, adds nothing\n"
    )


def test_a_planted_list_that_no_key_of_bundles_signed_is_not_signed(two) -> None:
    edit(STAGED, plant, held("keys/online"))
    with pytest.raises(RepositoryError, match=r"staged/targets\.json is not what your keys signed"):
        call("sign", "--keys", "keys/bundles/bundles-2.pem")
    assert listed() == {f"{NAME}-1.1.0.loam"}


def remove(targets: Targets) -> None:
    del targets.targets[bundle_path(NAME, "1.1.0")]


def alter(targets: Targets) -> None:
    targets.targets[bundle_path(NAME, "1.1.0")].hashes["sha256"] = "0" * 64


def lower(targets: Targets) -> None:
    targets.unrecognized_fields[FLOORS] = {}


def delegate(targets: Targets) -> None:
    assert targets.delegations is not None
    assert targets.delegations.roles is not None
    targets.delegations.roles["rollouts"].paths = ["*"]


def add_a_field(targets: Targets) -> None:
    targets.unrecognized_fields["more"] = 1


@pytest.mark.parametrize("change", [remove, alter, lower, delegate, add_a_field])
def test_a_list_that_does_more_than_add_is_not_signed_whoever_signed_it_first(two, change) -> None:
    call("sign", "--keys", "keys/bundles/bundles-2.pem")
    call("publish", "1.3.0.loam", "--floor", "1.1.0", *BOTH)
    call("publish", "1.3.0.loam", "--keys", "keys/bundles/bundles-1.pem")
    edit(STAGED, change, held("keys/bundles/bundles-1.pem"))
    with pytest.raises(RepositoryError, match=r"does more than to add bundles and to raise floors"):
        call("sign", "--keys", "keys/bundles/bundles-2.pem")
    with pytest.raises(RepositoryError, match=r"does more than to add"):
        call("show")


@pytest.mark.parametrize("content", [b"{", b""])
def test_what_waits_and_is_damaged_is_told(two, content) -> None:
    STAGED.write_bytes(content)
    with pytest.raises(RepositoryError, match=r"staged/targets\.json can't be read.*remove it"):
        call("sign", "--keys", "keys/bundles/bundles-2.pem")


def test_words_that_a_thief_planted_steer_no_terminal(two) -> None:
    def plant_a_name(targets: Targets) -> None:
        name = "\x1b[2Jevil"
        entry = TargetFile(1, {"sha256": "0" * 64}, bundle_path(name, "9.9.9"))
        entry.unrecognized_fields["custom"] = {**word(EVIL), "name": name}
        targets.targets[entry.path] = entry

    edit(STAGED, plant_a_name, [])
    assert "\ufffd[2Jevil 9.9.9" in call("show")
    assert "\x1b" not in call("show")


# --- the chain of roots ---------------------------------------------------------------------------


def thiefs(folder: str, bundles: Mapping[str, Signer]) -> Fleet:
    """A whole fleet of the thief's, which takes the operator's keys of bundles for its own."""
    both = {**keys(1), **bundles}
    return Fleet(Path(folder), bundles=both)


def operators() -> Mapping[str, Signer]:
    return keys_in([Path("keys/bundles")])


def test_a_root_that_a_thief_added_is_found_out() -> None:
    document = Metadata.from_bytes((METADATA / "1.root.json").read_bytes())
    document.signed.version = 2
    document.signed.add_key(CryptoSigner.generate_ed25519().public_key, "targets")
    document.sign(CryptoSigner.generate_ed25519())
    (METADATA / "2.root.json").write_bytes(document.to_bytes())
    with pytest.raises(RepositoryError, match=r"2\.root\.json is not what your keys signed"):
        call("publish", "1.2.0.loam", *BOTH)


def test_a_root_of_another_fleet_is_found_out() -> None:
    thief = thiefs("thief", operators())
    root = thief.repository.root
    root.version, root.expires = 2, root.expires + timedelta(days=1)
    thief.repository.files.write("root", root, thief.root.values())
    shutil.copy("thief/metadata/2.root.json", METADATA)
    with pytest.raises(RepositoryError, match=r"2\.root\.json is not what your keys signed"):
        call("publish", "1.2.0.loam", *BOTH)


def test_a_folder_that_is_the_thiefs_from_its_first_root_on_is_found_out() -> None:
    thiefs("thief", operators())
    shutil.rmtree("fleet")
    shutil.copytree("thief", "fleet")
    with pytest.raises(RepositoryError, match=r"1\.root\.json is not what your keys signed"):
        call("publish", "1.2.0.loam", *BOTH)


def test_roots_that_were_taken_away_are_found_out() -> None:
    call("keys", "--holder", "root", "--new-key", "keys/root/root-4.pem", *SAFE)
    call("keys", "--holder", "root", "--new-key", "keys/root/root-5.pem", *SAFE)
    (METADATA / "2.root.json").unlink()
    with pytest.raises(RepositoryError, match=r"2\.root\.json can't be read"):
        call("publish", "1.2.0.loam", *BOTH)


def test_roots_that_are_older_than_the_one_that_is_named_are_found_out() -> None:
    call("keys", "--holder", "root", "--new-key", "keys/root/root-4.pem", *SAFE)
    away = (METADATA / "2.root.json").rename("away.json")
    with pytest.raises(RepositoryError, match="newest root is older than"):
        call("publish", "1.2.0.loam", *BOTH, "--root", away)
    shutil.copy(away, METADATA / "2.root.json")
    call("publish", "1.2.0.loam", *BOTH, "--root", away)


def test_what_follows_honestly_from_the_first_root_is_signed() -> None:
    change_online_key("online-2")
    call("keys", "--holder", "root", "--new-key", "keys/root/root-4.pem", *SAFE)
    call("publish", "1.2.0.loam", *BOTH)
    bundles = json.loads(call("keys", "--json"))["bundles"]["keys"]
    call(
        "keys", "--holder", "bundles", "--new-key", "keys/another/bundles-3.pem", "--revoke", bundles[0],
        "--revoke", bundles[1], *SAFE, "--keys", "keys/online",
    )  # fmt: skip
    change = ("--keys", "keys/root", "--keys", "keys/another")
    call("keys", "--holder", "online", "--new-key", "keys/online/online-3.pem", *change)
    said = call("publish", "1.3.0.loam", "--keys", "keys/another", "--keys", "keys/online")
    assert said.startswith("list of bundles 7, of root 5, adds")
    assert len(listed()) == 3


# --- the root beside the keys ---------------------------------------------------------------------


def test_the_first_root_lies_beside_each_key_from_the_beginning() -> None:
    first = (METADATA / "1.root.json").read_bytes()
    for holder in ("root", "bundles", "online"):
        assert Path("keys", holder, "1.root.json").read_bytes() == first
    call("keys", "--holder", "root", "--new-key", "keys/stick/root-4.pem", *SAFE)
    assert Path("keys/stick/1.root.json").read_bytes() == first


@pytest.mark.parametrize("holder", ["bundles", "online"])
def test_without_the_root_beside_a_key_nothing_is_signed_until_it_is_named(holder) -> None:
    away = Path("keys", holder, "1.root.json").rename("away.json")
    for key in (f"keys/{holder}", f"keys/{holder}/{holder}-1.pem"):
        with pytest.raises(RepositoryError, match=rf"no keys/{holder}/1\.root\.json.* --root"):
            call("publish", "1.2.0.loam", *BOTH, "--keys", key)
    call("publish", "1.2.0.loam", *BOTH, "--root", away)
    assert f"{NAME}-1.2.0.loam" in listed()


def test_roots_beside_keys_that_are_not_the_same_are_told() -> None:
    thief = thiefs("thief", operators())
    Path("keys/online/1.root.json").write_bytes(thief.first_root)
    with pytest.raises(RepositoryError, match=r"are not the same root"):
        call("publish", "1.2.0.loam", *BOTH)
    with pytest.raises(RepositoryError, match=r"is another fleet's root"):
        call("keys", "--holder", "root", "--new-key", "keys/online/root-4.pem", *SAFE)


def test_what_is_no_root_vouches_for_nothing() -> None:
    for content, why in (
        (b"{", "can't be read"),
        (b"", "can't be read"),
        ((METADATA / "1.targets.json").read_bytes(), "is no root"),
    ):
        Path("root.json").write_bytes(content)
        with pytest.raises(RepositoryError, match=why):
            call("publish", "1.2.0.loam", *BOTH, "--root", "root.json")


def test_a_repository_does_not_vouch_for_itself() -> None:
    with pytest.raises(
        RepositoryError, match="lies in the repository, which is to be verified by it"
    ):
        call("publish", "1.2.0.loam", *BOTH, "--root", METADATA / "1.root.json")


def test_a_change_of_keys_takes_keys() -> None:
    with pytest.raises(RepositoryError, match="no keys were named"):
        call("keys", "--holder", "root", "--threshold", 1)


def test_the_online_key_alone_needs_no_root_beside_it() -> None:
    Path("keys/online/1.root.json").unlink()
    call("rollout", NAME, "1.1.0", "--keys", "keys/online")
    call("promote", f"{NAME}-1-1-0-1", "--keys", "keys/online")
    call("halt", f"{NAME}-1-1-0-1", "--keys", "keys/online")
    call("sign", "--keys", "keys/online")
    call("copy", "stick", "--keys", "keys/online")
