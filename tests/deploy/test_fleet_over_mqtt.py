"""`loamscan fleet status` and `halt --when`, with a real broker between operator and devices."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from contract.identity import new_id
from contract.messages import Status
from contract.topics import Topics
from deploy.commands import fleet
from deploy.errors import DeployError
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


@pytest.fixture
def say(port) -> Callable[..., None]:
    """A device says how it stands."""
    mouth = Ear(port)

    def said(device: str, step: str | None = None, version: str = "1.0.0") -> None:
        update = {
            "step": step,
            "bundle": "reference-neospectra",
            "version": "1.1.0",
            "rollout": ROLLOUT,
        }
        message = Status.model_validate(
            {
                "schema": "loamscan.status/1", "status": "online", "device": {"id": device},
                "agent": "0.1.0", "bundle": "reference-neospectra", "bundle_version": version,
                "engine": "onnxruntime/fp32", "log_id": new_id(), "channel": "stable",
                "device_class": "", "scanner": {"model": "NeoSpectra", "serial": "21020058"},
                **({"update": update} if step else {}),
            }
        )  # fmt: skip
        mouth.publish(Topics(device).status, message.to_json(), retain=True)

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


def test_without_a_broker_it_says_so(operated) -> None:
    with pytest.raises(DeployError, match="no broker at 127"):
        call("status", "--port", 1)
    with pytest.raises(DeployError, match="can't be read"):
        call("status", "--username", "x", "--broker-password-file", Path("absent"))
