"""A small file's worth of spectra, and a virtual scanner on a real pseudo-terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

from firmware_bridge.files.spectra_files import SpectraFile
from firmware_bridge.wire.virtual_scanner import VirtualScanner
from soil.axis import Axis


@pytest.fixture(scope="session")
def spectra() -> SpectraFile:
    random = np.random.default_rng(1)
    values = random.uniform(0.05, 0.9, size=(4, 33)).astype(np.float32)
    return SpectraFile(
        Axis("nm", np.linspace(2550, 1350, 33)), values, "reflectance", ["A", "B", "C", "D"]
    )


@pytest.fixture
def plugged_in(spectra: SpectraFile) -> Iterator[Callable[..., VirtualScanner]]:
    """Plugs in a virtual scanner without pacing or scan time; unplugged at the test's end."""
    with ExitStack() as stack:

        def plug_in(**options: Any) -> VirtualScanner:
            quick = {"baud": None, "scan_time_ms": 0, "resend_s": 0.1}
            return stack.enter_context(VirtualScanner(spectra, **{**quick, **options}))

        yield plug_in
