"""The root of every error that loamscan raises on purpose."""

from __future__ import annotations

from typing import ClassVar


class LoamscanError(Exception):
    """Something a user can act on.

    A message says what happened and to what; ``remedy`` says what to do about it. The command line
    prints both and exits non-zero; everything that is not a ``LoamscanError`` is a bug.
    """

    exit_status: ClassVar[int] = 1

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}" if self.remedy else self.what


class SoilError(LoamscanError):
    """The ground floor's branch of the tree."""


class AxisError(SoilError):
    """An axis that is malformed, or that does not cover what is asked of it."""


class SpectrumError(SoilError):
    """Spectral values that can't be what they are said to be."""
