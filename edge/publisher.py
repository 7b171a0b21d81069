"""The publisher's thread: keeps a connection, sends what the log holds, hears what is confirmed."""

from __future__ import annotations

import logging
import selectors
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from contract.acknowledgement import read_acknowledgement
from contract.errors import RecordError
from contract.messages import Event, Status
from contract.reasons import Reason
from contract.records import Device, ReasonGiven
from contract.topics import Topics
from edge import clock
from edge.asides import PACKET_OVERHEAD_BYTES, Asides
from edge.backoff import backoff_s
from edge.bodies import Bodies
from edge.config import MqttSection
from edge.culprit import Culprit
from edge.delivery import Delivery
from edge.errors import BrokerError
from edge.link import Link, Message
from edge.mailbox import Mailbox
from edge.outgoing_events import OutgoingEvent
from edge.presence import Presence

_LOG = logging.getLogger("loamscan.publisher")

_PACKET_TOO_LARGE = 0x95
"""The one PUBACK reason code (MQTT 5, 3.4.2.1) that speaks of this record and not of a policy."""

_ANSWER_S = 30.0
"""Longest wait for the broker's answer to anything, on a connection that seems to live."""

_WILL_S = 0.1
"""iotcore, seen: it takes a will away up to some 10 ms after it hung up, the next connection's too."""

_READ_WRITE = selectors.EVENT_READ | selectors.EVENT_WRITE
_LASTING_S = 60.0
"""A connection that lasted this long, or confirmed anything, ends the back-off."""


class Ledger(Protocol):
    """The owner of the log, as the publisher needs it; the recorder."""

    def fetch(self, first: int) -> dict[int, bytes]: ...  # noqa: D102
    def committed(self, seq: int) -> None: ...  # noqa: D102
    def refused(self, seq: int, detail: str) -> None: ...  # noqa: D102


