"""No library of ours tells its maker of a farm."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from parts import REPOSITORY

BUNDLE = """
from contract.bundle import open_bundle
from edge.config import REFERENCE_BUNDLE
bundle = open_bundle(REFERENCE_BUNDLE)
"""
PROVED = "from edge.proof import prove; prove(bundle)"
RUN = "from export.running import session; session(bundle.files['onnx/pipeline.fp32.onnx'])"


@pytest.mark.parametrize("use", [PROVED, RUN])
def test_onnx_runtime_keeps_no_identity_to_tell_of(tmp_path: Path, use: str) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run(
        [sys.executable, "-c", BUNDLE + use], cwd=REPOSITORY, env=environment, check=True
    )
    assert not list(tmp_path.iterdir())
