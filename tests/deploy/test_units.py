"""The units as systemd reads them; `tests/integration/test_systemd.py` has one of them run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge.errors import UpdateError
from parts import REPOSITORY, need

UNITS = sorted(
    path for path in (REPOSITORY / "deploy").iterdir() if path.suffix in (".service", ".timer")
)
PROGRAM = "/opt/loamscan/bin/loamscan"


def analyze(*words: str) -> str:
    """What systemd-analyze says, which must be content."""
    done = subprocess.run(
        [need("systemd-analyze"), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def units(tmp_path: Path) -> list[str]:
    """The units, with a program that is there."""
    for path in UNITS:
        text = path.read_text()
        assert path.suffix == ".timer" or PROGRAM in text
        (tmp_path / path.name).write_text(text.replace(PROGRAM, sys.executable))
    return [str(tmp_path / path.name) for path in UNITS]


def test_systemd_finds_no_fault_in_them(units: list[str]) -> None:
    assert len(units) == 3
    assert analyze("verify", "--man=no", *units).strip() == ""


def test_a_word_that_systemd_does_not_know_would_be_found(units: list[str]) -> None:
    path = Path(units[0])
    path.write_text(path.read_text().replace("Nice=", "Nicer="))
    assert "Nicer" in analyze("verify", "--man=no", *units)


def test_what_stood_in_the_way_of_an_update_is_no_failure_of_its_unit() -> None:
    text = (REPOSITORY / "deploy" / "loamscan-update.service").read_text()
    (name,) = [line.partition("=")[2] for line in text.splitlines() if "SuccessExitStatus=" in line]
    assert analyze("exit-status", name).split()[-2] == str(UpdateError.exit_status)
