"""An updater that is killed anywhere: what runs is whole, and the next run goes on.

Hundreds of kills in `make test-long`, a few here.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from edge.updates.sources import Folder
from fleet_devices import Device
from parts import REPOSITORY, need
from update_page import state_name

from .conftest import CONFIG, NEW, OLD, World, assert_well


def check_whole(device: Device) -> str:
    """The bundle that is to run is there to the byte; the state's name."""
    store = device.updater().store
    state = store.read()
    content = store.bundle(state.running, device.config.model.bundle).read_bytes()
    assert state.release is not None
    assert hashlib.sha256(content).hexdigest() == state.release.sha256
    assert state.release.version == (NEW if state.probation else OLD)
    return state_name(state)


def apply_in_a_child(world: World) -> int:
    """The process of an updater that applies what is served, in a group of its own from the first."""
    child = os.fork()
    os.setpgid(child, child)
    if child == 0:
        try:
            world.device.apply(Folder(world.served))
        finally:
            os._exit(0)
    return child


def ended(child: int, within_s: float) -> bool:
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        if os.waitpid(child, os.WNOHANG)[0]:
            return True
        time.sleep(0.002)
    return False


def kills(world: World, count: int, seed: int) -> Counter[str]:
    """States that were found after each of ``count`` kills at random moments."""
    world.release()
    fresh = world.operated.work / "fresh"
    shutil.copytree(world.device.folder, fresh)
    began_s = time.monotonic()
    assert ended(apply_in_a_child(world), 60)
    whole_s = time.monotonic() - began_s
    assert check_whole(world.device) == "probation"
    chance, found = random.Random(seed), Counter[str]()
    while found.total() < count:
        if world.device.state.probation is not None or chance.random() < 0.6:
            shutil.rmtree(world.device.folder)
            shutil.copytree(fresh, world.device.folder)
        child = apply_in_a_child(world)
        # Looking and fetching take the first tenth or two, the bundle's two processes the rest.
        until_s = chance.uniform(0, whole_s * chance.choice([0.2, 0.9]))
        if not ended(child, until_s):
            # With all that it started, as a loss of power would.
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            found[check_whole(world.device)] += 1
    world.device.apply(Folder(world.served))
    assert_well(world.device, NEW)
    return found


def test_killed_at_random_moments_a_device_always_has_a_whole_bundle(world) -> None:
    found = kills(world, count=12, seed=1)
    assert set(found) <= {"idle", "fetching", "proving", "trial", "probation"}


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_killed_five_hundred_times(world) -> None:
    found = kills(world, count=500, seed=2)
    world.kills("at random moments", found)
    assert set(found) <= {"idle", "fetching", "proving", "trial", "probation"}
    assert len(found) >= 4


# --- under strace ---------------------------------------------------------------------------------


class Call(NamedTuple):
    """A system call on files, as strace tells it."""

    name: str
    paths: list[str]


@pytest.fixture
def command(world) -> list[str]:
    """`loamscan update apply` on the device, from a folder."""
    world.release()
    config = world.device.folder / "loamscan.toml"
    config.write_text(CONFIG)
    return [
        *(sys.executable, "-m", "loamscan", "update", "apply"),
        *("--config", str(config), "--from", str(world.served)),
    ]


CALLS = (
    "openat,write,pwrite64,ftruncate,fsync,fdatasync,"
    "rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat"
)


def traced(command: list[str], out: Path, *options: str) -> int:
    """Run under strace; the exit status."""
    return subprocess.run(
        [need("strace"), "-f", "-y", "-s", "0", "-o", str(out), *options, *command],
        cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=120,
    ).returncode  # fmt: skip


def calls(trace: Path) -> Iterator[Call]:
    for line in trace.read_text(errors="replace").splitlines():
        found = re.match(r"\d+\s+(\w+)\((.*)", line)
        if found and " = -1 " not in line:
            name, rest = found[1], found[2]
            quoted = re.findall(r'"([^"]*)"', rest)
            described = re.findall(r"<([^>]*)>", rest)
            yield Call(
                name, quoted if name.startswith(("rename", "unlink", "mkdir")) else described[:1]
            )


def test_a_name_is_given_to_what_is_on_disk_and_is_on_disk_before_the_next(
    world, command, tmp_path
) -> None:
    assert traced(command, tmp_path / "trace", "-e", f"trace={CALLS}") == 0
    assert_well(world.device, NEW)
    inside = str(world.device.folder)
    dirty: set[str] = set()
    unsynced: set[str] = set()
    made: list[str] = []
    renames = 0
    for call in calls(tmp_path / "trace"):
        path = call.paths[0] if call.paths else ""
        if not path.startswith(inside):
            continue
        if call.name in ("write", "pwrite64", "ftruncate"):
            dirty.add(path)
        elif call.name in ("fsync", "fdatasync"):
            dirty.discard(path)
            unsynced.discard(path)
        elif call.name.startswith("rename"):
            renames += 1
            assert path not in dirty, f"{path} was renamed before it was on disk"
            assert not unsynced, f"{unsynced} not on disk when {path} was renamed"
            unsynced.add(str(Path(call.paths[1]).parent))
        elif call.name.startswith("mkdir"):
            made.append(path)
            unsynced.add(str(Path(path).parent))
    assert not unsynced
    assert made
    # State four times, metadata of five roles, the bundle.
    assert renames >= 9


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_killed_at_every_call_that_changes_a_file(world, command, tmp_path) -> None:
    """Each rename, fsync and unlink of an update is its last, once."""
    fresh = tmp_path / "fresh"
    shutil.copytree(world.device.folder, fresh)
    found: Counter[str] = Counter()
    for kind in ("rename", "fsync", "unlink"):
        for number in range(1, 100):
            shutil.rmtree(world.device.folder)
            shutil.copytree(fresh, world.device.folder)
            inject = f"inject={kind}:signal=KILL:when={number}"
            status = traced(command, tmp_path / "trace", "-e", f"trace={kind}", "-e", inject)
            if status == 0:
                break
            found[check_whole(world.device)] += 1
    world.kills("at each rename, fsync and unlink, one after the other", found)
    assert found.total() > 30
    world.device.apply(Folder(world.served))
    assert_well(world.device, NEW)
