"""Child processes that end with the measurement, however it ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from benchmarks.errors import BenchmarkError

_ROOT = Path(__file__).resolve().parent.parent
_END_S = 10.0


@contextmanager
def python_child(
    arguments: Sequence[str], stdout: int | IO[bytes] = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """Run this interpreter with ``arguments`` from the repository's root; SIGTERM at the end."""
    with child([sys.executable, *arguments], stdout) as process:
        yield process


@contextmanager
def child(
    command: Sequence[str], stdout: int | IO[bytes] = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``command``, out of reach of the terminal's Ctrl-C, which is ours to handle."""
    process = subprocess.Popen(
        list(command),
        cwd=_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def check_alive(process: subprocess.Popen[bytes], what: str) -> None:
    """Raise `BenchmarkError` if ``process``, called ``what``, has ended by itself."""
    if process.poll() is not None:
        raise BenchmarkError(
            f"{what} ended with status {process.returncode}", "run it by hand to see why"
        )
