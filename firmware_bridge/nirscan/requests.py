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
HUMIDITY: Final[Command] = (0x03, 0x02)
BATTERY: Final[Command] = (0x03, 0x0A)
DEVICE_STATUS: Final[Command] = (0x04, 0x03)
ERROR_STATUS: Final[Command] = (0x04, 0x04)
RESET_ERRORS: Final[Command] = (0x04, 0x05)

NORMAL: Final = 0x01
SCANNING: Final = 0x02
INTERPRETING: Final = 0x40
"""Bits of the device's status."""

ERRORS: Final = (
    "scan", "ADC", "SD card", "EEPROM", "Bluetooth", "spectrum library", "hardware",
    "temperature sensor", "humidity sensor", "battery", "memory", "UART",
)  # fmt: skip
"""What has failed, by the bits of the error status from bit 0."""

INTERPRETED: Final = 8
DONE: Final = 1
FILE_BYTES_MAX: Final = 64 * 1024
"""Ours: a scan of the largest size is under 12 kB."""
