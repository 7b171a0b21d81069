"""How long to wait before the next try of a link that is down."""

from __future__ import annotations

import random
from collections.abc import Iterator


def backoff_s(first_s: float = 0.5, cap_s: float = 60.0) -> Iterator[float]:
    """Doubling waits up to ``cap_s``, each spread over its upper half so that devices don't march."""
    wait_s = first_s
    while True:
        yield wait_s * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret
        wait_s = min(cap_s, wait_s * 2)
