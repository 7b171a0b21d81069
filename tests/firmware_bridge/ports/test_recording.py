"""A session that was recorded is played back: the same scans, the same faults, without the scanner."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.commands import scan
from firmware_bridge.drivers import open_scanner
from firmware_bridge.emulated.line_faults import LineFaults
from firmware_bridge.errors import (
    PortError,
    RecordingError,
    ScannerGoneError,
)
from firmware_bridge.ports.recording import SCHEMA, Line, Recording, ReplayPort, read_recording

HEAD = json.dumps({"schema": SCHEMA, "url": "loamscan:///dev/ttyACM0", "port": "x", "baud": 115200})


def taken(scanner, count: int):
    found = []
    for received in scanner.scans(10):
        scanner.acknowledge(received)
        found.append((received.session, received.number, received.label, received.values.tobytes()))
        if len(found) == count:
            return found
    raise AssertionError


def test_scans_are_played_back_to_the_bit(plugged_in, tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    with open_scanner(plugged_in(limit=4).url, record=path) as scanner:
        recorded = taken(scanner, 4)
        instrument = scanner.instrument
    with open_scanner(f"replay:{path}") as scanner:
        assert scanner.instrument == instrument
        assert taken(scanner, 4) == recorded
        with pytest.raises(ScannerGoneError, match="the recording ends here"):
            scanner.receive(5)


def test_faults_of_the_line_are_played_back_too(plugged_in, tmp_path: Path) -> None:
    path = tmp_path / "noisy.jsonl"
    faults = LineFaults(damage=0.1, truncate=0.05, garbage=0.1, seed=3)
    virtual = plugged_in(limit=30, resend_s=0.02, faults=faults)
    with open_scanner(virtual.url, record=path) as scanner:
        recorded = taken(scanner, 30)
        damaged = scanner.counters.damaged
    assert damaged > 0
    with open_scanner(f"replay:{path}") as scanner:
        assert taken(scanner, 30) == recorded
        assert scanner.counters.damaged == damaged


def test_a_scanner_that_was_lost_is_lost_again(plugged_in, tmp_path: Path) -> None:
    path = tmp_path / "unplugged.jsonl"
    virtual = plugged_in(trigger=False)
    with open_scanner(virtual.url, record=path) as scanner:
        virtual.close()
        with pytest.raises(ScannerGoneError):
            scanner.receive(5)
    with open_scanner(f"replay:{path}") as scanner, pytest.raises(ScannerGoneError, match="lost"):
        scanner.receive(5)


def test_the_command_records_and_plays_back(plugged_in, tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    url = plugged_in(limit=2).url
    first = CliRunner().invoke(scan, ["--url", url, "-n", "2", "--record", str(path)])
    again = CliRunner().invoke(scan, ["--url", f"replay:{path}", "-n", "2"])
    assert first.exit_code == again.exit_code == 0, again.output
    assert again.output == first.output


def test_a_recording_is_never_written_over(plugged_in, tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    path.write_text("kept")
    virtual = plugged_in(trigger=False)
    with pytest.raises(RecordingError, match="exists already"):
        open_scanner(virtual.url, record=path)
    with open_scanner(virtual.url) as scanner:
        assert scanner.instrument.serial == "VIRTUAL-1"
    assert path.read_text() == "kept"
    with pytest.raises(RecordingError, match="no wire to record"):
        open_scanner(f"replay:{path}", record=tmp_path / "new")


def test_bytes_wait_for_as_many_writes_as_there_were() -> None:
    lines = [
        Line(0.0, "out", b"who"), Line(0.0, "in", b"me"), Line(0.0, "in", b"!"),
        Line(0.0, "out", b"scan"), Line(9.0, "in", b"data"),
    ]  # fmt: skip
    port = ReplayPort(Recording("loamscan:///x", 115200, lines), "x")
    assert port.read(0.01) == b""
    port.write(b"whoever")
    assert (port.read(1), port.read(1), port.read(0.01)) == (b"me", b"!", b"")
    port.write(b"whatever")
    assert port.read(1) == b"data"
    with pytest.raises(ScannerGoneError):
        port.read(1)


def test_the_time_in_between_is_waited_for_where_it_is_asked_for() -> None:
    lines = [Line(0.2, "in", b"late")]
    port = ReplayPort(Recording("loamscan:///x", 115200, lines), "x", paced=True)
    began_s = time.monotonic()
    assert port.read(0.05) == b""
    assert port.read(10) == b"late"
    assert time.monotonic() - began_s >= 0.2


def test_a_line_that_a_crash_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "cut.jsonl"
    whole = json.dumps({"s": 0.1, "way": "in", "hex": "00ff"})
    path.write_text(f"{HEAD}\n{whole}\n{whole[:-4]}")
    assert read_recording(path).lines == [Line(0.1, "in", b"\x00\xff")]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no part of a recording"),
        ("sample_id,1350,1400\n", "no part of a recording"),
        ("[1]\n", "no part of a recording"),
        ('{"schema": "loamscan.reading/1"}\n', "not a recording"),
        ('{"schema": "loamscan.wire/2"}\n', "not a recording"),
        (f'{{"schema": "{SCHEMA}", "url": 7}}\n', "of which scanner"),
        (HEAD + '\n{"s": 0, "way": "up", "hex": ""}\n', "line 2: no part"),
        (HEAD + '\n{"s": "NaN", "way": "in", "hex": ""}\n', "line 2: no part"),
        (HEAD + '\n{"s": 0, "way": "in", "hex": "0x"}\n', "line 2: no part"),
        (HEAD + "\n" + "[" * 100_000 + "\n", "line 2: no part"),
    ],
)
def test_what_is_no_recording_is_refused_with_its_line(tmp_path: Path, text, why) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text(text)
    with pytest.raises(RecordingError, match=why):
        open_scanner(f"replay:{path}")


def test_a_recording_of_a_recording_or_of_no_scanner_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text(HEAD.replace("loamscan:///dev/ttyACM0", "replay:/some.jsonl") + "\n")
    with pytest.raises(RecordingError, match="of no wire"):
        open_scanner(f"replay:{path}")
    path.write_text(HEAD.replace("loamscan:///", "spectro:///") + "\n")
    with pytest.raises(PortError, match="names no known scanner driver"):
        open_scanner(f"replay:{path}")
    with pytest.raises(PortError, match="unknown options"):
        open_scanner(f"replay:{path}?fast")
    with pytest.raises(RecordingError, match="can't be read"):
        open_scanner(f"replay:{tmp_path / 'none'}")


@given(st.binary(max_size=300))
def test_no_file_crashes_the_player(tmp_path_factory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("recordings") / "some.jsonl"
    path.write_bytes(HEAD.encode() + b"\n" + content)
    with suppress(RecordingError):
        assert isinstance(read_recording(path), Recording)