class Publisher:
    """Publishes records in ``seq`` order, again until they are confirmed.

    `run` is the thread's body. The methods of `Outlet` may be called from any thread and never
    wait: what there is no room to keep is in the log.
    """

    def __init__(self, config: MqttSection, status: Status, confirmed: int, newest: int) -> None:
        """Start from what the log holds: records to ``newest``, confirmed to ``confirmed``."""
        self._config = config
        self._device: Device = status.device
        self._log_id = status.log_id
        self._topics = Topics(status.device.id)
        self._presence = Presence(status, self._topics)
        self._asides = Asides(self._topics)
        self._delivery = Delivery(
            config.confirm, config.window, config.resend_after_s, newest, confirmed
        )
        self._culprit = Culprit()
        self._mailbox = Mailbox()
        self._stopping = False
        self._bodies = Bodies()
        self._unheard = False
        self._goes_on = False
        self._records: dict[int, int] = {}
        self._ready = False
        self._proven = False
        self._sent_s = 0.0
        self._answered_s = 0.0
        self._said = ""
        self._ledger: Ledger

    def appended(self, seq: int, body: bytes, state: Callable[[], bytes] | None = None) -> None:
        """A record is in the log; ``state`` makes what a live reading leaves, for dashboards.

        Only the newest state is kept, and made when it is sent: the record itself goes out first. Told
        in one, since each telling wakes this thread.
        """

        def take() -> None:
            self._delivery.appended(seq)
            self._bodies.keep(seq, body)
            if state is not None:
                self._asides.keep_state(state)

        self._mailbox.post(take)

    def happened(
        self,
        reason: Reason,
        details: dict[str, str | int | float],
        at: datetime | None = None,
        on_taken: Callable[[], None] | None = None,
    ) -> None:
        """Report an event when there is a connection; the newest are kept until then.

        ``at`` is now if left out. ``on_taken`` is called, on the publisher's thread, when a broker has it.
        """
        event = Event(
            schema="loamscan.event/1",
            device=self._device,
            at=at or clock.now(),
            reason=ReasonGiven.of(reason),
            details=details,
        )
        kept = OutgoingEvent(event.to_json(), on_taken)
        self._mailbox.post(lambda: self._asides.keep_event(kept))

    def restate(self, **changes: Any) -> None:
        """Change what the device's retained status says, and what its will says if it dies.

        A will is handed over with the connection, so this takes another one.
        """
        self._mailbox.post(lambda: self._presence.change(**changes))

    def stop(self) -> None:
        """Let `run` say goodbye and return."""

        def take() -> None:
            self._stopping = True

        self._mailbox.post(take)

    def run(self, ledger: Ledger) -> None:
        """Keep a connection until `stop`; ``ledger`` owns the log."""
        self._ledger = ledger
        waits = backoff_s()
        while not self._stopping:
            try:
                link = Link(self._config, f"loamscan-{self._device.id}", self._presence.will())
                link.open(self._topics.ack)
                began_s, committed = _now(), self._delivery.committed
                if self._serve(link):
                    self._idle(_WILL_S)
                    continue
                if self._delivery.committed > committed or _now() - began_s > _LASTING_S:
                    waits = backoff_s()
            except BrokerError as error:
                self._say(str(error))
            if not self._stopping:
                self._idle(next(waits))

    def _serve(self, link: Link) -> bool:
        """One connection's life; whether it ended for another with a newer will."""
        self._ready = self._proven = False
        self._answered_s = _now()
        self._records.clear()
        self._asides.disconnected()
        link.on_ready = lambda: self._begin(link)
        link.on_taken = self._taken
        link.on_refused = lambda mid, code, why: self._refused(link, mid, code, why)
        link.on_message = self._heard
        with selectors.DefaultSelector() as selector:
            selector.register(self._mailbox, selectors.EVENT_READ)
            selector.register(link, selectors.EVENT_READ)
            tended_s, writing = _now(), False
            while link.ended is None and link.fileno() >= 0:
                if self._ready and not self._presence.will_is_old:
                    self._send(link)
                if self._stopping:
                    self._say_goodbye(link)
                    return False
                if self._ready and self._presence.will_is_old and not self._unanswered:
                    link.close()
                    self._goes_on = True
                    return True
                if link.fileno() < 0:
                    break
                if link.wants_to_write != writing:
                    writing = not writing
                    selector.modify(link, _READ_WRITE if writing else selectors.EVENT_READ)
                for key, events in selector.select(timeout=1.0):
                    if key.fileobj is self._mailbox:
                        self._mailbox.empty()
                        continue
                    if events & selectors.EVENT_READ:
                        link.read()
                    if events & selectors.EVENT_WRITE and link.ended is None:
                        link.write()
                if _now() - tended_s >= 1.0 and link.ended is None:
                    tended_s = _now()
                    link.tend()
                    self._check_answers(link)
        self._say(link.ended or "the connection is gone")
        link.close()
        self._suspect()
        return False

    def _begin(self, link: Link) -> None:
        if self._ready:
            return
        self._ready = True
        window = min(self._config.window, max(1, link.receive_maximum - 1))
        self._delivery.connected(window, _now(), goes_on=self._goes_on)
        self._goes_on = False
        self._asides.begin(link, self._presence.says("online"))
        self._said = ""
        _LOG.info(
            "connected to %s:%d, %d of %d records confirmed",
            self._config.host, self._config.port, self._delivery.committed, self._delivery.newest,
        )  # fmt: skip

    def _send(self, link: Link) -> None:
        if self._delivery.stalled(_now()):
            _LOG.info("no acknowledgement: sending record %d again", self._delivery.committed + 1)
        room = self._delivery.size - len(self._asides)
        while (seq := self._delivery.next_to_send()) is not None and room > len(self._records):
            if self._culprit.one_at_a_time and self._records:
                break
            body = self._bodies.take(seq) or self._fetch(seq)
            if body is None:
                self._pass_over(seq)
                continue
            limit = link.maximum_packet_bytes
            if (
                limit is not None
                and len(body) + len(self._topics.records) + PACKET_OVERHEAD_BYTES > limit
            ):
                self._give_up(seq, f"larger than the {limit} bytes that the broker takes")
                break
            self._records[link.publish(Message(self._topics.records, body))] = seq
            self._delivery.sent(seq, _now())
            self._sent_s = _now()
        self._asides.send(link)

    def _taken(self, mid: int, heard: bool) -> None:
        self._answered_s = _now()
        if self._asides.taken(mid):
            self._proven = True
        elif (seq := self._records.pop(mid, None)) is not None:
            self._culprit.cleared(seq)
            if self._delivery.taken_by_broker(seq, _now(), heard=heard):
                self._unheard = False
                self._confirmed()
            elif not heard and self._config.confirm == "broker" and not self._unheard:
                self._unheard = True
                _LOG.warning(
                    "nobody subscribes to %s: the records from %d on wait",
                    self._topics.records, seq,
                )  # fmt: skip

    @property
    def _unanswered(self) -> int:
        return len(self._records) + len(self._asides)

    def _check_answers(self, link: Link) -> None:
        """End a connection whose other side lives, by its pings, and answers nothing."""
        waiting = self._unanswered or not self._ready
        if waiting and _now() - max(self._answered_s, self._sent_s) > _ANSWER_S:
            link.ended = f"the broker has not answered for {_ANSWER_S:g} s"

    def _refused(self, link: Link, mid: int, code: int, why: str) -> None:
        seq = self._records.pop(mid, None)
        if seq is not None and code == _PACKET_TOO_LARGE:
            self._give_up(seq, why)
        what = f"record {seq}" if seq is not None else "a message"
        link.ended = (
            f"the broker refuses {what} ({why}); check that its access list lets "
            f"{self._device.id!r} publish under {self._topics.records}"
        )

    def _heard(self, _topic: str, payload: bytes) -> None:
        try:
            ack = read_acknowledgement(payload)
        except RecordError as error:
            _LOG.warning("ignored on %s: %s", self._topics.ack, error)
            return
        if ack.log_id != self._log_id:
            return
        if ack.committed > self._delivery.newest:
            _LOG.error(
                "the collector has %d records of this log, which has %d: its end was lost, or "
                "somebody else acknowledges",
                ack.committed, self._delivery.newest,
            )  # fmt: skip
            self.happened(Reason.LOG_ROLLED_BACK, {"collector": ack.committed})
        elif self._delivery.acknowledged(ack, _now()):
            self._confirmed()

    def _confirmed(self) -> None:
        committed = self._delivery.committed
        self._bodies.forget(committed)
        self._ledger.committed(committed)

    def _give_up(self, seq: int, why: str) -> None:
        """Have the ledger declare ``seq`` lost; the next fetch comes back without it."""
        _LOG.error("record %d is refused: %s", seq, why)
        self._ledger.refused(seq, why)

    def _pass_over(self, seq: int) -> None:
        if self._delivery.skipped(seq, _now()):
            self._confirmed()

    def _suspect(self) -> None:
        flying = self._delivery.in_flight
        convicted = self._culprit.dropped(
            self._proven, flying[0] if flying else None, len(flying) == 1, _now() - self._sent_s
        )
        if convicted is not None:
            self._give_up(convicted, "the broker hangs up on it again and again")

    def _fetch(self, first: int) -> bytes | None:
        """The body of ``first`` from the log, and those after it for later; None if it is lost."""
        bodies = self._ledger.fetch(first)
        body = bodies.pop(first, None)
        for seq, following in bodies.items():
            self._bodies.keep(seq, following)
        return body

    def _say(self, trouble: str) -> None:
        """Once, however often it is tried again: days without a network must not fill a journal."""
        if trouble != self._said:
            self._said = trouble
            _LOG.warning("%s", trouble)

    def _say_goodbye(self, link: Link) -> None:
        if self._ready:
            link.publish(self._presence.says("offline"))
        link.close()

    def _idle(self, wait_s: float) -> None:
        """Wait without a connection, still hearing what is appended, and `stop`."""
        until_s = _now() + wait_s
        while not self._stopping and (left_s := until_s - _now()) > 0:
            self._mailbox.wait(left_s)


def _now() -> float:
    return time.monotonic()
