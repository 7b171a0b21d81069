"""`loamscan update` as somebody at the device calls it."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from edge.errors import ConfigError, NothingBeforeError, UpdateError
from edge.updates.commands import update
from edge.updates.store import UpdateBusyError

from .conftest import CONFIG, NEW, OLD, World, days


@pytest.fixture(autouse=True)
def no_step_back(monkeypatch) -> None:
    """The command lowers its process's priority for good: here that would be every later test's."""
    monkeypatch.setattr("edge.updates.updater.step_back", lambda: None)


@pytest.fixture
def call(world: World):
    path = world.device.folder / "loamscan.toml"
    path.write_text(CONFIG)

    def called(*words: object) -> str:
        command = [*map(str, words), "--config", str(path)]
        return CliRunner().invoke(update, command, catch_exceptions=False).stdout

    return called


def test_check_says_what_is_offered_and_changes_nothing_that_runs(world, call) -> None:
    world.release()
    said = call("check", "--from", world.served)
    assert (
        said == f"reference-neospectra {NEW} is offered by rollout reference-neospectra-1-2-0-1\n"
    )
    found = json.loads(call("check", "--from", world.served, "--json"))
    assert found["offered"]["version"] == NEW
    assert world.device.state.candidate is None


def test_apply_status_and_rollback_say_what_runs(world, call) -> None:
    world.release()
    said = call("apply", "--from", world.served).splitlines()
    assert said[0] == f"runs       reference-neospectra {NEW} (slot b)"
    assert said[1].startswith("probation")
    assert said[2] == f"before     reference-neospectra {OLD}"
    assert call("status").splitlines() == said
    assert json.loads(call("status", "--json"))["running"] == "b"
    said = call("rollback").splitlines()
    assert said[0] == f"runs       reference-neospectra {OLD} (slot a)"
    assert said[-1].startswith(f"failed     reference-neospectra {NEW}: somebody had")


def test_a_trial_that_waits_says_so(world, call) -> None:
    world.release()
    world.device.settings["trial_scans"] = 3
    state = world.apply()
    assert state.candidate.step == "trial"
    assert "0 of 3 live scans so far: it waits" in world.device.said
    assert call("status").splitlines()[2] == f"coming     reference-neospectra {NEW}: trial"
    world.device.scanned(2)
    assert world.apply().candidate.looks == 2
    world.device.scanned(1)
    assert world.apply().probation is not None


def test_a_trial_waits_no_longer_than_it_is_told(world) -> None:
    world.release()
    world.device.settings |= {"trial_scans": 99, "trial_looks": 2}
    assert [world.apply().probation is not None for _ in range(3)] == [False, False, True]


def test_a_trial_that_is_withdrawn_meanwhile_ends(world) -> None:
    rollout = world.release()
    world.device.settings["trial_scans"] = 99
    world.apply()
    world.operated.halt(rollout)
    world.serve()
    state = world.apply()
    assert state.candidate is None
    assert state.standing.step == "withdrawn"
    assert state.refusal_of(state.slots.get("b", state.release)) is None


def test_a_trial_goes_on_without_a_network(world) -> None:
    world.release()
    world.device.settings["trial_scans"] = 1
    world.apply()
    world.faults.about, world.faults.status = "metadata", 503
    world.device.scanned(1)
    assert world.apply().probation is not None


def test_a_newer_rollout_takes_the_place_of_one_on_its_way(world) -> None:
    world.release()
    world.device.settings["trial_scans"] = 99
    world.apply()
    world.release("1.3.0")
    state = world.apply(without_live=True)
    assert state.release.version == "1.3.0"


def test_two_updaters_do_not_get_in_each_other_s_way(world) -> None:
    world.release()
    with world.device.updater().store.updating(), pytest.raises(UpdateBusyError):
        world.apply()


@pytest.mark.parametrize(
    ("words", "error", "why"),
    [
        (["check"], ConfigError, "names no url"),
        (["check", "--from", "/nowhere"], UpdateError, "no fleet repository in /nowhere"),
    ],
)
def test_what_is_missing_is_named(call, words, error, why) -> None:
    with pytest.raises(error, match=why):
        call(*words)


def test_there_is_no_way_back_before_the_first_update(world, call) -> None:
    call("rollback")
    with pytest.raises(NothingBeforeError, match="no bundle before"):
        call("rollback")


def test_the_configured_bundle_is_named_and_so_is_what_is_wrong_with_it(world, call) -> None:
    call("rollback")
    assert (
        call("status").splitlines()[0]
        == "runs       reference-neospectra 1.0.0 (the configured bundle)"
    )
    path = world.device.folder / "loamscan.toml"
    path.write_text(f'{CONFIG}\n[model]\nbundle = "no.loam"\n')
    assert "no.loam can't be read" in call("status").splitlines()[0]


def test_a_configuration_without_updates_is_told(world, call) -> None:
    path = world.device.folder / "loamscan.toml"
    path.write_text(CONFIG.partition("[updates]")[0])
    for word in ("status", "rollback"):
        with pytest.raises(ConfigError, match=r"no section \[updates\]"):
            call(word)


def test_another_user_s_hands_are_kept_off(world, call, monkeypatch) -> None:
    world.release()
    monkeypatch.setattr("edge.updates.store.os.geteuid", lambda: 4242)
    refused = "this is user 4242; run the same command as the daemon's user: sudo -u"
    for words in (("apply", "--from", world.served), ("rollback",)):
        with pytest.raises(ConfigError, match=refused):
            call(*words)
    monkeypatch.undo()
    assert world.device.state.candidate is None
    assert world.device.state.release.version == OLD


def test_who_may_not_read_the_state_is_not_told_to_throw_it_away(world, call, monkeypatch) -> None:
    def forbidden(*_: object) -> bytes:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as patch:
        patch.setattr("edge.updates.store.Path.read_bytes", forbidden)
        with pytest.raises(UpdateError, match="it belongs to user") as refused:
            world.device.updater().store.read()
    assert "remove" not in refused.value.remedy
    assert "as the daemon's user" in refused.value.remedy


def test_what_stands_in_the_way_is_shown_and_why_nothing_was_taken_too(world, call, at) -> None:
    world.apply()
    assert "no rollout is newer than what runs" in world.device.said
    at(days(200))
    world.refused()
    assert "hindered   what is served was valid once (update.expired)" in call("status")


def test_an_update_runs_only_when_nothing_else_wants_the_processor() -> None:
    code = "import os; from edge.updates.updater import step_back; step_back(); print(os.nice(0))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "19\n"
