"""What can go wrong while a fleet is operated."""

from __future__ import annotations

from soil.errors import LoamscanError


class DeployError(LoamscanError):
    """Root of this room's errors."""


class KeyFileError(DeployError):
    """A private key that can't be used: absent, damaged, or open to others."""


class RepositoryError(DeployError):
    """A fleet repository that can't be read or written, or a change that it must not take."""
