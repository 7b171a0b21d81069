"""`loamscan fleet status` and `halt --when`, with a real broker between operator and devices."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from contract.identity import new_id
from contract.messages import Status
from contract.topics import Topics
from deploy.commands import fleet
from deploy.errors import DeployError
from deploy.fleet import ear as ear_module
from deploy.fleet import rollout_commands
from deploy.fleet.ear import Broker
from deploy.fleet.reports import read_condition
from edge.demo.broker import embedded_broker
from fleet_devices import Operated, bundle
from fleets import Fleet
from parts import Ear, until

ROLLOUT = "reference-neospectra-1-1-0-1"


@pytest.fixture
def port(tmp_path):
    """A broker of its own: retained statuses of other tests would count."""
    (tmp_path / "broker").mkdir()
    with embedded_broker(tmp_path / "broker") as port:
        yield port


@pytest.fixture
def operated(tmp_path, monkeypatch) -> Operated:
    monkeypatch.chdir(tmp_path)
    operated = Operated(Fleet(tmp_path / "fleet"), tmp_path)
    operated.publish(bundle())
    operated.roll_out()
    key = tmp_path / "online.pem"
    key.touch(mode=0o600)
    key.write_bytes(operated.fleet.online.private_bytes)
    return operated


def status_of(
    device: str, step: str | None = None, version: str = "1.0.0", serial: str = "21020058"
) -> bytes:
    update = {
        "step": step, "bundle": "reference-neospectra", "version": "1.1.0", "rollout": ROLLOUT,
    }  # fmt: skip
    return Status.model_validate(
        {
            "schema": "loamscan.status/1", "status": "online", "device": {"id": device},
            "agent": "0.1.0", "bundle": "reference-neospectra", "bundle_version": version,
            "engine": "onnxruntime/fp32", "log_id": new_id(), "channel": "stable",
            "device_class": "", "scanner": {"model": "NeoSpectra", "serial": serial},
            **({"update": update} if step else {}),
        }
    ).to_json()  # fmt: skip


@pytest.fixture
def say(port) -> Callable[..., None]:
    """A device says how it stands."""
    mouth = Ear(port)

    def said(device: str, step: str | None = None, version: str = "1.0.0", **more: object) -> None:
        mouth.publish(Topics(device).status, status_of(device, step, version, **more), retain=True)

    yield said
    mouth.close()


def call(*words: object) -> str:
    return CliRunner().invoke(fleet, [str(word) for word in words], catch_exceptions=False).stdout


def test_status_shows_who_runs_what_and_how_rollouts_stand(operated, port, say) -> None:
    say("ls-1")
    say("ls-2", "committed", "1.1.0")
    say("ls-3", "rolled back")
    said = call("status", "--port", port).splitlines()
    assert said[0].split() == [
        *("ls-1", "online", "reference-neospectra", "1.0.0", "scanner", "21020058"),
    ]
    assert said[2].endswith("1.1.0 rolled back")
    assert said[3] == "2 of 3 devices run reference-neospectra 1.0.0"
    assert said[-1] == (
        f"rollout {ROLLOUT}: of 3 devices in its share 1 committed, 1 failed, 0 coming, 1 silent, 0 went on"
    )
    document = json.loads(call("status", "--port", port, "--json"))
    assert document["rollouts"][ROLLOUT]["failed"] == ["ls-3"]
    assert len(document["devices"]) == 3
    shutil.rmtree("fleet")
    assert "rollout" not in call("status", "--port", port)


def test_a_rollout_halts_by_itself_once_too_many_have_failed(operated, port, say) -> None:
    for n in range(20):
        say(f"ls-{n:02}")
    found: list[str] = []
    watch = ["halt", ROLLOUT, "--when", "failed > 10 %", "--port", port, "--keys", "online.pem"]
    thread = threading.Thread(target=lambda: found.append(call(*watch)), daemon=True)
    thread.start()
    for n in range(3):
        assert not operated.fleet.repository.rollouts.rollouts[0].halted
        say(f"ls-{n:02}", "rolled back")
    thread.join(30)
    assert not thread.is_alive()
    assert "3 failed" in found[0]
    assert found[0].splitlines()[-1].startswith(f"rollout  {ROLLOUT}: halted")
    assert operated.fleet.repository.rollouts.rollouts[0].halted


def test_a_watch_ends_when_somebody_else_halts(operated, port, say) -> None:
    say("ls-1")
    watch = ["halt", ROLLOUT, "--when", "failed > 10 %", "--port", port, "--keys", "online.pem"]
    thread = threading.Thread(target=lambda: call(*watch), daemon=True)
    thread.start()
    operated.halt(ROLLOUT)
    until(lambda: not thread.is_alive(), what="the end of the watch")


def test_words_of_a_device_steer_no_terminal(operated, port, say) -> None:
    say("ls-1", version="1.0.0\x9b2J", serial="\x1b]0;all is well\x07\u202e1")
    said = call("status", "--port", port)
    assert said.splitlines()[0].endswith("scanner \ufffd]0;all is well\ufffd\ufffd1")
    assert "devices run reference-neospectra 1.0.0\ufffd2J" in said
    assert call("status", "--port", port, "--json").isascii()


class Round(NamedTuple):
    """What is heard until a condition is judged again, and by which connection before and after."""

    before: int
    statuses: Sequence[bytes]
    after: int
    now: datetime


class ScriptedBroker:
    """An ear on a broker that comes and goes."""

    def __init__(self, rounds: list[Round], monkeypatch: pytest.MonkeyPatch) -> None:
        self._rounds, self._left = rounds, list(rounds)
        self.connection = rounds[0].before
        monkeypatch.setattr(rollout_commands, "utc_now", lambda: self._now)

    def ear(self) -> ScriptedBroker:
        return self

    def __enter__(self) -> ScriptedBroker:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def messages(self, *_: float) -> Iterator[tuple[str, bytes]]:
        this = self._left.pop(0)
        assert this.before == self.connection
        self._now = this.now
        for number, status in enumerate(this.statuses):
            yield Topics(f"ls-{number}").status, status
        self.connection = this.after

    @property
    def rounds_left(self) -> int:
        return len(self._left)


def test_a_broker_that_is_lost_at_the_deadline_is_not_taken_for_silence(
    operated, monkeypatch
) -> None:
    deadline = operated.fleet.repository.rollouts.rollouts[0].deadline
    before, after = deadline - timedelta(minutes=1), deadline + timedelta(minutes=1)
    coming = [status_of(f"ls-{n}", "trial") for n in range(3)]
    done = [status_of(f"ls-{n}", "committed", "1.1.0") for n in range(3)]
    broker = ScriptedBroker(
        [
            Round(1, coming, 1, before),
            Round(1, [], 0, after),
            Round(0, [], 0, after),
            Round(0, [], 2, after),
            Round(2, done, 2, after),
        ],
        monkeypatch,
    )
    condition = read_condition("failed > 10 %")
    known, found = rollout_commands._watch(operated.fleet.repository, ROLLOUT, condition, broker)
    assert broker.rounds_left == 0
    assert (len(found.committed), found.failed) == (3, [])
    assert not condition.holds(found)
    assert not known.halted


def test_a_connection_that_was_lost_and_came_back_is_heard_out_first(operated, monkeypatch) -> None:
    after = operated.fleet.repository.rollouts.rollouts[0].deadline + timedelta(minutes=1)
    coming = [status_of(f"ls-{n}", "trial") for n in range(3)]
    done = [status_of(f"ls-{n}", "committed", "1.1.0") for n in range(3)]
    rounds = [Round(1, coming, 2, after), Round(2, done, 2, after)]
    broker = ScriptedBroker(rounds, monkeypatch)
    _, found = rollout_commands._watch(
        operated.fleet.repository, ROLLOUT, read_condition("failed > 10 %"), broker
    )
    assert len(found.committed) == 3


def test_an_ear_counts_its_connections(tmp_path) -> None:
    with embedded_broker(tmp_path) as port:
        with Broker("127.0.0.1", port).ear() as ear:
            assert ear.connection == 1
            ear._client.socket().shutdown(socket.SHUT_RDWR)
            until(lambda: ear.connection == 2, what="another connection")
        until(lambda: ear.connection == 0, what="the end")


def test_without_a_broker_it_says_so(operated, monkeypatch) -> None:
    monkeypatch.setattr(ear_module, "CONNECT_S", 0.3)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(DeployError, match="answers as a broker does"),
    ):
        call("status", "--port", silent.getsockname()[1])
    monkeypatch.undo()
    with pytest.raises(DeployError, match="no broker at 127"):
        call("status", "--port", 1)
    with pytest.raises(DeployError, match="can't be read"):
        call("status", "--username", "x", "--broker-password-file", Path("absent"))


def test_a_broker_that_is_lost_and_comes_back_is_told(operated, monkeypatch, capsys) -> None:
    now = operated.fleet.repository.rollouts.rollouts[0].starts_at
    rounds = [
        Round(1, [], 1, now), Round(1, [], 0, now), Round(0, [], 0, now), Round(0, [], 2, now),
        Round(2, [], 3, now),
    ]  # fmt: skip
    broker = ScriptedBroker(rounds, monkeypatch)
    monkeypatch.setattr(Broker, "ear", lambda _: broker)
    said = CliRunner().invoke(fleet, ["status", "--follow"]).stderr.splitlines()
    lost, back = "the broker is lost", "the broker is back"
    assert [line.partition(":")[0] for line in said] == [lost, back, lost, back]


def test_a_watch_says_what_it_watches_and_when_the_broker_is_lost_and_back(
    operated, monkeypatch, capsys
) -> None:
    deadline = operated.fleet.repository.rollouts.rollouts[0].deadline
    before, after = deadline - timedelta(minutes=1), deadline + timedelta(minutes=1)
    rounds = [
        Round(1, [], 1, before), Round(1, [], 0, before), Round(0, [], 2, before),
        Round(2, [], 2, after),
    ]  # fmt: skip
    condition = read_condition("failed > 10 %")
    broker = ScriptedBroker(rounds, monkeypatch)
    rollout_commands._watch(operated.fleet.repository, ROLLOUT, condition, broker)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == (
        f"watching rollout {ROLLOUT} until {deadline:%Y-%m-%d %H:%M} UTC: halted once failed > 10 %"
    )
    assert said[1].startswith(f"rollout {ROLLOUT}: of 0 devices")
    assert said[2:] == [
        "the broker is lost: devices are not heard until it is back",
        "the broker is back: devices are heard again",
    ]
