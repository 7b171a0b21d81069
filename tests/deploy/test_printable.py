"""What devices say of themselves is shown on a terminal, and steers it nowhere."""

from __future__ import annotations

import pytest

from deploy.fleet.printable import printable


@pytest.mark.parametrize(
    "steering",
    ["\x1b", "\x07", "\r", "\n", "\x7f", "\x9b", "\u202e", "\u2066", "\u200f", "\u2028", "\ufeff"],
)
def test_what_would_steer_a_terminal_is_replaced(steering) -> None:
    assert printable(f"a{steering}[2Jb") == "a\ufffd[2Jb"


def test_words_stay_as_they_are() -> None:
    assert printable("Boden 1.0.0 (µg, 土, é)") == "Boden 1.0.0 (µg, 土, é)"
