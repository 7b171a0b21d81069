"""What the collector has and what it wants again, against plain sets of numbers."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.acknowledgement import (
    MISSING_RANGES_MAX,
    Acknowledgement,
    Receipts,
    read_acknowledgement,
    wanted_again,
)
from contract.errors import RecordError
from contract.records import Lost

LOG = "019aa3b0-0000-7abc-8def-0123456789ab"
settlements = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 8)), max_size=60)


def _gap_free(settled):
    committed = 0
    while committed + 1 in settled:
        committed += 1
    return committed


@given(settlements, st.integers(0, 30))
def test_receipts_are_a_set_of_numbers_in_whatever_order_they_come(ranges, begun_at):
    receipts, settled = Receipts(begun_at), set(range(1, begun_at + 1))
    for first, more in ranges:
        receipts.settle(first, first + more)
        settled |= set(range(first, first + more + 1))
        assert receipts.committed == _gap_free(settled)
        assert [seq for seq in range(1, 75) if seq in receipts] == sorted(settled)
        ack = receipts.acknowledgement(LOG)
        assert ack.committed == receipts.committed
        asked = {seq for low, high in ack.missing for seq in range(low, high + 1)}
        assert asked == set(range(1, max(settled) + 1)) - settled


@given(st.permutations(range(1, 40)))
def test_all_in_any_order_leaves_nothing_missing(order):
    receipts = Receipts()
    for seq in order:
        receipts.settle(seq)
    assert receipts.acknowledgement(LOG) == Acknowledgement(
        schema="loamscan.ack/1", log_id=LOG, committed=39
    )


@given(settlements)
def test_what_is_settled_twice_changes_nothing(ranges):
    once, twice = Receipts(), Receipts()
    for first, more in ranges:
        once.settle(first, first + more)
        for _ in range(2):
            twice.settle(first, first + more)
    assert once.acknowledgement(LOG) == twice.acknowledgement(LOG)


def test_an_endless_range_is_settled_and_asked_for_without_counting_it_out():
    receipts = Receipts()
    receipts.settle(10**15)
    assert receipts.acknowledgement(LOG).missing == [(1, 10**15 - 1)]
    receipts.settle(1, 10**15 - 1)
    assert receipts.committed == 10**15


def test_only_the_first_64_gaps_are_named_and_the_rest_follow():
    receipts = Receipts()
    for seq in range(2, 302, 2):
        receipts.settle(seq)
    ack = receipts.acknowledgement(LOG)
    assert ack.missing == [(seq, seq) for seq in range(1, 129, 2)]
    assert len(ack.missing) == MISSING_RANGES_MAX
    for first, last in ack.missing:
        receipts.settle(first, last)
    assert receipts.committed == 128
    assert receipts.acknowledgement(LOG).missing[0] == (129, 129)


@settings(max_examples=40)
@given(st.integers(1, 300), st.integers(0), st.floats(0, 0.7))
def test_asking_again_until_nothing_is_missing_brings_every_record(newest, seed, loss):
    chance = random.Random(seed)
    receipts, sent = Receipts(), list(range(1, newest + 1))
    receipts.settle(newest)
    for _ in range(400):
        for seq in sent:
            if chance.random() >= loss:
                receipts.settle(seq)
        ack = read_acknowledgement(receipts.acknowledgement(LOG).to_json())
        sent = wanted_again(ack, newest)
        assert all(seq not in receipts for seq in sent)
        if not sent:
            break
    assert receipts.committed == newest


def test_an_acknowledgement_is_written_as_the_design_has_it(example):
    ack = read_acknowledgement(json.dumps(example("ack")).encode())
    assert (ack.committed, ack.missing) == (5231, [(5235, 5240)])
    assert json.loads(ack.to_json()) == example("ack")
    made = Acknowledgement(
        schema="loamscan.ack/1", log_id=LOG, committed=5231, missing=[(5235, 5240)]
    )
    assert json.loads(made.to_json()) == example("ack")


@given(settlements)
def test_what_receipts_say_is_always_a_valid_message(ranges):
    receipts = Receipts()
    for first, more in ranges:
        receipts.settle(first, first + more)
    ack = receipts.acknowledgement(LOG)
    assert read_acknowledgement(ack.to_json()) == ack


@pytest.mark.parametrize(
    ("missing", "why"),
    [
        ([[5, 6]], "above committed"),
        ([[1, 3]], "above committed"),
        ([[9, 8]], "ordered"),
        ([[10, 11], [7, 8]], "ordered"),
        ([[7, 9], [9, 11]], "apart"),
        ([[7, 12], [8, 9]], "apart"),
        ([[7, 7], [7, 7]], "apart"),
        ([[7]], "missing"),
        ([[7, 8, 9]], "missing"),
        ([[7, None]], "missing"),
        ([[7.5, 8]], "missing"),
        ([[n, n] for n in range(7, 7 + 2 * 65, 2)], "missing"),
        (None, "missing"),
    ],
)
def test_missing_ranges_that_make_no_sense_are_refused(example, missing, why):
    content = example("ack", committed=5, missing=missing)
    with pytest.raises(RecordError, match=why):
        read_acknowledgement(json.dumps(content).encode())


def test_64_missing_ranges_are_taken(example):
    ranges = [[n, n] for n in range(7, 7 + 2 * 64, 2)]
    content = example("ack", committed=5, missing=ranges)
    assert len(read_acknowledgement(json.dumps(content).encode()).missing) == 64


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("committed", -1),
        ("committed", None),
        ("log_id", "log 1"),
        ("schema", "loamscan.ack/2"),
        ("schema", "loamscan.reading/1"),
    ],
)
def test_a_field_that_breaks_its_rule_is_named(example, field, value):
    with pytest.raises(RecordError, match=f"not an acknowledgement: {field}"):
        read_acknowledgement(json.dumps(example("ack", **{field: value})).encode())


@pytest.mark.parametrize("payload", [b"", b"{}", b"[]", b"\xff", b"[" * 100_000])
def test_what_is_no_acknowledgement_is_refused(payload):
    with pytest.raises(RecordError, match="not an acknowledgement"):
        read_acknowledgement(payload)


def test_an_acknowledgement_keeps_what_a_later_version_adds(example):
    content = example("ack", pause_s=60)
    assert json.loads(read_acknowledgement(json.dumps(content).encode()).to_json()) == content


def test_an_acknowledgement_of_version_1_7_is_read(example):
    content = example("ack", schema="loamscan.ack/1.7")
    assert read_acknowledgement(json.dumps(content).encode()).committed == 5231


def test_what_is_wanted_again_is_named_in_order():
    ack = Acknowledgement(
        schema="loamscan.ack/1", log_id=LOG, committed=3, missing=[(5, 6), (9, 9)]
    )
    assert wanted_again(ack, newest=100) == [5, 6, 9]


@pytest.mark.parametrize(("newest", "wanted"), [(0, []), (1, []), (2, [2]), (5, [2, 3, 4, 5])])
def test_what_never_existed_is_not_wanted_however_long_the_range(newest, wanted):
    ack = Acknowledgement(
        schema="loamscan.ack/1", log_id=LOG, committed=1, missing=[(2, 10**15), (10**16, 10**300)]
    )
    assert wanted_again(ack, newest) == wanted


def test_a_lost_record_settles_the_range_it_names(example):
    receipts, lost = Receipts(), Lost.model_validate(example("lost"))
    present = [seq for seq in range(1, lost.seq + 1) if not lost.first <= seq <= lost.last]
    random.Random(10).shuffle(present)
    for seq in present:
        receipts.settle(seq)
    assert receipts.committed == lost.first - 1
    receipts.settle(lost.first, lost.last)
    assert receipts.committed == lost.seq
