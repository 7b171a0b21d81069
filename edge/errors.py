"""What can go wrong on the device."""

from __future__ import annotations

import os
from typing import ClassVar

from contract.reasons import Reason
from soil.errors import LoamscanError


class EdgeError(LoamscanError):
    """Root of this room's errors."""


class ConfigError(EdgeError):
    """A configuration that can't be meant."""


class EngineError(EdgeError):
    """A bundle's graphs that don't run here, or don't compute what they should."""


class OwnProcessError(EngineError):
    """Work in a process of its own that broke off, or took too long: perhaps the machine's fault."""


class LogError(EdgeError):
    """The record log can't be opened or written."""


class LogBusyError(LogError):
    """Another process owns the record log."""


class BrokerError(EdgeError):
    """The broker is not there, or does not want us."""


class DemoError(EdgeError):
    """The demonstration could not do what it shows."""


class StuckError(EdgeError):
    """A part of the daemon does not end."""


class NothingBeforeError(EdgeError):
    """A device that is to go back, and has no bundle to go back to."""


class UpdateError(EdgeError):
    """An update that can't be had now, or must never be; ``reason`` says why in one word."""

    exit_status: ClassVar[int] = os.EX_TEMPFAIL
    """Told to the operator already, and tried again: for a timer no failure."""

    def __init__(
        self, reason: Reason, what: str, remedy: str = "", *, perhaps_machine: bool = False
    ) -> None:
        """``perhaps_machine`` says that another try may go well."""
        super().__init__(what, remedy or reason.hint)
        self.reason = reason
        self.perhaps_machine = perhaps_machine
