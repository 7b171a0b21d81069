"""What is to be sent next always has room, however much was appended meanwhile."""

from __future__ import annotations

from edge.bodies import BODIES_KEPT, Bodies


def test_the_lowest_gets_in_where_later_ones_have_taken_all_room() -> None:
    bodies = Bodies()
    for seq in range(1000, 1000 + 2 * BODIES_KEPT):
        bodies.keep(seq, b"later")
    bodies.keep(5, b"next")
    assert bodies.take(5) == b"next"
    assert bodies.take(1000) == b"later"


def test_no_more_are_kept_than_there_is_room_for() -> None:
    bodies = Bodies()
    for seq in range(1, 3 * BODIES_KEPT):
        bodies.keep(seq, b"x")
    found = [seq for seq in range(1, 3 * BODIES_KEPT) if bodies.take(seq)]
    assert found == list(range(1, BODIES_KEPT + 1))


def test_what_is_confirmed_is_forgotten_and_not_kept_again() -> None:
    bodies = Bodies()
    for seq in (1, 2, 3):
        bodies.keep(seq, b"x")
    bodies.forget(2)
    bodies.keep(1, b"x")
    assert [bodies.take(seq) for seq in (1, 2, 3)] == [None, None, b"x"]
