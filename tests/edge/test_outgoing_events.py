"""Events on their way: each until a broker has it, the newest where there are too many."""

from __future__ import annotations

from edge.outgoing_events import EVENTS_KEPT, OutgoingEvent, OutgoingEvents


def named(number: int) -> OutgoingEvent:
    return OutgoingEvent(str(number).encode())


def all_of(events: OutgoingEvents) -> list[int]:
    found = []
    while (event := events.next()) is not None:
        found.append(int(event.payload))
    return found


def test_the_newest_are_kept_in_order() -> None:
    events = OutgoingEvents()
    for number in range(EVENTS_KEPT + 3):
        events.keep(named(number))
    assert all_of(events) == list(range(3, EVENTS_KEPT + 3))


def test_one_that_was_not_taken_goes_again_first() -> None:
    events = OutgoingEvents()
    for number in range(3):
        events.keep(named(number))
    events.sent(7, events.next())
    events.disconnected()
    assert all_of(events) == [0, 1, 2]


def test_one_that_was_taken_is_told_of_once_and_does_not_go_again() -> None:
    events, told = OutgoingEvents(), []
    events.keep(OutgoingEvent(b"0", lambda: told.append(0)))
    events.sent(7, events.next())
    events.taken(6)
    assert told == []
    events.taken(7)
    events.taken(7)
    events.disconnected()
    assert told == [0]
    assert all_of(events) == []


def test_one_that_comes_back_takes_no_newer_one_s_room() -> None:
    events = OutgoingEvents()
    events.keep(named(0))
    events.sent(7, events.next())
    for number in range(1, EVENTS_KEPT + 1):
        events.keep(named(number))
    events.disconnected()
    assert all_of(events) == list(range(1, EVENTS_KEPT + 1))
