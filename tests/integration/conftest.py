"""A daemon as users run it: a process of its own, with a configuration file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from contract.bundle import Bundle
from firmware_bridge.files.spectra_files import SpectraFile
from parts import DaemonProcess


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[DaemonProcess]:
    process = DaemonProcess(
        tmp_path / "device",
        {
            "device": {"id": "ls-0001", "site": "test"},
            "scanner": {"url": "loamscan:///dev/absent"},
            "sample": {"replicates": 1},
            "log": {"directory": "log"},
            "mqtt": {"host": "127.0.0.1", "port": 1, "resend_after_s": 2.0},
        },
    )
    yield process
    if process.running:
        process.kill()


@pytest.fixture(scope="session")
def soils(reference_bundle: Bundle) -> SpectraFile:
    """The golden spectra, which the model knows."""
    values = reference_bundle.array(reference_bundle.manifest.golden.reflectance)
    labels = [f"golden-{i}" for i in range(len(values))]
    return SpectraFile(reference_bundle.axis, np.ascontiguousarray(values), "reflectance", labels)
