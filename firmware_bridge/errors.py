"""What can go wrong between a scanner and this machine."""

from __future__ import annotations

from soil.errors import LoamscanError


class ScannerError(LoamscanError):
    """Root of this room's errors."""


class PortError(ScannerError):
    """The port can't be opened."""


class PortAbsentError(PortError):
    """There is no such port."""


class PortBusyError(PortError):
    """Another program holds the port."""


class PortDeniedError(PortError):
    """The port is not for this user to open."""


class RecordingError(ScannerError):
    """A recording of a wire that can't be read or made."""


class ScannerGoneError(ScannerError):
    """The port was open and is not any more: unplugged, or switched off."""


class ScannerSilentError(ScannerError):
    """The port is open and the scanner did not answer in time."""


class ProtocolError(ScannerError):
    """The other side speaks, and not as the protocol says."""


class ScannerFaultError(ScannerError):
    """The scanner answered that it can't: busy, lamp not warm, a hardware error."""


class SpectraFileError(ScannerError):
    """A file of spectra that can't be read as what it is said to be."""
