"""A driver of another package is found by its entry point, and what is none is refused by name."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from firmware_bridge import drivers
from firmware_bridge.drivers import SerialDriver, check_url, open_scanner
from firmware_bridge.errors import PortError, ProtocolError
from firmware_bridge.wire.loamscan_scanner import LoamscanScanner

OTHER = SerialDriver(LoamscanScanner, baud=9600)


def refusing(port):
    raise ProtocolError("not one of ours")


REFUSING = SerialDriver(refusing)


@pytest.fixture
def installed(monkeypatch):
    """Another package's drivers: one that serves, one that refuses, one that is none."""

    def found(group: str) -> list[EntryPoint]:
        assert group == drivers.ENTRY_POINTS
        return [
            EntryPoint("other", f"{__name__}:OTHER", group),
            EntryPoint("refusing", f"{__name__}:REFUSING", group),
            EntryPoint("odd", "pathlib:Path", group),
        ]

    monkeypatch.setattr(drivers, "entry_points", found)
    monkeypatch.setattr(
        EntryPoint, "load", lambda self: {"other": OTHER, "refusing": REFUSING}.get(self.name, 7)
    )


def test_a_driver_of_another_package_opens_its_scanner(installed, plugged_in) -> None:
    virtual = plugged_in(trigger=False)
    with open_scanner(f"other://{virtual.port}") as scanner:
        assert scanner.instrument.serial == "VIRTUAL-1"
    with pytest.raises(PortError, match="the driver odd is none"):
        open_scanner(f"odd://{virtual.port}")
    with pytest.raises(PortError) as raised:
        check_url("nobody:///dev/ttyUSB0")
    assert "odd://, other://, refusing://, folder:, replay:" in raised.value.remedy


def test_a_port_is_released_where_the_driver_refuses_the_scanner(installed, plugged_in) -> None:
    virtual = plugged_in(trigger=False)
    with pytest.raises(ProtocolError, match="not one of ours"):
        open_scanner(f"refusing://{virtual.port}")
    with open_scanner(virtual.url) as scanner:
        assert scanner.instrument.serial == "VIRTUAL-1"


@pytest.mark.parametrize(
    "url",
    ["loamscan:///dev/ttyUSB0?baud=x", "nirone://host", "loamscan:ttyUSB0", "nirone:///a?x=1"],
)
def test_what_can_be_no_port_is_told_before_anything_is_opened(url) -> None:
    with pytest.raises(PortError):
        check_url(url)
    check_url("loamscan:///dev/absent?baud=9600")


def test_a_replay_of_nothing_is_told() -> None:
    with pytest.raises(PortError, match="names no recording"):
        open_scanner("replay:")
