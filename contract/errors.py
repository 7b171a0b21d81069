"""What can be wrong with something that came across a border."""

from __future__ import annotations

from soil.errors import LoamscanError


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
