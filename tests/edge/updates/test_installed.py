"""What the daemon asks of updates at its start, and leaves to them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from contract.messages import Status
from contract.reasons import Reason
from edge.daemon import Daemon
from edge.errors import EngineError
from edge.updates.installed import Installed
from edge.updates.sources import Folder
from fleet_devices import Device
from parts import REPOSITORY

from .conftest import NEW, OLD, World


def runs(device: Device) -> str:
    """The version that a daemon which starts now would serve with."""
    daemon: Daemon = Installed(device.config).daemon()
    return daemon._bundle.manifest.version


@pytest.mark.parametrize("module", ["edge.service", "edge.updates.installed"])
def test_the_daemon_knows_nothing_of_the_framework(module) -> None:
    words = (
        f"import sys, {module}; print(*({{'tuf', 'urllib3', 'cryptography'}} & set(sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", words], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert found.stdout == "\n"


def test_a_daemon_starts_with_what_was_switched_to(world: World) -> None:
    assert runs(world.device) == OLD
    world.release()
    world.apply()
    assert runs(world.device) == NEW
    assert world.device.state.starts == 1


def test_starts_that_end_too_soon_lead_back(world: World) -> None:
    world.release()
    world.apply()
    assert [runs(world.device) for _ in range(4)] == [NEW, NEW, NEW, OLD]
    assert world.device.state.refusal_of(world.device.state.slots["b"]) is not None


def test_one_that_can_t_be_loaded_leads_back_at_once(world: World) -> None:
    world.release()
    world.apply()
    path = world.device.updater().store.slot("b") / "bundle.loam"
    path.unlink()
    assert runs(world.device) == OLD
    assert world.device.state.events[-1].reason is Reason.UPDATE_FAILING


def test_where_nothing_can_be_loaded_the_daemon_says_why(world: World, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise EngineError("nothing runs here")

    monkeypatch.setattr("edge.daemon.prove", broken)
    with pytest.raises(EngineError, match="nothing runs here"):
        runs(world.device)
    assert world.device.state.running == "factory"


def test_a_device_that_never_took_an_update_serves_what_is_configured(tmp_path, world) -> None:
    device = Device(tmp_path / "new", world.operated.folder)
    assert runs(device) == "1.0.0"
    device.apply(Folder(world.served))
    assert runs(device) == OLD


def test_a_disk_that_is_full_keeps_no_daemon_from_serving(world: World, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edge.updates.store.write_whole", full)
    assert runs(world.device) == OLD


def test_the_old_daemon_s_health_is_not_the_new_bundle_s(world: World) -> None:
    installed = Installed(world.device.config)
    installed.daemon()
    world.release()
    world.apply()
    assert installed._lived(world.device.state) == world.device.state
    later = Installed(world.device.config)
    later.daemon()
    after = later._lived(world.device.state)
    assert after.probation is not None
    assert after.probation.healthy_s > 0


@pytest.mark.parametrize(("busy_s", "starts"), [(0.0, 0), (59.9, 1)])
def test_a_minute_in_which_a_sample_hangs_is_no_healthy_one(
    world: World, monkeypatch, busy_s: float, starts: int
) -> None:
    monkeypatch.setattr(Daemon, "busy_s", busy_s)
    installed = Installed(world.device.config)
    with installed.daemon() as daemon:
        assert world.device.state.starts == 1
        installed._beat_at_s = 1e-9
        assert not installed.tend(daemon)
    assert world.device.state.starts == starts


def test_a_committed_bundle_is_not_left_for_one_scan(world: World) -> None:
    installed = Installed(world.device.config)
    installed.daemon()
    assert not installed._gives_way("a scan failed", probation_alone=True)
    assert world.device.state.release.version == OLD


def test_a_full_disk_keeps_no_device_on_a_bundle_that_is_broken(world: World, monkeypatch) -> None:
    world.release()
    world.apply()
    installed = Installed(world.device.config)
    path = world.device.updater().store.slot("b") / "bundle.loam"
    path.write_bytes(path.read_bytes()[:-1])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("edge.updates.store.write_whole", full)
        daemon = installed.daemon()
        assert daemon._bundle.manifest.version == OLD
        with daemon:
            assert not installed.tend(daemon)
        assert world.device.state.release.version == NEW
    with daemon:
        assert not installed.tend(daemon)
    assert world.device.state.release.version == OLD
    assert world.device.state.events[-1].reason is Reason.UPDATE_FAILING


def test_the_first_status_says_what_the_last_one_did(world: World) -> None:
    """The broker keeps it as the will: it is what is left of a device whose power fails."""
    world.release()
    world.apply()
    installed = Installed(world.device.config)
    with installed.daemon() as daemon:
        status = Status.model_validate_json(daemon._publisher._presence.says("offline").payload)
    assert status.update == world.device.state.standing
    assert status.update.step == "probation"
    assert (status.scanner.model, status.scanner.serial) == ("NeoSpectra", "21020058")
