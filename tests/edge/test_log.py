"""The record log keeps what it took, in order, without a gap, whatever happens to the process."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from edge.errors import LogBusyError, LogError
from edge.log import axis_id
from edge.log_file import FILE_NAME, OpenedLog, log_progress, open_log
from soil.axis import Axis


def append(opened: OpenedLog, text: str, **options: object) -> int:
    seq = opened.log.newest + 1
    opened.log.append(seq, "reading", f"{text} {seq}".encode(), **options)  # type: ignore[arg-type]
    return seq


def append_scan(
    opened: OpenedLog, scanner_number: int, session: int = 1, serial: str = "S1"
) -> int:
    number = opened.log.scans + 1
    assert opened.log.append_scan(number, serial, session, scanner_number, b"scan %d" % number)
    return number


def test_seq_counts_from_one_without_a_gap_across_restarts(tmp_path: Path) -> None:
    seen = []
    for _ in range(3):
        opened = open_log(tmp_path)
        seen += [append(opened, "a"), append(opened, "b")]
        opened.close()
    assert seen == [1, 2, 3, 4, 5, 6]


def test_a_log_keeps_its_name_for_life(tmp_path: Path) -> None:
    first = open_log(tmp_path)
    name = first.log.log_id
    first.close()
    second = open_log(tmp_path)
    assert second.log.log_id == name
    second.close()


def test_bytes_come_back_as_they_were_written(tmp_path: Path) -> None:
    opened = open_log(tmp_path)
    for text in ("x", "y", "z"):
        append(opened, text)
    records = opened.log.records(2, 10)
    assert [(r.seq, r.body, r.sound) for r in records] == [(2, b"y 2", True), (3, b"z 3", True)]
    opened.close()


def test_a_gap_is_refused(tmp_path: Path) -> None:
    opened = open_log(tmp_path)
    append(opened, "x")
    for seq in (1, 3):
        with pytest.raises(ValueError, match=f"record {seq} does not follow record 1"):
            opened.log.append(seq, "reading", b"y")
    with pytest.raises(ValueError, match="scan 2 does not follow scan 0"):
        opened.log.append_scan(2, "S1", 1, 1, b"scan")
    assert append(opened, "y") == 2
    opened.close()


def test_a_scan_is_open_until_its_reading_is_written(tmp_path: Path) -> None:
    opened = open_log(tmp_path)
    first, second = append_scan(opened, 1), append_scan(opened, 2)
    append(opened, "reading", settles=[first])
    opened.close()
    opened = open_log(tmp_path)
    assert [scan.body for scan in opened.log.open_scans()] == [b"scan 2"]
    append(opened, "reading", settles=[second])
    assert opened.log.open_scans() == []
    opened.close()


def test_it_counts_how_often_a_bundle_took_up_a_scan_until_that_is_settled(tmp_path: Path) -> None:
    for times in (1, 2):
        opened = open_log(tmp_path)
        log = opened.log
        if times == 1:
            log.append_scan(1, "S1", 7, 1, b"one")
            log.append_scan(2, "S1", 7, 2, b"two")
        assert log.taken_up_again(1, "a") == times
        assert log.taken_up_again(2, "a") == times
        opened.close()
    opened = open_log(tmp_path)
    log = opened.log
    assert log.taken_up_again(1, "b") == 1
    log.forget_taken_up(1)
    assert log.taken_up_again(1, "a") == 1
    log.settle_scans([2])
    log.taken_up_again(1, "a")
    assert log._db.execute("SELECT DISTINCT number FROM taken_up").fetchall() == [(1,)]
    opened.close()


def test_a_scan_that_is_sent_again_is_not_written_again(tmp_path: Path) -> None:
    opened = open_log(tmp_path)
    append_scan(opened, 7)
    assert not opened.log.append_scan(2, "S1", 1, 7, b"again")
    assert [scan.body for scan in opened.log.open_scans()] == [b"scan 1"]
    append_scan(opened, 7, session=2)
    append_scan(opened, 7, serial="S2")
    assert opened.log.scans == 3
    opened.close()


def test_the_delivery_mark_only_rises_and_never_passes_the_newest(tmp_path: Path) -> None:
    opened = open_log(tmp_path)
    for text in "abc":
        append(opened, text)
    for mark, expected in ((2, 2), (1, 2), (99, 3)):
        opened.log.mark_committed(mark)
        assert opened.log.committed == expected
    opened.close()
    assert log_progress(tmp_path) == (3, 3)


def test_records_and_scans_are_written_in_full_sync_and_the_mark_in_normal(tmp_path: Path) -> None:
    opened = open_log(tmp_path)
    statements: list[str] = []
    opened.log._db.set_trace_callback(statements.append)
    append_scan(opened, 1)
    append(opened, "x")
    assert not any("synchronous" in s for s in statements)
    assert opened.log._db.execute("PRAGMA synchronous").fetchone()[0] == 2
    opened.log.mark_committed(1)
    pragmas = [s for s in statements if s.startswith("PRAGMA synchronous=")]
    assert pragmas == ["PRAGMA synchronous=NORMAL", "PRAGMA synchronous=FULL"]
    opened.close()


def test_a_lost_record_is_not_handed_out_again(tmp_path: Path) -> None:
    opened = open_log(tmp_path)
    append(opened, "x")
    append(opened, "lost", loses=1)
    assert [record.seq for record in opened.log.records(1, 10)] == [2]
    opened.close()


def test_one_process_owns_a_log(tmp_path: Path) -> None:
    opened = open_log(tmp_path)
    with pytest.raises(LogBusyError, match="another daemon"):
        open_log(tmp_path)
    opened.close()
    open_log(tmp_path).close()


def test_a_changed_byte_in_a_row_is_seen(tmp_path: Path) -> None:
    opened = open_log(tmp_path)
    append(opened, "x")
    append(opened, "y")
    opened.close()
    raw = sqlite3.connect(tmp_path / FILE_NAME)
    raw.execute("UPDATE record SET body=? WHERE seq=1", (b"z 1",))
    raw.commit()
    raw.close()
    opened = open_log(tmp_path)
    assert [record.sound for record in opened.log.records(1, 10)] == [False, True]
    opened.close()


@pytest.mark.parametrize("damage", [b"not a database at all", b""])
def test_a_damaged_file_is_set_aside_and_a_new_log_begun(tmp_path: Path, damage: bytes) -> None:
    opened = open_log(tmp_path)
    old = opened.log.log_id
    for _ in range(200):
        append(opened, "x" * 200)
    opened.close()
    path = tmp_path / FILE_NAME
    whole = path.read_bytes()
    path.write_bytes(
        (damage * 200)[:4096] + whole[4096:8192] if damage else whole[: len(whole) // 2]
    )
    opened = open_log(tmp_path)
    assert opened.set_aside is not None
    assert opened.set_aside.exists()
    assert opened.log.log_id != old
    assert append(opened, "first") == 1
    opened.close()


def test_a_full_disk_is_said_plainly_and_nothing_half_written_stays(tmp_path: Path) -> None:
    opened = open_log(tmp_path)
    append(opened, "x")
    pages = opened.log._db.execute("PRAGMA page_count").fetchone()[0]
    opened.log._db.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(LogError, match="can't be written"):
        append(opened, "y" * 100_000)
    opened.log._db.execute("PRAGMA max_page_count=1000000")
    assert append(opened, "z") == 2
    opened.close()


def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LogError, match="can't hold the record log"):
        open_log(tmp_path / "file" / "log")


def test_axes_come_back_to_the_bit(tmp_path: Path) -> None:
    opened = open_log(tmp_path)
    axis = Axis("cm-1", 1e7 / np.linspace(2550, 1350, 257))
    opened.log.keep_axis(axis)
    opened.log.keep_axis(axis)
    assert opened.log.axis(axis_id(axis)) == axis
    with pytest.raises(LogError, match="has no axis"):
        opened.log.axis("b" * 64)
    opened.close()


@pytest.mark.parametrize("damage", [b"\x01", b"\x7f"])
def test_a_changed_axis_is_seen(tmp_path: Path, damage: bytes) -> None:
    opened = open_log(tmp_path)
    axis = Axis("nm", np.linspace(2550, 1350, 257))
    opened.log.keep_axis(axis)
    bands = axis.values.astype("<f8").tobytes()
    changed = bands[:807] + damage + bands[808:]
    opened.log._db.execute("UPDATE axis SET bands=?", (changed,))
    with pytest.raises(LogError, match="is damaged"):
        opened.log.axis(axis_id(axis))
    opened.close()


def test_a_log_that_somebody_else_holds_is_not_taken_for_damaged(tmp_path: Path) -> None:
    opened = open_log(tmp_path)
    append(opened, "x")
    opened.close()
    holder = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(LogError, match="nothing in it is lost"):
        open_log(tmp_path)
    holder.execute("COMMIT")
    holder.close()
    opened = open_log(tmp_path)
    assert (opened.set_aside, opened.log.newest) == (None, 1)
    opened.close()


def test_a_log_that_can_not_be_opened_is_not_taken_for_damaged(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(LogError, match="can't be opened"):
        open_log(tmp_path)
    assert (tmp_path / FILE_NAME).is_dir()


def test_a_log_of_another_format_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    open_log(tmp_path).close()
    raw = sqlite3.connect(tmp_path / FILE_NAME)
    raw.execute("UPDATE log SET format=1")
    raw.commit()
    raw.close()
    with pytest.raises(LogError, match="has format 1, this agent writes 2"):
        open_log(tmp_path)
    assert not list(tmp_path.glob("records.damaged-*"))
