"""What can be wrong with something that came across a border."""

from __future__ import annotations

from typing import Final

from pydantic import ValidationError

from soil.errors import LoamscanError

FAULT_LENGTH_MAX: Final = 160
"""Whoever sent what is wrong must not fill a disk with what is said of it."""


class ContractError(LoamscanError):
    """Root of this room's errors."""


class RecordError(ContractError):
    """A message that is no record of ours."""


class BundleError(ContractError):
    """A file that is no bundle, or a bundle that must not be used."""


class BundleDamagedError(BundleError):
    """A bundle whose bytes are not those that were packed."""


class BundleUnsupportedError(BundleError):
    """A sound bundle that this agent can't run: too new, or for another kind of device."""


def first_fault(error: ValidationError) -> str:
    """Where the first fault lies and what it is, in few words; not what was sent."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in fault["loc"])
    return f"{where}: {fault['msg']}"[:FAULT_LENGTH_MAX]
