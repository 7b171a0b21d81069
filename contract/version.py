"""Versions of bundles and agents: three numbers."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import StringConstraints

_NUMBER = "(0|[1-9][0-9]{0,8})"
_PATTERN = rf"^{_NUMBER}\.{_NUMBER}\.{_NUMBER}$"
Version = Annotated[str, StringConstraints(pattern=_PATTERN)]


def is_version(text: str) -> bool:
    """Whether ``text`` is three numbers."""
    return re.fullmatch(_PATTERN, text) is not None


def version_key(version: str) -> tuple[int, ...]:
    """What versions are compared by: major, minor, patch; a pre-release counts as its release."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
