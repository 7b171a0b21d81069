"""What can go wrong while measuring."""

from __future__ import annotations

from soil.errors import LoamscanError


class BenchmarkError(LoamscanError):
    """A measurement that could not be taken, or a benchmark that does not exist."""
