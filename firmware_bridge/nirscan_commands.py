"""What of the NIRscan Nano's commands is used here, as (group, command), after the vendor's guide."""

from __future__ import annotations

from typing import Final

Command = tuple[int, int]

VERSIONS: Final[Command] = (0x02, 0x16)
SCAN: Final[Command] = (0x02, 0x18)
SCAN_STATUS: Final[Command] = (0x02, 0x19)
SERIAL: Final[Command] = (0x02, 0x33)
SCAN_TIME: Final[Command] = (0x02, 0x37)
INTERPRET: Final[Command] = (0x02, 0x39)
INTERPRET_STATUS: Final[Command] = (0x02, 0x3A)
FILE_SIZE: Final[Command] = (0x00, 0x2D)
FILE_DATA: Final[Command] = (0x00, 0x2E)
TEMPERATURE: Final[Command] = (0x03, 0x00)

INTERPRETED: Final = 8
DONE: Final = 1
FILE_BYTES_MAX: Final = 64 * 1024
"""Ours: a scan of the largest size is under 12 kB."""
