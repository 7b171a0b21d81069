"""A watched folder: each row of each new file is a scan, once."""

from __future__ import annotations

import os
import shutil
import threading
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
from vendor_exports import export, percent

from firmware_bridge.drivers import open_scanner
from firmware_bridge.errors import (
    PortAbsentError,
    PortBusyError,
    PortError,
    RecordingError,
    ScannerFaultError,
    ScannerGoneError,
    SpectraFileError,
)
from firmware_bridge.files import folder_scanner
from firmware_bridge.files.folder_scanner import TAKEN
from firmware_bridge.scan import Scan
from firmware_bridge.scanner import Scanner


@pytest.fixture(autouse=True)
def hasty(monkeypatch) -> None:
    monkeypatch.setattr(folder_scanner, "SETTLE_S", 0.0)
    monkeypatch.setattr(folder_scanner, "POLL_S", 0.01)


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "exports"
    made.mkdir()
    return made


def url(folder: Path) -> str:
    return f"folder:{folder}"


def aged(path: Path, s: int) -> Path:
    os.utime(path, (s, s))
    return path


def all_of(scanner: Scanner, acknowledge: bool = True) -> list[Scan]:
    found = []
    while scan := scanner.receive(0.0):
        found.append(scan)
        if acknowledge:
            scanner.acknowledge(scan)
    return found


def taken(folder: Path) -> list[str]:
    with open_scanner(url(folder)) as scanner:
        return [scan.label for scan in all_of(scanner)]


def test_each_row_is_a_scan_the_oldest_file_first(folder) -> None:
    aged(export(folder / "a.csv", percent(2, seed=1), ["later-1", "later-2"]), 2_000)
    aged(export(folder / "b.xlsx", percent(1, seed=3), ["earlier"]), 1_000)
    with open_scanner(url(folder)) as scanner:
        scans = all_of(scanner)
        assert scanner.instrument.serial == "21020058"
        assert scanner.counters.frames == 3
    assert [scan.label for scan in scans] == ["earlier", "later-1", "later-2"]
    assert {(scan.role, scan.kind) for scan in scans} == {("sample", "reflectance")}
    assert scans[0].measured_at == datetime(2026, 5, 4, 9, 12, 31, tzinfo=timezone.utc)
    assert np.array_equal(scans[0].values, (percent(1, seed=3)[0] / 100).astype(np.float32))


def test_what_was_acknowledged_is_taken_once_and_what_was_not_comes_again(folder) -> None:
    export(folder / "a.csv", percent(3), ["1", "2", "3"])
    with open_scanner(url(folder)) as scanner:
        first, second = scanner.receive(0), scanner.receive(0)
        scanner.acknowledge(first)
    with open_scanner(url(folder)) as scanner:
        again = all_of(scanner)
    assert [scan.label for scan in again] == ["2", "3"]
    assert (again[0].session, again[0].number) == (second.session, second.number)
    assert taken(folder) == []


def test_an_app_that_exports_all_it_has_each_time_brings_only_what_is_new(folder) -> None:
    values = percent(4)
    export(folder / "monday.csv", values[:2])
    assert taken(folder) == ["soil-0", "soil-1"]
    export(folder / "tuesday.xlsx", values[:3])
    assert taken(folder) == ["soil-2"]
    export(folder / "monday.csv", values)
    with open_scanner(url(folder)) as scanner:
        assert [scan.label for scan in all_of(scanner)] == ["soil-3"]
        assert scanner.counters.repeated == 3


def test_rows_of_a_file_that_are_alike_to_the_bit_are_as_many_scans(folder) -> None:
    export(folder / "a.csv", np.repeat(percent(1), 300, axis=0), ["same"] * 300)
    with open_scanner(url(folder)) as scanner:
        scans = all_of(scanner)
    assert len({(scan.session, scan.number) for scan in scans}) == 300


