"""The demonstration: the same numbers as `predict`, only messages under --json, a clean end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

DEMO = [sys.executable, "-m", "loamscan", "demo"]


@pytest.fixture
def per_cent_file(tmp_path: Path) -> Path:
    """Not soils, on a NeoSpectra grid, descending, in per cent: as its vendor's app exports."""
    nm = 1e7 / np.linspace(1e7 / 2550, 1e7 / 1350, 257)
    lines = ["sample_id," + ",".join(f"{v:.6f}" for v in nm)]
    for i in range(3):
        values = 40 + 10 * i + 8 * np.sin(nm / (90 + 20 * i))
        lines.append(f"field-{i}," + ",".join(f"{v:.5f}" for v in values))
    path = tmp_path / "export.csv"
    path.write_text("\n".join(lines))
    return path


def test_a_file_gives_the_same_numbers_over_the_wire_and_by_predict(per_cent_file: Path) -> None:
    demo = subprocess.run(
        [*DEMO, "--spectra", per_cent_file, "--scans", "3", "--include-rejected", "--json"],
        capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    assert demo.returncode == 0, demo.stderr
    readings = [json.loads(line) for line in demo.stdout.splitlines()]
    predict = subprocess.run(
        [*DEMO[:-1], "predict", per_cent_file, "--include-rejected", "--json"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    predictions = [json.loads(line) for line in predict.stdout.splitlines()]
    assert [r["sample"]["id"] for r in readings] == ["field-0", "field-1", "field-2"]
    assert [r["properties"] for r in readings] == [p["properties"] for p in predictions]
    assert [r["quality"] for r in readings] == [p["quality"] for p in predictions]
    assert all(r["properties"]["clay"]["value"] is not None for r in readings)
    assert all(r["model"]["synthetic"] for r in readings)


def test_rejected_readings_come_without_numbers_unless_asked(per_cent_file: Path) -> None:
    demo = subprocess.run(
        [*DEMO, "--spectra", per_cent_file, "--scans", "1", "--json"],
        capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    (reading,) = [json.loads(line) for line in demo.stdout.splitlines()]
    assert reading["quality"]["verdict"] == "reject"
    assert reading["quality"]["reasons"]
    assert all(p["value"] is p["raw"] is None for p in reading["properties"].values())


def test_scans_counts_readings_and_the_table_is_for_people() -> None:
    demo = subprocess.run([*DEMO, "--scans", "2"], capture_output=True, text=True, timeout=90)
    assert demo.returncode == 0, demo.stderr
    assert demo.stdout.count("90% interval") == 2
    assert "2 readings (2 ok), 2 of 2 records acknowledged." in demo.stdout
    assert max(len(line.rstrip()) for line in demo.stdout.splitlines()) <= 80


def test_it_does_not_matter_where_it_is_started(tmp_path: Path) -> None:
    for name in ("soil", "loamscan"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not ours')")
    program = Path(sys.executable).with_name("loamscan")
    demo = subprocess.run(
        [program, "demo", "--scans", "1", "--json"],
        capture_output=True, text=True, timeout=90, cwd=tmp_path,
    )  # fmt: skip
    assert demo.returncode == 0, demo.stderr


def test_ctrl_c_ends_it_cleanly_with_everything_acknowledged() -> None:
    with subprocess.Popen(
        DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        while "90% interval" not in demo.stdout.readline():
            assert demo.poll() is None
        os.killpg(demo.pid, signal.SIGINT)  # as a terminal does: broker included
        said, errors = demo.communicate(timeout=60)
    assert demo.returncode == 0, errors
    assert "records acknowledged." in said
    assert errors == ""


def test_ctrl_c_before_the_first_reading_is_no_failure() -> None:
    with subprocess.Popen(
        DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as demo:
        assert demo.stdout is not None
        assert "Ctrl-C ends" in demo.stdout.readline()
        os.killpg(demo.pid, signal.SIGINT)
        said, errors = demo.communicate(timeout=60)
    assert (demo.returncode, errors) == (0, "")
    assert "Stopped before the first reading." in said or "records acknowledged." in said


def test_a_reader_who_has_seen_enough_ends_it() -> None:
    with subprocess.Popen(
        [*DEMO, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        assert demo.stdout.readline().startswith("{")
        demo.stdout.close()
        assert demo.wait(30) == 1
        assert demo.stderr is not None
        assert "Error" not in (said := demo.stderr.read())
        assert "Traceback" not in said
