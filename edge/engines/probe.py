"""Whether TensorRT is here, asked of a process of its own: a broken installation can crash it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Final, NamedTuple

PROBE_TIMEOUT_S: Final = 60.0
"""A first import after an installation reads hundreds of megabytes. Ours."""

_QUESTION: Final = """
import json, tensorrt
runtime = tensorrt.Runtime(tensorrt.Logger(tensorrt.Logger.ERROR))
print(json.dumps({"version": tensorrt.__version__}))
"""


class Probed(NamedTuple):
    """The version of TensorRT, or why it is none."""

    version: str | None
    fault: str | None


def probe_tensorrt(question: str = _QUESTION, timeout_s: float = PROBE_TIMEOUT_S) -> Probed:
    """Ask a fresh Python whether TensorRT works; whatever happens there, this process goes on."""
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", question],
            capture_output=True, timeout=timeout_s, check=False, stdin=subprocess.DEVNULL,
            # Python looks for modules where it is started: not among a stranger's files.
            cwd="/",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Probed(None, f"TensorRT did not answer within {timeout_s:g} s")
    if done.returncode < 0:
        return Probed(None, f"TensorRT crashes when it is loaded (signal {-done.returncode})")
    if done.returncode:
        *_, last = ["gave no reason", *done.stderr.decode(errors="replace").strip().splitlines()]
        if last.startswith("ModuleNotFoundError: No module named 'tensorrt'"):
            return Probed(None, "TensorRT is not installed")
        return Probed(None, f"TensorRT does not load: {last}")
    try:
        version = json.loads(done.stdout.splitlines()[-1])["version"]
    except (ValueError, LookupError, TypeError):
        return Probed(None, "TensorRT gave no version")
    return Probed(str(version), None)