def test_a_file_is_not_read_before_it_has_settled(folder, monkeypatch) -> None:
    monkeypatch.setattr(folder_scanner, "SETTLE_S", 0.2)
    whole = export(folder / "whole", percent(2)).read_bytes()
    path = folder / "a.csv"
    path.write_bytes(whole[: len(whole) // 2])
    with open_scanner(url(folder)) as scanner:
        assert scanner.receive(0.1) is None
        path.write_bytes(whole)
        assert scanner.receive(0.1) is None
        assert scanner.receive(5.0).label == "soil-0"


def test_a_bad_file_is_refused_once_and_holds_nobody_up(folder) -> None:
    bad = folder / "bad.csv"
    bad.write_text("id,1100,1102\na,0.2,low\n")
    aged(bad, 1_000)
    export(folder / "good.csv", percent(1))
    with open_scanner(url(folder)) as scanner:
        why = r"bad\.csv .*columns are of no known format.*folder:DIR\?kind=reflectance\|reflectance-percent"
        assert all_of_until_refused(scanner, why) == []
        assert [scan.label for scan in all_of(scanner)] == ["soil-0"]
        assert scanner.receive(0) is None
        export(bad, percent(1, seed=5), ["now good"])
        assert [scan.label for scan in all_of(scanner)] == ["now good"]


def test_a_file_that_was_refused_is_read_when_the_folder_is_opened_as_was_said(folder) -> None:
    (folder / "a.csv").write_text("id,1100,1102\na,0.2,0.3\n")
    with open_scanner(url(folder)) as scanner:
        all_of_until_refused(scanner, r"kind=reflectance\|reflectance-percent")
    with open_scanner(f"{url(folder)}?kind=reflectance&unit=nm") as scanner:
        assert [scan.label for scan in all_of(scanner)] == ["a"]


def test_a_line_that_has_no_end_yet_may_be_cut_within_a_number(folder, monkeypatch) -> None:
    path = folder / "a.csv"
    path.write_text("id,1100,1102\na,0.2,0.25")
    declared = f"{url(folder)}?kind=reflectance&unit=nm"
    with open_scanner(declared) as scanner:
        assert scanner.receive(0.1) is None
        with path.open("a") as file:
            file.write("6142\n")
        assert scanner.receive(1.0).values[-1] == np.float32(0.256142)
    path.write_text("id,1100,1102\nb,0.2,0.25")
    monkeypatch.setattr(folder_scanner, "UNENDED_S", 0.0)
    with open_scanner(declared) as scanner:
        assert scanner.receive(0).label == "b"


def test_a_file_that_changes_while_it_is_read_is_read_again(folder, monkeypatch) -> None:
    path = export(folder / "a.csv", percent(1), ["before"])
    real, times = folder_scanner._stat_of, []

    def changed_meanwhile(descriptor: int) -> tuple[int, int]:
        times.append(1)
        if len(times) == 2:
            export(path, percent(2), ["after-1", "after-2"])
        return real(descriptor)

    monkeypatch.setattr(folder_scanner, "_stat_of", changed_meanwhile)
    with open_scanner(url(folder)) as scanner:
        scans = [scanner.receive(1.0) for _ in range(2)]
        assert [scan.label for scan in scans] == ["after-1", "after-2"]


def test_two_copies_of_a_file_are_one(folder) -> None:
    shutil.copy(export(folder / "a.csv", percent(2)), folder / "copy.csv")
    with open_scanner(url(folder)) as scanner:
        assert len(all_of(scanner, acknowledge=False)) == 2
        assert scanner.counters.repeated == 2
    assert taken(folder) == ["soil-0", "soil-1"]


def test_an_entry_that_leads_nowhere_holds_nobody_up(folder) -> None:
    (folder / "loop.csv").symlink_to("loop.csv")
    (folder / "gone.csv").symlink_to("nowhere")
    export(folder / "a.csv", percent(1))
    assert taken(folder) == ["soil-0"]


def test_a_name_that_is_no_text_is_told_in_text(folder) -> None:
    Path(os.fsdecode(bytes(folder) + b"/gr\xfcn.csv")).write_text("not,what\nit,says\n")
    with open_scanner(url(folder)) as scanner, pytest.raises(SpectraFileError) as raised:
        scanner.receive(0)
    raised.value.what.encode()


def test_labels_are_one_line(folder) -> None:
    export(folder / "a.csv", percent(1), ["F7\n  31 "])
    assert taken(folder) == ["F7 31"]


def test_what_a_cell_holds_is_told_in_short(folder) -> None:
    (folder / "a.csv").write_text("id,1100,1102\na,0.2," + "x" * 100_000 + "\n")
    declared, why = f"{url(folder)}?kind=reflectance&unit=nm", r"'x{60}…' is not a number"
    with open_scanner(declared) as scanner, pytest.raises(SpectraFileError, match=why) as raised:
        scanner.receive(0)
    assert len(raised.value.what) < 400


def test_notes_that_are_a_link_or_are_taken_away_are_not_written_to(folder, tmp_path) -> None:
    (folder / TAKEN).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PortError, match="can't be noted"):
        open_scanner(url(folder))
    (folder / TAKEN).unlink()
    with open_scanner(url(folder)) as scanner:
        (folder / TAKEN).unlink()
        with pytest.raises(ScannerGoneError, match="or what was taken of it"):
            scanner.receive(0)


def all_of_until_refused(scanner: Scanner, why: str) -> list[Scan]:
    found: list[Scan] = []

    def take_all() -> None:
        while scan := scanner.receive(0):
            scanner.acknowledge(scan)
            found.append(scan)

    with pytest.raises(SpectraFileError, match=why):
        take_all()
    return found


def test_a_file_that_may_not_be_read_yet_is_tried_again(folder, monkeypatch) -> None:
    path = export(folder / "a.csv", percent(1))
    real = Path.open

    def denied(self, *args, **kwargs):
        if self == path:
            raise PermissionError(13, "Permission denied")
        return real(self, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", denied)
        with open_scanner(url(folder)) as scanner:
            all_of_until_refused(scanner, "can't be read: Permission denied")
            assert scanner.receive(0) is None
    assert taken(folder) == ["soil-0"]


@pytest.mark.parametrize("name", [".a.csv", "~$a.xlsx", "a.csv.part", "a.txt", "a"])
def test_what_is_no_export_or_not_done_yet_is_passed_over(folder, name) -> None:
    shutil.copy(export(folder.parent / "a.csv", percent(1)), folder / name)
    (folder / "folder.csv").mkdir()
    assert taken(folder) == []


def test_other_files_are_read_as_the_url_declares_them(folder) -> None:
    (folder / "a.csv").write_text("id,1100,1102\nplot 7,20,30\n")
    with open_scanner(f"{url(folder)}?kind=reflectance-percent&unit=nm") as scanner:
        (scan,) = all_of(scanner)
    assert (scan.label, scan.measured_at) == ("plot 7", None)
    assert scan.values.tolist() == np.float32([0.2, 0.3]).tolist()
    assert scanner.instrument.serial == str(folder)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("x" * 65 + ",1,1", "row 1: the label .* longer than 64 bytes"),
        ("a\x1b[2J,1,1", "does not print"),
        ("a,-500,1", "row 1: .*numbers"),
    ],
)
def test_a_row_that_no_scan_can_be_made_of_is_refused(folder, row, why) -> None:
    (folder / "a.csv").write_text(f"id,1100,1102\n{row}\n")
    with open_scanner(f"{url(folder)}?kind=absorbance&unit=nm") as scanner:
        all_of_until_refused(scanner, why)


