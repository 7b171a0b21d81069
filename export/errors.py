"""What can be wrong with an export."""

from __future__ import annotations

from soil.errors import LoamscanError


class ExportError(LoamscanError):
    """Root of this room's errors."""


class GoldenMismatchError(ExportError):
    """An exported graph that does not give the golden outputs."""


class QuantisationError(ExportError):
    """A graph that can't be had in the bits that were asked for."""


class BudgetError(ExportError):
    """A precision that was asked for and loses more than it may."""


class UnsupportedOperatorError(ExportError):
    """A model that computes something that has no form in ONNX."""
