"""What systemd is told while the daemon serves."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from contract.bundle import Bundle
from edge import daemon, service
from edge.config import parse_config
from edge.predictor import Estimate, Predictor
from edge.proof import prove
from firmware_bridge.files.spectra_files import SpectraFile
from firmware_bridge.wire.virtual_scanner import VirtualScanner
from parts import QUICK, until


class Hanging:
    """A predictor that does not answer until it is let go."""

    def __init__(self, inner: Predictor) -> None:
        self.engine = inner.engine
        self.asked, self.released = threading.Event(), threading.Event()
        self._inner = inner

    def predict(self, reflectance: np.ndarray) -> Estimate:
        self.asked.set()
        self.released.wait(60.0)
        return self._inner.predict(reflectance)


class Stops:
    """Stop signals that a test gives."""

    def __init__(self) -> None:
        self.stop = threading.Event()

    def wait(self, timeout_s: float) -> bool:
        return self.stop.wait(min(timeout_s, 0.05))


def test_systemd_hears_nothing_while_a_sample_hangs_and_ends_the_process(
    tmp_path: Path, soils: SpectraFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[float, str]] = []
    hanging: list[Hanging] = []

    def proved(bundle: Bundle) -> Hanging:
        hanging.append(Hanging(prove(bundle)))
        return hanging[0]

    def beats_after(begin_s: float) -> int:
        return sum("WATCHDOG=1" in word and at_s > begin_s for at_s, word in told)

    monkeypatch.setattr(service, "notify", lambda word: told.append((time.monotonic(), word)))
    monkeypatch.setattr(daemon, "prove", proved)
    monkeypatch.setattr(daemon, "HANGS_S", 0.5)
    signals = Stops()
    link = tmp_path / "scanner"
    config = parse_config(
        f"""
        [device]
        id = "ls-0001"
        [scanner]
        url = "loamscan://{link}"
        [sample]
        replicates = 1
        [log]
        directory = "log"
        [mqtt]
        host = "127.0.0.1"
        port = 9
        """,
        tmp_path,
    )
    with VirtualScanner(soils, limit=1, link=link, **QUICK):
        serving = threading.Thread(target=service.serve, args=(config, signals))
        serving.start()
        try:
            until(lambda: bool(hanging) and hanging[0].asked.is_set(), what="a sample")
            time.sleep(1.0)
            hung_s = time.monotonic()
            time.sleep(0.5)
            assert beats_after(hung_s) == 0 < beats_after(0.0)
            hanging[0].released.set()
            until(lambda: beats_after(hung_s) > 0, what="a word that all is well again")
        finally:
            signals.stop.set()
            serving.join(20.0)
    assert not serving.is_alive()