def test_a_folder_that_is_gone_is_told_and_one_in_its_place_is_another(folder) -> None:
    with open_scanner(url(folder)) as scanner:
        # A stick that is unplugged leaves the empty folder that it was mounted on.
        folder.rename(folder.parent / "unplugged")
        folder.mkdir()
        with pytest.raises(ScannerGoneError, match="is gone"):
            scanner.receive(1.0)
        folder.rmdir()
        with pytest.raises(ScannerGoneError):
            scanner.receive(1.0)
    scanner.close()
    with pytest.raises(PortAbsentError, match="no folder"):
        open_scanner(url(folder))


def test_a_new_file_is_seen_while_it_is_waited_for(folder, monkeypatch) -> None:
    monkeypatch.setattr(folder_scanner, "SETTLE_S", 0.2)
    with open_scanner(url(folder)) as scanner:
        threading.Timer(0.05, lambda: export(folder / "a.csv", percent(1))).start()
        assert scanner.receive(5.0).label == "soil-0"


def test_one_program_at_a_time_takes_from_a_folder(folder) -> None:
    with open_scanner(url(folder)), pytest.raises(PortBusyError, match="another program"):
        open_scanner(url(folder))


def test_a_folder_that_can_t_be_written_to_may_have_its_notes_elsewhere(folder, tmp_path) -> None:
    (folder / TAKEN).mkdir()
    export(folder / "a.csv", percent(1))
    with pytest.raises(PortError, match=r"can't be noted.*\?taken=FILE"):
        open_scanner(url(folder))
    elsewhere = f"{url(folder)}?taken={tmp_path / 'notes'}"
    for count in (1, 0):
        with open_scanner(elsewhere) as scanner:
            assert len(all_of(scanner)) == count


