"""What the publisher sends next, with a link and a log that only remember; brokers are in integration."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from contract.acknowledgement import Acknowledgement
from contract.messages import Status
from contract.records import Device
from edge.bodies import BODIES_KEPT
from edge.config import parse_config
from edge.publisher import Publisher
from edge.recorder import FETCH_RECORDS

LOG = "019aa3b0-0000-7abc-8def-0123456789ab"
CONFIGURATION = """
    [device]
    id = "ls-0001"
    [scanner]
    url = "none"
    [log]
    directory = "."
    [mqtt]
    host = "127.0.0.1"
    window = 20
    resend_after_s = 0.1
"""


class Log:
    """Records ``1`` to ``newest``, but for those that are lost."""

    def __init__(self, newest: int, lost: set[int]) -> None:
        self.newest, self.lost = newest, lost
        self.confirmed = 0

    def fetch(self, first: int) -> dict[int, bytes]:
        found = range(first, min(first + FETCH_RECORDS, self.newest + 1))
        return {seq: b"%d" % seq for seq in found if seq not in self.lost}

    def committed(self, seq: int) -> None:
        self.confirmed = seq

    def refused(self, seq: int, detail: str) -> None:
        self.lost.add(seq)


class Wire:
    """Takes what is published, in order."""

    maximum_packet_bytes: int | None = None

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def publish(self, message: Any) -> int:
        self.sent.append(message.payload)
        return len(self.sent)


def publisher(log: Log, confirmed: int = 0) -> Publisher:
    status = Status(
        schema="loamscan.status/1", status="offline", device=Device(id="ls-0001"), agent="0",
        bundle="b", bundle_version="1.0.0", engine="e", log_id=LOG,
    )  # fmt: skip
    made = Publisher(parse_config(CONFIGURATION, Path()).mqtt, status, confirmed, log.newest)
    made._ledger = log
    made._delivery.connected(20, 0.0)
    return made


def turns(subject: Publisher, wire: Wire) -> list[int]:
    """Send and have everything taken until nothing more is sent; the ``seq`` in their order."""
    sent: list[int] = []
    while True:
        before = len(wire.sent)
        subject._send(wire)
        if len(wire.sent) == before:
            return sent
        for mid in range(before + 1, len(wire.sent) + 1):
            sent.append(int(wire.sent[mid - 1]))
            subject._taken(mid, True)


def within(seconds: float, what: Any) -> Any:
    """The result of ``what``, or a failure where it does not come back."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(what()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert found, "it does not come back"
    return found[0]


@pytest.mark.parametrize("lost", [set(), {1}, {5, 6, 7}, set(range(60, 140)), {300}])
def test_all_that_is_not_lost_is_sent_once_and_in_order(lost: set[int]) -> None:
    log = Log(300, lost)
    sent = within(20, lambda: turns(publisher(log), Wire()))
    assert sent == [seq for seq in range(1, 301) if seq not in lost]


def test_gaps_that_ask_again_and_a_lost_record_do_not_stop_what_follows() -> None:
    log = Log(500, set())
    subject, wire = publisher(log), Wire()
    within(20, lambda: turns(subject, wire))
    log.lost.add(331)
    time.sleep(0.05)  # what was sent a moment ago is not sent again
    gaps = [(seq, seq) for seq in (5, 70, 135, 200, 331, 400)]
    subject._heard(
        "",
        Acknowledgement(schema="loamscan.ack/1", log_id=LOG, committed=4, missing=gaps).to_json(),
    )
    assert within(20, lambda: turns(subject, wire)) == [5, 70, 135, 200, 400]
    assert len(subject._bodies._bodies) <= BODIES_KEPT
    log.newest = 501
    subject._delivery.appended(501)
    assert 501 in within(20, lambda: turns(subject, wire))


def test_a_record_that_is_too_large_for_the_broker_is_given_up_and_the_next_one_goes() -> None:
    log = Log(3, set())
    log.fetch = lambda first: {  # type: ignore[method-assign]
        seq: b"%d" % seq + (b" " * 500 if seq == 2 else b"")
        for seq in range(first, 4)
        if seq not in log.lost
    }
    wire = Wire()
    wire.maximum_packet_bytes = 100
    subject = publisher(log)
    first = within(20, lambda: turns(subject, wire))
    assert first + within(20, lambda: turns(subject, wire)) == [1, 3]
    assert log.lost == {2}


def test_the_state_is_made_when_it_is_sent_behind_its_record_and_the_newest_alone() -> None:
    subject, wire = publisher(Log(0, set())), Wire()
    made: list[bytes] = []

    def state(text: bytes) -> bytes:
        made.append(text)
        return text

    for seq in (1, 2, 3):
        subject.appended(seq, b"record %d" % seq, lambda text=b"state %d" % seq: state(text))
    subject._mailbox.empty()
    assert made == []
    subject._send(wire)
    assert wire.sent == [b"record 1", b"record 2", b"record 3", b"state 3"]
    assert made == [b"state 3"]


def test_a_state_waits_for_the_answer_to_the_one_before_and_then_goes() -> None:
    subject, wire = publisher(Log(0, set())), Wire()
    for seq in (1, 2):
        subject.appended(seq, b"record %d" % seq, lambda text=b"state %d" % seq: text)
        subject._mailbox.empty()
        subject._send(wire)
    assert wire.sent == [b"record 1", b"state 1", b"record 2"]
    subject._taken(2, True)
    subject._send(wire)
    assert wire.sent[3:] == [b"state 2"]
