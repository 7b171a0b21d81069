"""A bundle that does well in its trial and breaks at work: the predictor raises, hangs, or is no number."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from contract.bundle import Bundle
from contract.reasons import Reason
from edge import daemon, service
from edge.config import Config
from edge.errors import StuckError
from edge.log_file import open_log
from edge.predictor import Estimate, Predictor
from edge.proof import prove
from firmware_bridge.files.spectra_files import SpectraFile
from firmware_bridge.wire.virtual_scanner import VirtualScanner
from fleet_devices import reference
from parts import QUICK, until

from .conftest import NEW, OLD, World, assert_well


class Breaking:
    """A predictor that does its work until the third scan comes."""

    def __init__(self, inner: Predictor, way: str, released: threading.Event) -> None:
        self.engine = inner.engine
        self._inner, self._way, self._released = inner, way, released
        self._asked = 0

    def predict(self, reflectance: np.ndarray) -> Estimate:
        self._asked += 1
        estimate = self._inner.predict(reflectance)
        if self._asked < 3:
            return estimate
        if self._way == "raises":
            raise RuntimeError("the third scan is too much")
        if self._way == "hangs":
            self._released.wait(60.0)
        return Estimate(estimate.properties * np.nan, estimate.latent, estimate.preprocessed)


class Signals:
    """Stop signals that a test gives."""

    def __init__(self) -> None:
        self.stop = threading.Event()

    def wait(self, timeout_s: float) -> bool:
        return self.stop.wait(min(timeout_s, 0.05))


@pytest.fixture
def broken(world: World, monkeypatch: pytest.MonkeyPatch, request) -> Iterator[threading.Event]:
    """`NEW` is on probation and breaks at its third scan; the event lets go what hangs."""
    released = threading.Event()

    def proved(bundle: Bundle) -> Predictor | Breaking:
        predictor = prove(bundle)
        if bundle.manifest.version == OLD:
            return predictor
        return Breaking(predictor, request.param, released)

    world.release()
    world.apply()
    assert_well(world.device, NEW)
    monkeypatch.setattr(daemon, "prove", proved)
    yield released
    released.set()


@contextmanager
def scanning(world: World) -> Iterator[Config]:
    """The device's configuration, with a scanner on it that scans soils without end."""
    golden = reference()
    values = golden.array(golden.manifest.golden.reflectance)
    labels = [f"soil-{number}" for number in range(len(values))]
    soils = SpectraFile(golden.axis, np.ascontiguousarray(values), "reflectance", labels)
    link = world.device.folder / "scanner"
    with VirtualScanner(soils, link=link, **{**QUICK, "scan_time_ms": 50}):
        url = {
            "scanner": world.device.config.scanner.model_copy(update={"url": f"loamscan://{link}"})
        }
        yield world.device.config.model_copy(update=url)


def newest_version(config: Config) -> str:
    """The version behind the newest reading in the log, once nobody writes any more."""
    opened = open_log(config.log.directory)
    with opened.lock:
        newest = opened.log.newest
        (record,) = opened.log.records(newest, 1)
        opened.log.close()
    return str(json.loads(record.body)["model"]["version"])


@pytest.mark.parametrize("broken", ["raises", "is no number"], indirect=True)
def test_bundle_that_crashes_the_predictor__is_left_while_the_daemon_goes_on(
    world: World, broken: threading.Event, monkeypatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(service, "notify", told.append)
    signals = Signals()
    with scanning(world) as config:
        serving = threading.Thread(target=service.serve, args=(config, signals))
        serving.start()
        until(lambda: world.device.state.running == "a", what="the bundle before")
        time.sleep(1.0)
        signals.stop.set()
        serving.join(20.0)
    assert not serving.is_alive()
    # Between the bundles systemd would take it for the end, and end the process.
    assert told.index("STOPPING=1") == len(told) - 1
    assert newest_version(config) == OLD
    state = world.device.state
    assert state.refusal_of(state.slots["b"]) is not None
    assert [event.reason for event in state.events][-1] is Reason.UPDATE_FAILING
    assert "at sample" in state.events[-1].details["detail"]
    assert_well(world.device, OLD)
    world.tell(f"`{Reason.UPDATE_FAILING.value}`")


@pytest.mark.parametrize("broken", ["hangs"], indirect=True)
def test_bundle_that_hangs_the_predictor__ends_the_process_for_the_one_before(
    world: World, broken: threading.Event, monkeypatch
) -> None:
    monkeypatch.setattr("edge.daemon.HANGS_S", 0.5)
    monkeypatch.setattr(daemon, "_JOIN_S", 0.5)
    with scanning(world) as config, pytest.raises(StuckError, match="still being judged"):
        service.serve(config, Signals())
    state = world.device.state
    assert state.events[-1].reason is Reason.UPDATE_FAILING
    assert "has been judged for" in state.events[-1].details["detail"]
    assert state.starts == 0
    assert_well(world.device, OLD)
    world.tell(f"`{Reason.UPDATE_FAILING.value}`")