def test_notes_that_can_t_be_made_any_more_are_told(folder) -> None:
    export(folder / "a.csv", percent(1))
    with open_scanner(url(folder)) as scanner:
        scan = scanner.receive(0)
        scanner.close()
        with pytest.raises(ScannerFaultError, match="can't be noted"):
            scanner.acknowledge(scan)


@pytest.mark.parametrize(
    "spoilt", [b'{"scan": "00', b"\xff\xfe\n", b"[]\n", b'{"name": 1}\n', b"[" * 200_000 + b"\n"]
)
def test_notes_that_a_crash_cut_off_say_what_they_still_say(folder, spoilt) -> None:
    values = percent(2)
    export(folder / "a.csv", values[:1])
    assert taken(folder) == ["soil-0"]
    with (folder / TAKEN).open("ab") as file:
        file.write(spoilt)
    export(folder / "b.csv", values)
    assert taken(folder) == ["soil-1"]
    assert taken(folder) == []


def test_an_acknowledgement_of_what_it_did_not_give_is_none(folder) -> None:
    export(folder / "a.csv", percent(1))
    with open_scanner(url(folder)) as scanner:
        scan = scanner.receive(0)
        scanner.acknowledge(scan._replace(number=scan.number ^ 1))
    assert taken(folder) == ["soil-0"]


def test_it_can_t_be_asked_or_recorded(folder, tmp_path) -> None:
    with open_scanner(url(folder)) as scanner, pytest.raises(ScannerFaultError, match="asked"):
        scanner.measure()
    with pytest.raises(RecordingError, match="no wire"):
        open_scanner(url(folder), record=tmp_path / "recording")


@pytest.mark.parametrize("options", ["baud=9600", "kind=counts", "unit=um", "kind"])
def test_options_that_it_has_not_are_refused(folder, options) -> None:
    with pytest.raises(PortError, match="options that are not known"):
        open_scanner(f"{url(folder)}?{options}")


@pytest.mark.parametrize("wrong", ["folder:", "folder://host/dir"])
def test_a_url_without_a_folder_is_refused(wrong) -> None:
    with pytest.raises(PortError, match="names no folder"):
        open_scanner(wrong)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path) -> None:
    with pytest.raises(PortError, match="is no folder"):
        open_scanner(url(export(tmp_path / "a.csv", percent(1))))
