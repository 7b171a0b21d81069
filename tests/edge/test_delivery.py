"""Whatever broker and network do, each record reaches the collector, and is confirmed once it has."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from contract.acknowledgement import Acknowledgement, Receipts
from contract.identity import new_id
from edge.delivery import Delivery

LOG = new_id()


def ack(committed: int, *missing: tuple[int, int]) -> Acknowledgement:
    return Acknowledgement(
        schema="loamscan.ack/1", log_id=LOG, committed=committed, missing=list(missing)
    )


def delivery(newest: int = 10, size: int = 4, confirm: str = "collector") -> Delivery:
    made = Delivery(confirm, size, 30.0, newest)  # type: ignore[arg-type]
    made.connected(size, 0.0)
    return made


def send_all(d: Delivery, now_s: float = 0.0) -> list[int]:
    sent = []
    while (seq := d.next_to_send()) is not None:
        d.sent(seq, now_s)
        sent.append(seq)
    return sent


def test_records_go_in_order_up_to_the_window() -> None:
    assert send_all(delivery()) == [1, 2, 3, 4]


def test_a_puback_moves_the_window_and_confirms_nothing() -> None:
    d = delivery()
    send_all(d)
    assert not d.taken_by_broker(2, 0.0)
    assert send_all(d) == [5]
    assert d.committed == 0


def test_a_puback_confirms_where_the_broker_is_the_end_in_order() -> None:
    d = delivery(confirm="broker")
    send_all(d)
    assert not d.taken_by_broker(2, 0.0)
    assert d.taken_by_broker(1, 0.0)
    assert d.committed == 2


def test_a_new_connection_sends_again_what_is_not_confirmed() -> None:
    d = delivery(size=100)
    send_all(d)
    d.acknowledged(ack(6), 1.0)
    d.connected(100, 2.0)
    assert send_all(d) == [7, 8, 9, 10]


def test_missing_ranges_go_again_and_what_came_does_not() -> None:
    d = delivery(size=100)
    for seq in send_all(d):
        d.taken_by_broker(seq, 0.0)
    d.acknowledged(ack(2, (3, 4), (7, 7)), 10.0)
    assert send_all(d, 10.0) == [3, 4, 7]


def test_a_range_asked_for_twice_in_a_moment_goes_once() -> None:
    d = delivery(size=100)
    for seq in send_all(d):
        d.taken_by_broker(seq, 0.0)
    d.acknowledged(ack(2, (3, 4)), 10.0)
    for seq in send_all(d, 10.0):
        d.taken_by_broker(seq, 10.0)
    d.acknowledged(ack(2, (3, 4)), 10.1)
    assert send_all(d, 10.1) == []
    d.acknowledged(ack(2, (3, 4)), 20.0)
    assert send_all(d, 20.0) == [3, 4]


def test_an_acknowledgement_beyond_the_log_is_ignored() -> None:
    d = delivery(newest=3)
    send_all(d)
    assert not d.acknowledged(ack(4), 1.0)
    assert d.committed == 0


def test_an_older_acknowledgement_takes_nothing_back() -> None:
    d = delivery(size=100)
    send_all(d)
    assert d.acknowledged(ack(5), 1.0)
    assert not d.acknowledged(ack(3), 1.0)
    assert d.committed == 5


def taken(d: Delivery, now_s: float) -> list[int]:
    sent = send_all(d, now_s)
    for seq in sent:
        d.taken_by_broker(seq, now_s)
    return sent


def test_a_silent_collector_is_probed_with_one_record_ever_less_often() -> None:
    d = delivery(size=100)
    taken(d, 0.0)
    probes, now_s = [], 0.0
    while now_s < 3000:
        now_s += 1.0
        if d.stalled(now_s):
            probes.append(now_s)
            assert taken(d, now_s) == [1]
    assert probes[:4] == [30, 90, 210, 450]


def test_the_first_sign_of_life_after_a_silence_brings_all_that_is_not_confirmed() -> None:
    d = delivery(size=100)
    taken(d, 0.0)
    assert d.stalled(30.0)
    taken(d, 30.0)
    d.acknowledged(ack(1), 31.0)
    assert taken(d, 31.0) == list(range(2, 11))
    assert not d.stalled(60.0)
    assert d.stalled(61.5)


def test_a_puback_that_says_that_nobody_listens_confirms_nothing() -> None:
    d = delivery(newest=2, confirm="broker")
    for seq in send_all(d):
        assert not d.taken_by_broker(seq, 0.0, heard=False)
    assert d.committed == 0
    assert d.stalled(30.0)
    assert send_all(d, 30.0) == [1]
    assert d.taken_by_broker(1, 30.0)
    assert send_all(d, 30.0) == [2]


def test_a_queue_that_was_empty_for_long_is_not_stalled_at_its_first_record() -> None:
    d = delivery(newest=0, size=100)
    d.stalled(1000.0)
    d.appended(1)
    for seq in send_all(d, 1000.0):
        d.taken_by_broker(seq, 1000.0)
    assert not d.stalled(1000.5)


def test_a_record_declared_lost_is_passed_over() -> None:
    d = delivery(newest=3, size=100)
    d.sent(1, 0.0)
    d.skipped(2, 0.0)
    assert d.next_to_send() == 3


@settings(max_examples=150)
@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 12), st.floats(0, 0.6))
def test_everything_arrives_over_a_broker_that_loses_and_breaks(
    seed: int, count: int, window: int, loss: float
) -> None:
    chance = random.Random(seed)
    d, receipts = Delivery("collector", window, 30.0), Receipts()
    d.connected(window, 0.0)
    arrived: set[int] = set()
    now_s, written = 0.0, 0
    for _ in range(20_000):
        now_s += 1.0
        if written < count:
            written += 1
            d.appended(written)
        if chance.random() < 0.05:
            d.connected(window, now_s)
        d.stalled(now_s)
        for seq in send_all(d, now_s):
            if chance.random() >= loss:
                arrived.add(seq)
                receipts.settle(seq)
            if chance.random() < 0.9:
                d.taken_by_broker(seq, now_s)
        if chance.random() >= loss:
            d.acknowledged(receipts.acknowledgement(LOG), now_s)
        assert d.committed <= receipts.committed
        if d.committed == count:
            break
    assert d.committed == count
    assert arrived == set(range(1, count + 1))


def test_a_connection_that_goes_on_sends_nothing_again_and_a_probe_finds_what_was_missed() -> None:
    d = delivery(newest=3)
    for seq in send_all(d):
        d.taken_by_broker(seq, 0.0)
    d.connected(4, 1.0, goes_on=True)
    assert send_all(d, 1.0) == []
    d.appended(4)
    assert send_all(d, 2.0) == [4]
    d.taken_by_broker(4, 2.0)
    assert d.stalled(40.0)
    assert send_all(d, 40.0) == [1]
    d.connected(4, 41.0)
    assert send_all(d, 41.0) == [1, 2, 3, 4]
