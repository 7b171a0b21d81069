"""What every room's tests share: parts that a machine may lack, and brokers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from contract.bundle import Bundle, open_bundle
from edge.config import REFERENCE_BUNDLE
from edge.demo.broker import embedded_broker, free_port
from parts import REPOSITORY, Mosquitto, need

if TYPE_CHECKING:
    from training.checkpoint import Checkpoint
    from training.settings import Settings

# Machines are shared: how long an example takes says nothing about the code.
settings.register_profile("loamscan", deadline=None)
settings.load_profile("loamscan")

# What a script starts in the background ignores Ctrl-C, and so would every process that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """A file's tests stay on one worker, and so do all that share the export, which takes minutes."""
    from xdist.scheduler import LoadFileScheduling

    class ByFileOrExport(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            exports = "tests/export/"
            return exports if nodeid.startswith(exports) else super()._split_scope(nodeid)

    return ByFileOrExport(config, log)


def pytest_sessionfinish(exitstatus: int) -> None:
    """With LOAMSCAN_WRITE_DOCS=1 and no failure, the page of attacks on updates, if they were all made."""
    from update_page import ROWS, write_page

    complete = any(row.kills for row in ROWS) and any(row.with_daemon for row in ROWS)
    if os.environ.get("LOAMSCAN_WRITE_DOCS") == "1" and exitstatus == 0 and complete:
        write_page()


@pytest.fixture(scope="session")
def reference_bundle() -> Bundle:
    return open_bundle(REFERENCE_BUNDLE)


@pytest.fixture(scope="session")
def broker_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The embedded broker, shared: tests use device names of their own."""
    with embedded_broker(tmp_path_factory.mktemp("broker")) as port:
        yield port


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    need("mosquitto")
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    port = free_port()
    text = (REPOSITORY / "deploy" / "mosquitto.conf").read_text()
    assert "listener 1883 127.0.0.1" in text
    if os.geteuid() == 0:
        text += "\nuser root\n"
    text = text.replace("listener 1883", f"listener {port}").replace("/etc/mosquitto", str(folder))
    (folder / "mosquitto.conf").write_text(text)
    shutil.copy(REPOSITORY / "deploy" / "loamscan.acl", folder)
    (folder / "loamscan.acl").chmod(0o600)
    passwords = {name: f"secret of {name}" for name in ("ls-0001", "ls-0002", "collector")}
    (folder / "loamscan.passwords").touch(mode=0o600)
    for name, password in passwords.items():
        subprocess.run(
            [need("mosquitto_passwd"), "-b", "loamscan.passwords", name, password],
            cwd=folder,
            check=True,
        )
    broker = Mosquitto(folder, port, passwords)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def quick_settings() -> Settings:
    # Imported where it is wanted: the device's tests run where there is no torch.
    from training.settings import Settings

    return Settings(name="quick-one", seed=5, pairs=120).quick()


@pytest.fixture(scope="session")
def quick_checkpoint(quick_settings: Settings) -> Checkpoint:
    from training.train import train_synthetic

    return train_synthetic(quick_settings, lambda line: None)


@pytest.fixture(scope="session")
def quick_folder(quick_checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from training.checkpoint import save

    folder = tmp_path_factory.mktemp("checkpoint")
    save(quick_checkpoint, folder)
    return folder
