"""A fleet with a device that runs version 1.1.0, prepared once and copied for each test."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import repeat
from pathlib import Path

import pytest

from contract.bundle import open_bundle
from contract.reasons import Reason
from edge import clock
from edge.errors import UpdateError
from edge.proof import prove
from edge.updates import sources, steps
from edge.updates.sources import Folder, Source, Web
from edge.updates.state import UpdateState
from fleet_devices import Device, Faults, Operated, bundle, web_server
from fleets import NOW, Fleet
from update_page import ROWS, Row, state_name

OLD, NEW = "1.1.0", "1.2.0"

ATTACKS = {
    *("test_hostile_servers", "test_keys", "test_clocks_and_replays", "test_sticks"),
    *("test_device_faults", "test_probation"),
}
"""Modules whose tests are rows of the page."""

CONFIG = """
[device]
id = "ls-0042"
[scanner]
url = "loamscan:///dev/null"
[log]
directory = "log"
[mqtt]
host = "127.0.0.1"
[updates]
directory = "updates"
root = "root.json"
trial_scans = 0
"""


@dataclass
class World:
    """The operator's repository, what is served of it, and a device that runs `OLD`.

    ``served`` is a copy that an attacker may change; `serve` makes it honest again.
    """

    operated: Operated
    device: Device
    served: Path
    url: str
    faults: Faults
    row: Row

    def serve(self, honest: Path | None = None) -> None:
        shutil.rmtree(self.served, ignore_errors=True)
        shutil.copytree(honest or self.operated.folder, self.served)

    def release(self, version: str = NEW, **rollout: object) -> str:
        self.operated.publish(bundle(version))
        rollout_id = self.operated.roll_out(version, **rollout).id
        self.serve()
        return rollout_id

    def apply(self, **options: bool) -> UpdateState:
        return self.device.apply(Web(self.url), **options)

    def refused(self, source: Source | None = None, saying: str | None = None) -> Reason:
        """The reason that an update is refused for; it was reported, and the old bundle answers."""
        with pytest.raises(UpdateError, match=saying) as refused:
            self.device.apply(source or Web(self.url))
        assert_well(self.device, OLD)
        reported = [event.reason for event in self.device.state.events]
        assert refused.value.reason in reported
        assert refused.value.remedy
        self.tell(f"`{refused.value.reason.value}`")
        return refused.value.reason

    def tell(self, outcome: str, device: Device | None = None) -> None:
        """Have in the page what became of the device, as it is now."""
        state = (device or self.device).state
        self.row.outcome, self.row.state = outcome, state_name(state)
        self.row.runs = state.release.version if state.release else ""

    def updates_later(self) -> None:
        """Once what is served is honest again, the device takes it."""
        self.faults.__dict__.update(Faults().__dict__)
        self.serve()
        self.apply()
        assert_well(self.device, NEW)
        self.row.later = "takes it"

    def kills(self, when: str, states: Counter[str]) -> None:
        """Have the counts of a test that kills in the page."""
        counts = ", ".join(f"{count} {state}" for state, count in states.most_common())
        self.row.kills = f"| {when} | {states.total()} | {counts} |"


def assert_well(device: Device, version: str) -> None:
    """A bundle answers, it is of this version, and the state is one that has a name."""
    store = device.updater().store
    state = store.read()
    opened = open_bundle(store.bundle(state.running, device.config.model.bundle))
    prove(opened)
    assert opened.manifest.version == version
    if state.candidate is not None:
        assert state.candidate.slot != state.running
        assert state.candidate.step in ("fetching", "proving", "trial")


def committed(state: UpdateState) -> UpdateState:
    return steps.lived(state, 1e9, 1.0, clock.now())


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Fleet]:
    folder = tmp_path_factory.mktemp("prepared")
    operated = Operated(Fleet(folder / "fleet"), folder)
    operated.publish(bundle(OLD))
    operated.roll_out(OLD)
    device = Device(folder / "device", operated.folder)
    device.scanned()
    with web_server(operated.folder) as url:
        state = device.apply(Web(url))
    assert state.probation is not None
    store = device.updater().store
    store.change(committed)
    store.change(lambda state: steps.told(state, range(state.events_made + 1)))
    return folder, operated.fleet


@pytest.fixture
def world(
    prepared: tuple[Path, Fleet], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[World]:
    folder, fleet = prepared
    for part in ("fleet", "device"):
        shutil.copytree(folder / part, tmp_path / part)
    copy = object.__new__(Fleet)
    copy.__dict__.update(fleet.__dict__, folder=tmp_path / "fleet")
    faults, row = Faults(), Row.of(request.node.name)
    with web_server(tmp_path / "served", faults) as url:
        world = World(
            Operated(copy, tmp_path), Device(tmp_path / "device", copy.folder),
            tmp_path / "served", url, faults, row,
        )  # fmt: skip
        world.serve()
        yield world
        if not row.kills and request.module.__name__.rpartition(".")[2] not in ATTACKS:
            return
        if not row.kills and not row.outcome:
            assert_well(world.device, NEW)
            world.tell("updates all the same")
        ROWS.append(row)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Set the device's clock."""

    def set_to(moment: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)

    return set_to


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Links that bring little are given up at once, and waits are over."""
    monkeypatch.setattr(sources, "WINDOW_S", 0.3)
    monkeypatch.setattr("edge.updates.fetching.backoff_s", lambda: repeat(0.0))


def days(count: float) -> datetime:
    return NOW + timedelta(days=count)


def year(number: int) -> datetime:
    return datetime(number, 1, 1, tzinfo=timezone.utc)


__all__ = ["NEW", "OLD", "Folder", "World", "assert_well", "committed", "days", "year"]
