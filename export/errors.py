"""What can be wrong with an export."""

from __future__ import annotations

from soil.errors import LoamscanError


class ExportError(LoamscanError):
    """Root of this room's errors."""


class GoldenMismatchError(ExportError):
    """An exported graph that does not give the golden outputs."""
