"""What to do about a place that can't be written: a full one wants something else than any other."""

from __future__ import annotations

import errno


def what_to_do(error: OSError) -> str:
    """In words for whoever named the place."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "free space there"
    return "check that the place is there, and that you may write to it"
