"""A change of keys that is killed anywhere: afterwards the old keys hold or the new ones, never a mixture."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from click.testing import CliRunner
from tuf.api.exceptions import RepositoryError as TufError

from contract.fleet_repository import ROLLOUTS_PATH
from contract.rollout import read_rollouts
from deploy.commands import fleet
from deploy.errors import RepositoryError
from fleet_devices import NAME, bundle
from fleets import looking_at

ROLLOUT = f"{NAME}-1-1-0-1"
KEYS = [word for holder in ("root", "bundles", "online") for word in ("--keys", f"keys/{holder}")]
KILLED = 9


def call(*words: object) -> str:
    return CliRunner().invoke(fleet, [str(word) for word in words], catch_exceptions=False).stdout


@pytest.fixture
def before(tmp_path) -> Path:
    """A fleet with a rollout, and a device that has seen it."""
    folder = tmp_path / "before"
    folder.mkdir()
    with chdir(folder):
        call("init", "--new-keys", "keys")
        Path("b.loam").write_bytes(bundle("1.1.0"))
        call("publish", "b.loam", *KEYS)
        call("rollout", NAME, "1.1.0", "--keys", "keys/online")
        assert rollouts_seen("device") == [False]
    return folder


def rollouts_seen(cache: str) -> list[bool]:
    """Of each rollout that a device sees whether it is halted."""
    first = Path("keys/root/1.root.json").read_bytes()
    device = looking_at(Path("fleet").absolute(), Path(cache).absolute(), first)
    path = Path(device.download_target(device.get_targetinfo(ROLLOUTS_PATH)))
    return [rollout.halted for rollout in read_rollouts(path.read_bytes()).rollouts]


def change(holder: str, name: str) -> list[object]:
    """Words that replace a key."""
    old = json.loads(call("keys", "--json"))[holder]["keys"][0]
    return [
        "keys",
        "--holder",
        holder,
        "--new-key",
        f"keys/{holder}/{name}.pem",
        "--revoke",
        old,
        *KEYS,
    ]


def killed_at(nth: int, words: list[object]) -> bool:
    """Whether a command was killed when it had something put on disk for the ``nth`` time."""
    child = os.fork()
    if child == 0:
        counted, fsync = iter(range(nth)), os.fsync

        def killing(descriptor: int) -> None:
            fsync(descriptor)
            if next(counted, None) is None:
                os._exit(KILLED)

        os.fsync = killing
        try:
            call(*words)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED


def kills(before: Path, words: list[object]) -> Iterator[int]:
    """Once for each time that the command has something put on disk: the folder in which it was killed."""
    for nth in range(100):
        folder = before.with_name(f"killed-{nth}")
        shutil.copytree(before, folder, copy_function=os.link)
        with chdir(folder):
            if not killed_at(nth, words):
                return
            yield nth


@pytest.mark.parametrize("holder", ["online", "bundles"])
def test_killed_anywhere_the_old_keys_hold_or_the_new_ones(before, holder) -> None:
    with chdir(before):
        words = change(holder, "new")
        old = json.loads(call("keys", "--json"))[holder]["keys"]
    found, waited = set(), 0
    for _ in kills(before, words):
        try:
            assert rollouts_seen("device") == [False]
        except TufError:
            waited += 1
        call("halt", ROLLOUT, "--keys", "keys/online")
        assert rollouts_seen("device") == [True]
        assert rollouts_seen("a device that was never on") == [True]
        found.add(json.loads(call("keys", "--json"))[holder]["keys"] == old)
        call(*change(holder, "newer"))
        call("publish", "b.loam", *KEYS)
        call("promote", ROLLOUT, "--resume", "--keys", "keys/online")
        assert rollouts_seen("device") == [False]
    assert found == {True, False}
    # Two files can't be renamed at once: root and timestamp.
    assert waited <= 1


def test_a_change_that_a_kill_had_begun_is_shown_as_it_will_be(before) -> None:
    with chdir(before):
        words = change("online", "new")
        old = json.loads(call("keys", "--json"))["online"]["keys"]
    seen = 0
    for _ in kills(before, words):
        if Path("fleet/changing").is_dir():
            seen += 1
            assert json.loads(call("keys", "--json"))["online"]["keys"] != old
            assert not Path("fleet/changing").exists()
    assert seen


@pytest.mark.parametrize("holder", ["root", "bundles", "online"])
@pytest.mark.parametrize("times", [1, 100])
def test_a_disk_that_is_full_anywhere_takes_no_key_that_is_named(
    before, monkeypatch, holder, times
) -> None:
    with chdir(before):
        words = change(holder, "new")
        old = json.loads(call("keys", "--json"))[holder]["keys"]
    replace, new_key = Path.replace, Path("keys", holder, "new.pem")
    for nth in range(100):
        fails = iter([False] * nth + [True] * times)

        def full(path: Path, target: Path, fails: Iterator[bool] = fails) -> Path:
            if next(fails, False):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return replace(path, target)

        folder = before.with_name(f"full-{nth}")
        shutil.copytree(before, folder, copy_function=os.link)
        with chdir(folder):
            monkeypatch.setattr(Path, "replace", full)
            try:
                call(*words)
                break
            except RepositoryError:
                pass
            finally:
                monkeypatch.setattr(Path, "replace", replace)
            named = json.loads(call("keys", "--json"))[holder]["keys"] != old
            assert new_key.exists() == named
            if not named:
                call(*words)
            assert rollouts_seen("device") == [False]
    assert nth > 1
