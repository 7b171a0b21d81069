"""`loamscan fleet` as an operator calls it, and what a device then sees."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner
from tuf.api.exceptions import RepositoryError as TufError
from tuf.api.metadata import Metadata, Timestamp

from contract.errors import BundleError
from contract.fleet_repository import ROLLOUTS_PATH
from contract.rollout import read_rollouts
from deploy.commands import fleet
from deploy.errors import KeyFileError, RepositoryError
from deploy.fleet import repository_commands
from deploy.fleet.repository import Repository
from fleet_devices import NAME, bundle
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
    with pytest.raises(RepositoryError, match="fleet/metadata exists already"):
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
    waiting = call("show", "--repository", "two").splitlines()[-2:]
    assert waiting[0] == "list of bundles 2, of root 1, adds"
    digest = hashlib.sha256(BUNDLE.read_bytes()).hexdigest()
    assert waiting[1] == f"  reference-neospectra 1.0.0, sha256 {digest[:16]}"
    assert json.loads(call("show", "--repository", "two", "--json"))["waiting"] == [
        {"name": "reference-neospectra", "version": "1.0.0", "sha256": digest}
    ]
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
        (["halt", FIRST, "--keys", "keys/online"], RepositoryError, "no rollout"),
        (["halt", FIRST, "--keys", "keys/root"], KeyFileError, "not in keys/root"),
        (["show", "--repository", "nowhere"], RepositoryError, "no fleet repository in nowhere"),
        (["halt", FIRST, "--keys", "none.pem"], KeyFileError, "none.pem can't be read"),
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
    Path("word").chmod(0o600)
    call("init", "--new-keys", "keys", "--password-file", "word")
    with pytest.raises(KeyFileError, match="is encrypted"):
        call("publish", BUNDLE, "--keys", "keys/bundles")
    call("publish", BUNDLE, "--keys", "keys/bundles", "--password-file", "word")


def test_a_password_that_others_may_read_is_not_used(tmp_path) -> None:
    Path("word").write_text("long and odd\n")
    Path("word").chmod(0o644)
    with pytest.raises(KeyFileError, match=r"word is open to others \(mode 0644\)"):
        call("init", "--new-keys", "keys", "--password-file", "word")
    assert not Path("keys").exists()


def device_takes_it() -> bool:
    """Whether a device that looks now finds everything signed as it must be."""
    try:
        return seen()[0]
    except TufError:
        return False


def test_a_change_of_keys_is_made_whole_or_not_at_all(made) -> None:
    call("init", "--repository", "two", "--new-keys", "both", "--bundles", "2/2")
    before = sorted(path.name for path in Path("two/metadata").iterdir())
    online = json.loads(call("keys", "--repository", "two", "--json"))["online"]["keys"][0]
    change = ["keys", "--repository", "two", "--holder", "online", "--new-key", "both/online/new.pem",
              "--revoke", online, "--keys", "both/root"]  # fmt: skip
    with pytest.raises(RepositoryError, match="list of bundles has 1 of the 2 signatures"):
        call(*change, "--keys", "both/bundles/bundles-1.pem")
    assert sorted(path.name for path in Path("two/metadata").iterdir()) == before
    assert not Path("both/online/new.pem").exists()
    call(*change, "--keys", "both/bundles")
    device = looking_at(Path("two").absolute(), Path("device-two").absolute())
    assert device.get_targetinfo(ROLLOUTS_PATH) is not None


def test_a_key_of_bundles_is_revoked_and_devices_take_what_is_there(published) -> None:
    assert device_takes_it()
    first = json.loads(call("keys", "--json"))["bundles"]["keys"][0]
    change = ["keys", "--holder", "bundles", "--revoke", first, "--keys", "keys/root"]
    with pytest.raises(RepositoryError, match="the online key is not there"):
        call(*change, "--keys", "keys/bundles")
    with pytest.raises(RepositoryError, match="0 of the 1 signatures"):
        call(*change, "--keys", "keys/online")
    assert device_takes_it()
    call(*change, "--keys", "keys/bundles", "--keys", "keys/online")
    assert device_takes_it()
    call("keys", "--holder", "bundles", "--new-key", "keys/bundles/new.pem", "--threshold", 2,
         "--keys", "keys/root", "--keys", "keys/bundles", "--keys", "keys/online")  # fmt: skip
    assert device_takes_it()


def test_what_waits_for_signatures_is_finished_before_keys_change(made) -> None:
    call("init", "--repository", "two", "--new-keys", "both", "--bundles", "2/2")
    call("publish", BUNDLE, "--repository", "two", "--keys", "both/bundles/bundles-1.pem")
    with pytest.raises(RepositoryError, match="waits for signatures"):
        call("keys", "--repository", "two", "--holder", "bundles", "--threshold", 1,
             "--keys", "both/root", "--keys", "both/bundles", "--keys", "both/online")  # fmt: skip


def test_what_was_halted_goes_on_only_when_that_is_said(published) -> None:
    call("rollout", *SOIL, "--keys", "keys/online")
    call("halt", FIRST, "--keys", "keys/online")
    with pytest.raises(RepositoryError, match="was halted; see why"):
        call("promote", FIRST, "--keys", "keys/online")
    call("promote", FIRST, "--resume", "--share", 20, "--keys", "keys/online")
    assert seen() == (True, [f"{FIRST} 20"])


def test_what_is_halted_while_somebody_widens_it_stays_halted(published, monkeypatch) -> None:
    call("rollout", *SOIL, "--keys", "keys/online")
    alone = Repository.alone

    def alone_after_a_halt(repository: Repository):
        monkeypatch.setattr(Repository, "alone", alone)
        call("halt", FIRST, "--keys", "keys/online")
        return alone(repository)

    monkeypatch.setattr(Repository, "alone", alone_after_a_halt)
    with pytest.raises(RepositoryError, match="was halted; see why"):
        call("promote", FIRST, "--keys", "keys/online")
    assert seen() == (True, [f"{FIRST} halted"])


def test_nobody_changes_what_is_being_copied(published, monkeypatch) -> None:
    def copy_to(repository: Repository, *_: object) -> None:
        with (repository.folder / "changing.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    monkeypatch.setattr(repository_commands, "copy_to", copy_to)
    with pytest.raises(BlockingIOError):
        call("copy", "stick", "--keys", "keys/online")


def test_a_copy_holds_what_rollouts_name_and_has_a_validity_of_its_own(published) -> None:
    call("copy", "empty", "--keys", "keys/online")
    assert not list(Path("empty/targets").rglob("*.loam"))
    call("rollout", *SOIL, "--keys", "keys/online")
    before = Path("fleet/metadata/timestamp.json").read_bytes()
    call("copy", "stick", "--days", 9, "--keys", "keys/online")
    assert Path("fleet/metadata/timestamp.json").read_bytes() == before
    assert len(list(Path("stick/targets").rglob("*.loam"))) == 1
    told = Metadata[Timestamp].from_bytes(Path("stick/metadata/timestamp.json").read_bytes())
    served = Metadata[Timestamp].from_bytes(before)
    assert (served.signed.expires - told.signed.expires).days in (170, 171)
    assert looking_at(Path("stick").absolute(), Path("by-stick").absolute())
    with pytest.raises(RepositoryError, match="stick is not empty"):
        call("copy", "stick", "--keys", "keys/online")


# --- rollouts -------------------------------------------------------------------------------------


def test_what_goes_on_keeps_its_share_unless_another_is_named(published) -> None:
    call("rollout", *SOIL, "--keys", "keys/online")
    assert "halted at 5 % of stable" in call("halt", FIRST, "--keys", "keys/online")
    assert f"{FIRST}: halted at 5 %" in call("show")
    call("promote", FIRST, "--resume", "--keys", "keys/online")
    assert seen() == (True, [f"{FIRST} 5"])


def test_a_rollout_is_not_narrowed(published) -> None:
    call("rollout", *SOIL, "--share", 20, "--keys", "keys/online")
    with pytest.raises(RepositoryError, match=r"has 20 % already.*halt it, and begin another"):
        call("promote", FIRST, "--share", 5, "--keys", "keys/online")
    call("halt", FIRST, "--keys", "keys/online")
    with pytest.raises(RepositoryError, match="is not narrowed"):
        call("promote", FIRST, "--share", 5, "--resume", "--keys", "keys/online")


def test_what_lies_below_its_floor_does_not_go_on(made) -> None:
    both = ("--keys", "keys/bundles", "--keys", "keys/online")
    for version in ("1.1.0", "1.2.0"):
        Path(f"{version}.loam").write_bytes(bundle(version))
    call("publish", "1.1.0.loam", *both)
    call("rollout", NAME, "1.1.0", "--keys", "keys/online")
    call("halt", f"{NAME}-1-1-0-1", "--keys", "keys/online")
    call("publish", "1.2.0.loam", "--floor", "1.2.0", *both)
    with pytest.raises(RepositoryError, match=r"1\.1\.0 lies below its floor 1\.2\.0"):
        call("promote", f"{NAME}-1-1-0-1", "--resume", "--keys", "keys/online")


def test_a_rollout_that_would_be_over_already_is_not_begun(published) -> None:
    with pytest.raises(RepositoryError, match=r"2020-01-01 00:00 on for 30 days .* over already"):
        call("rollout", *SOIL, "--starts-at", "2020-01-01", "--keys", "keys/online")
    assert seen() == (True, [])


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["rollout", *SOIL], "--share"),
        (["rollout", *SOIL], "--days"),
        (["promote", FIRST], "--share"),
        (["copy", "stick"], "--days"),
    ],
)
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "0"])
def test_a_number_that_counts_nothing_is_a_mistake_in_the_command(
    published, words, option, value
) -> None:
    result = CliRunner().invoke(fleet, [*words, "--keys", "keys/online", option, value])
    assert result.exit_code == 2
    assert f"Invalid value for '{option}'" in result.stderr


def test_what_a_rollout_asks_of_devices_is_shown(published) -> None:
    call("rollout", *SOIL, "--device-class", "orin", "--device-class", "nano", "--free-mb", 300,
         "--starts-at", "2099-03-01", "--keys", "keys/online")  # fmt: skip
    assert call("show").splitlines()[-1] == (
        f"rollout  {FIRST}: 5 % of stable, from 2099-03-01 00:00 UTC, until 2099-03-31 00:00 UTC, "
        "only orin and nano, with 300 MB free"
    )


def test_a_floor_above_a_rollout_is_told_until_that_is_halted(published, tmp_path) -> None:
    call("rollout", *SOIL, "--keys", "keys/online")
    newer = tmp_path / "newer.loam"
    newer.write_bytes(bundle("1.2.0"))
    keys = ["--keys", "keys/bundles", "--keys", "keys/online"]
    told = f"rollout {FIRST} rolls out reference-neospectra 1.0.0, below its floor 1.2.0"
    result = CliRunner().invoke(fleet, ["publish", str(newer), *keys, "--floor", "1.2.0"])
    assert (result.exit_code, told in result.stderr) == (0, True)
    assert told in CliRunner().invoke(fleet, ["show"]).stderr
    call("halt", FIRST, "--keys", "keys/online")
    assert told not in CliRunner().invoke(fleet, ["show"]).stderr


@pytest.mark.parametrize("place", ["fleet/online-2.pem", "fleet/keys/online-2.pem"])
def test_a_new_key_does_not_go_where_everything_is_served(published, place) -> None:
    with pytest.raises(RepositoryError, match="lies in the repository, which is served"):
        call("keys", "--holder", "online", "--new-key", place, "--keys", "keys/root")
    assert not Path(place).exists()


def test_a_folder_that_can_not_be_made_for_a_new_key_is_told(published) -> None:
    Path("afile").touch()
    with pytest.raises(RepositoryError, match="afile can't be made"):
        call("keys", "--holder", "online", "--new-key", "afile/n.pem", "--keys", "keys/root")


# --- signing --------------------------------------------------------------------------------------


def test_what_was_published_and_not_told_is_shown(made) -> None:
    assert call("show") == "no bundles yet\n"
    assert json.loads(call("show", "--json"))["told"] is True
    call("publish", BUNDLE, "--keys", "keys/bundles")
    assert "waits for the online key: `loamscan fleet sign`" in call("show")
    assert json.loads(call("show", "--json"))["told"] is False
    call("sign", "--keys", "keys/online")
    assert "waits" not in call("show")


def test_the_timestamp_is_renewed_while_a_list_waits(made) -> None:
    call("init", "--repository", "two", "--new-keys", "both", "--bundles", "2/2")
    call("publish", BUNDLE, "--repository", "two", "--keys", "both/bundles/bundles-1.pem")
    before = Path("two/metadata/timestamp.json").read_bytes()
    staged = Path("two/staged/targets.json").read_bytes()
    said = call("sign", "--repository", "two", "--keys", "both/online").splitlines()
    assert Path("two/metadata/timestamp.json").read_bytes() != before
    assert Path("two/staged/targets.json").read_bytes() == staged
    assert said[0] == "what is published is signed anew, and devices are told of it"
    assert said[1].startswith("a list of bundles still waits for signatures")


def test_a_key_for_which_nothing_waits_signs_nothing(published) -> None:
    with pytest.raises(RepositoryError, match=r"nothing waits for a signature of .* keys/bundles"):
        call("sign", "--keys", "keys/bundles")
    with pytest.raises(KeyFileError, match="the online key is not in keys/root;"):
        call("sign", "--keys", "keys/root")


def test_keys_of_another_fleet_are_named(published) -> None:
    call("init", "--repository", "other", "--new-keys", "others")
    with pytest.raises(RepositoryError, match=r"\(others/bundles\) belong to another fleet"):
        call("publish", BUNDLE, "--keys", "others/bundles")


def test_a_key_that_was_revoked_is_told_from_any_other(published) -> None:
    online = json.loads(call("keys", "--json"))["online"]["keys"][0]
    call("keys", "--holder", "online", "--new-key", "keys/new/online-2.pem", "--revoke", online,
         "--keys", "keys/root", "--keys", "keys/bundles")  # fmt: skip
    for words in (["sign"], ["rollout", *SOIL], ["copy", "stick"]):
        with pytest.raises(KeyFileError, match="not in keys/online: the one there was revoked"):
            call(*words, "--keys", "keys/online")


def test_keys_are_spoken_of_by_who_holds_them(published) -> None:
    every = [
        word for holder in ("root", "bundles", "online") for word in ("--keys", f"keys/{holder}")
    ]
    with pytest.raises(RepositoryError, match="0 keys of online have an id that begins with xyz"):
        call("keys", "--holder", "online", "--revoke", "xyz", *every)
    with pytest.raises(RepositoryError, match="2 keys of bundles can't give 3 signatures"):
        call("keys", "--holder", "bundles", "--threshold", 3, *every)


# --- copies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["fleet/stick", "fleet/metadata/stick", "fleet", "way/in"])
def test_nothing_is_copied_into_the_repository(published, place) -> None:
    Path("way").symlink_to("fleet/targets")
    with pytest.raises(RepositoryError, match="lies in the repository"):
        call("copy", place, "--keys", "keys/online")
    assert not list(Path("fleet").rglob("stick"))


def test_a_copy_says_until_when_it_is_valid(published) -> None:
    said = call("copy", "stick", "--days", 9, "--keys", "keys/online")
    told = Metadata[Timestamp].from_bytes(Path("stick/metadata/timestamp.json").read_bytes())
    assert f"valid until {told.signed.expires:%Y-%m-%d %H:%M} UTC" in said


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.ENOSPC, "free space there"), (errno.EROFS, "check that the place")],
)
@pytest.mark.parametrize("there", [True, False])
def test_of_a_copy_that_failed_nothing_is_left(
    published, monkeypatch, number, remedy, there
) -> None:
    copied, copyfile = iter(range(3)), shutil.copyfile

    def failing(path: Path, into: Path) -> None:
        if next(copied, None) is None:
            into.write_bytes(b"half")
            raise OSError(number, os.strerror(number), str(path), None, str(into))
        copyfile(path, into)

    if there:
        Path("stick").mkdir()
    monkeypatch.setattr(shutil, "copyfile", failing)
    with pytest.raises(RepositoryError, match=rf"copying to stick failed at stick/.*; {remedy}"):
        call("copy", "stick", "--keys", "keys/online")
    assert Path("stick").exists() == there
    assert not list(Path().glob("stick/*"))


def test_a_copy_goes_to_no_file(published) -> None:
    Path("stick").touch()
    with pytest.raises(RepositoryError, match="stick can't be read: Not a directory"):
        call("copy", "stick", "--keys", "keys/online")
    assert Path("stick").is_file()
