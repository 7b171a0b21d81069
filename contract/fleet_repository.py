"""What a fleet's repository holds where: the names and words that operators and devices agree on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from contract.errors import ContractError, first_fault
from contract.records import Part, UtcTime
from contract.version import Version

ROLLOUTS_ROLE: Final = "rollouts"
ROLLOUTS_PATH: Final = "rollouts/rollouts.json"
BUNDLES: Final = "bundles/"
SUFFIX: Final = ".loam"

ISSUED_AT: Final = "loamscan_issued_at"
"""In the timestamp, when it was signed: a device's clock is never taken to be earlier."""

FLOORS: Final = "loamscan_floors"
"""In the list of bundles, of each bundle's name the lowest version that may still be rolled out."""


class BundleWord(Part):
    """What is signed beside a bundle's digest: who can use it.

    The framework's canonical JSON, which is what is signed, knows no fractions: numbers are written as
    strings there.
    """

    name: str
    version: Version
    minimum_agent: Version
    scanner_covers_nm: tuple[float, float]
    synthetic: bool

    def to_custom(self) -> dict[str, Any]:
        """As it is signed."""
        low, high = self.scanner_covers_nm
        return {**self.model_dump(), "scanner_covers_nm": [repr(low), repr(high)]}


class SignedWord(Part):
    """What a repository says beyond what the framework knows."""

    issued_at: UtcTime
    floors: dict[str, Version]


def bundle_path(name: str, version: str) -> str:
    """Where a bundle lies among the targets."""
    return f"{BUNDLES}{name}-{version}{SUFFIX}"


def read_bundle_word(custom: Mapping[str, Any] | None) -> BundleWord:
    """Parse what is signed beside a bundle; raises `ContractError`."""
    try:
        return BundleWord.model_validate(custom)
    except ValidationError as error:
        raise ContractError(f"no word on a bundle: {first_fault(error)}") from error


def read_signed_word(timestamp: Mapping[str, Any], targets: Mapping[str, Any]) -> SignedWord:
    """Parse the fields of the two that the framework does not know; raises `ContractError`."""
    try:
        return SignedWord(issued_at=timestamp[ISSUED_AT], floors=targets[FLOORS])
    except KeyError as error:
        raise ContractError(f"it has no {error}") from error
    except ValidationError as error:
        raise ContractError(first_fault(error)) from error
