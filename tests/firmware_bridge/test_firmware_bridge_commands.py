"""The commands `simulate`, `scan` and `scanner`, as a user calls them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from firmware_bridge.commands import scan, scanner, simulate
from firmware_bridge.drivers import open_scanner
from firmware_bridge.errors import (
    PortAbsentError,
    ScannerFaultError,
    ScannerGoneError,
    ScannerSilentError,
    SpectraFileError,
)
from firmware_bridge.files.spectra_files import SpectraWriter, read_spectra

ROOT = Path(__file__).parents[2]


@pytest.fixture
def spectra_csv(tmp_path, spectra):
    path = tmp_path / "spectra.csv"
    with SpectraWriter(path) as writer:
        for label, values in zip(spectra.labels, spectra.values, strict=True):
            writer.add(label, spectra.axis, values)
    return path


def _run(command, *arguments):
    return CliRunner().invoke(command, list(map(str, arguments)), catch_exceptions=False)


def test_scan_shows_the_instrument_each_scan_and_the_counters(plugged_in):
    result = _run(scan, "--url", plugged_in().url, "-n", 2)
    assert result.exit_code == 0
    first, *scans, last = result.stdout.splitlines()
    assert first.startswith("NeoSpectra (virtual), serial VIRTUAL-1")
    assert len(scans) == 2
    assert "A  sample  reflectance  mean" in scans[0]
    assert "31.5 °C  battery 87 %" in scans[0]
    assert last.endswith("0 damaged, 0 repeated")


def test_scan_keeps_the_spectra_to_the_bit(plugged_in, spectra, tmp_path):
    output = tmp_path / "taken.csv"
    virtual = plugged_in(limit=4)
    assert _run(scan, "--url", virtual.url, "-n", 4, "--output", output).exit_code == 0
    assert virtual.finished.wait(5)
    taken = read_spectra(output, kind="reflectance", unit="nm")
    assert (taken.axis, taken.labels) == (spectra.axis, spectra.labels)
    assert taken.values.tobytes() == spectra.values.tobytes()


def test_scan_asks_for_a_role_and_prints_one_json_object_a_scan(plugged_in):
    virtual = plugged_in(mode="counts", trigger=False)
    result = _run(scan, "--url", virtual.url, "-n", 2, "--role", "white", "--json")
    scans = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(s["number"], s["role"], s["kind"]) for s in scans] == [
        (1, "white", "counts"),
        (2, "white", "counts"),
    ]


def test_scan_leaves_errors_to_the_front_door(tmp_path):
    with pytest.raises(PortAbsentError):
        _run(scan, "--url", f"loamscan://{tmp_path}/none")


def test_simulate_needs_to_be_told_what_a_file_holds(spectra_csv):
    with pytest.raises(SpectraFileError, match="--kind"):
        _run(simulate, "--spectra", spectra_csv)


@pytest.fixture
def simulating(spectra_csv, tmp_path):
    """A `simulate` in a process of its own, with its port; arguments as on the command line."""
    running = []

    def start(*arguments):
        process = subprocess.Popen(
            [
                sys.executable, "-c", "from firmware_bridge.commands import simulate; simulate()",
                "--spectra", str(spectra_csv), "--kind", "reflectance", "--unit", "nm",
                "--link", str(tmp_path / "port"), "--scan-time-ms", "0", "--interval", "0",
                "--json", *arguments,
            ],
            stdout=subprocess.PIPE, text=True, cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        running.append(process)
        return process, json.loads(process.stdout.readline())["port"]

    yield start
    for process in running:
        process.kill()
        process.communicate()


def test_simulate_plays_a_scanner_and_ends_at_its_limit(simulating, spectra):
    process, port = simulating("--limit", "2", "--replicates", "2")
    with open_scanner(f"loamscan://{port}") as scanner:
        labels = []
        for _ in range(4):
            taken = scanner.receive(10)
            scanner.acknowledge(taken)
            labels.append(taken.label)
        assert process.wait(10) == 0
    assert labels == ["A", "A", "B", "B"]


def test_simulate_ends_cleanly_at_ctrl_c_and_takes_its_link_along(simulating):
    process, port = simulating()
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    assert not Path(port).is_symlink()


def test_simulate_has_the_faults_that_it_is_told_to_have(simulating):
    process, port = simulating("--fault", "damage=0.3", "--fault", "stall=0.2", "--fault",
                               "stall_s=0.01", "--limit", "20", "--seed", "1")  # fmt: skip
    with open_scanner(f"loamscan://{port}") as opened:
        for _ in range(20):
            opened.acknowledge(next(opened.scans(10)))
        assert opened.counters.damaged > 0
    assert process.wait(10) == 0


def test_simulate_is_unplugged_in_mid_frame(simulating):
    process, port = simulating("--fault", "unplug_after=600")
    with open_scanner(f"loamscan://{port}") as opened, pytest.raises(ScannerGoneError):
        _ = [opened.receive(10) for _ in range(20)]
    assert process.wait(10) == 0
    assert not Path(port).is_symlink()


@pytest.mark.parametrize(
    ("refuse", "words"), [("busy", "busy"), ("warming up", "not warm"), ("error", "hardware error")]
)
def test_simulate_refuses_as_it_is_told_to(simulating, refuse, words):
    _, port = simulating("--refuse", refuse, "--on-demand")
    with pytest.raises(ScannerFaultError, match=words):
        _run(scan, "--url", f"loamscan://{port}", "--role", "sample", "-n", "1")


@pytest.mark.parametrize(
    "word", ["damage", "damage=much", "damage=-1", "damage=nan", "damage=5", "rain=1", "="]
)
def test_simulate_says_which_faults_there_are(spectra_csv, word):
    result = _run(simulate, "--spectra", spectra_csv, "--kind", "reflectance", "--unit", "nm",
                  "--fault", word)  # fmt: skip
    assert result.exit_code == 2
    assert "write NAME=NUMBER; shares of 0 to 1 are damage, drop" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    "options",
    [["--refuse", "busy"], ["--scanner", "nirscan-nano", "--refuse", "warming up"]],
)
def test_simulate_refuses_only_what_its_scanner_can_refuse(spectra_csv, options):
    result = _run(simulate, "--spectra", spectra_csv, "--kind", "reflectance", "--unit", "nm",
                  *options)  # fmt: skip
    assert result.exit_code == 2
    assert "--refuse" in result.stderr


def test_silence_is_answered_with_what_there_is_to_do(simulating, tmp_path):
    _, port = simulating("--on-demand")
    with pytest.raises(ScannerSilentError, match="ask for each scan with --role"):
        _run(scan, "--url", f"loamscan://{port}", "-n", "1", "--patience", "0")
    with pytest.raises(ScannerSilentError, match="export something new"):
        _run(scan, "--url", f"folder:{tmp_path}", "-n", "1", "--patience", "0")


def test_show_says_what_a_scanner_is_and_how(simulating):
    _, port = simulating("--on-demand", "--scanner", "nirscan-nano")
    url = f"nirscan-nano://{port}"
    said = json.loads(_run(scanner, "show", url, "--json").stdout)
    assert said["serial"] == "VIRTUAL3"
    assert said["capabilities"] == ["battery", "faults", "humidity", "measure", "temperature"]
    assert said["condition"]["battery_v"] == 3.95
    lines = _run(scanner, "show", url, "--forget-faults").stdout.splitlines()
    assert "battery_v      3.95" in lines
    assert not [line for line in lines if "None" in line]


def test_show_leaves_out_what_a_scanner_can_t_tell(simulating):
    _, port = simulating("--on-demand")
    url = f"loamscan://{port}"
    lines = _run(scanner, "show", url).stdout.splitlines()
    assert "can            battery, label, measure, temperature" in lines
    assert not [line for line in lines if line.startswith(("humidity", "faults"))]
    with pytest.raises(ScannerFaultError, match="keeps no faults"):
        _run(scanner, "show", url, "--forget-faults")
