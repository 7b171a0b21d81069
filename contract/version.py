"""Versions of bundles and agents: three numbers."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import StringConstraints

_NUMBER = "(0|[1-9][0-9]{0,8})"
Version = Annotated[str, StringConstraints(pattern=rf"^{_NUMBER}\.{_NUMBER}\.{_NUMBER}$")]


def version_key(version: str) -> tuple[int, ...]:
    """What versions are compared by: major, minor, patch; a pre-release counts as its release."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
