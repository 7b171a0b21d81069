"""Words that others chose, as a terminal may have them."""

from __future__ import annotations


def printable(text: str) -> str:
    """``text`` in one line, without what would steer the terminal or turn the reading order around."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
