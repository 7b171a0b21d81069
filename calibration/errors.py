"""What can be wrong with a calibration."""

from __future__ import annotations

from soil.errors import LoamscanError


class CalibrationError(LoamscanError):
    """Root of this room's errors."""
