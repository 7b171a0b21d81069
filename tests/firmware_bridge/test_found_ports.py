"""Ports are listed without being opened, under a name that stays where there is one."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from firmware_bridge import found_ports as finding
from firmware_bridge.commands import scanner
from firmware_bridge.errors import PortAbsentError, ScannerError
from firmware_bridge.found_ports import FoundPort, found_ports, probed
from firmware_bridge.nirone.device import VirtualNirone


@pytest.fixture
def plugged(monkeypatch, tmp_path: Path):
    """A built-in port, and two adapters of which one has a name that stays."""

    def port(name: str, **usb) -> SimpleNamespace:
        (tmp_path / name).touch()
        nothing = {"vid": None, "pid": None, "serial_number": None, "product": None}
        told = {"device": str(tmp_path / name), "description": "n/a", **nothing, **usb}
        return SimpleNamespace(**told)

    ports = [
        port("ttyS0"),
        port("ttyUSB0", vid=0x0403, pid=0x6001, description="FT232R USB UART"),
        port("ttyACM0", vid=0x1209, pid=0xBEEF, serial_number="0042", product="Soily"),
    ]
    monkeypatch.setattr(finding.list_ports, "comports", lambda: ports)
    links = tmp_path / "loamscan"
    links.mkdir()
    (links / "0042").symlink_to(tmp_path / "ttyACM0")
    monkeypatch.setattr(finding, "LINKS", (links, tmp_path / "none"))
    return tmp_path


def test_usb_comes_first_and_a_name_that_stays_is_preferred(plugged: Path) -> None:
    assert found_ports() == [
        FoundPort(
            str(plugged / "loamscan" / "0042"),
            str(plugged / "ttyACM0"),
            "1209:beef",
            "0042",
            "Soily",
        ),
        FoundPort(
            str(plugged / "ttyUSB0"), str(plugged / "ttyUSB0"), "0403:6001", None, "FT232R USB UART"
        ),
        FoundPort(str(plugged / "ttyS0"), str(plugged / "ttyS0"), None, None, None),
    ]


def test_the_command_lists_and_opens_nothing(plugged: Path, monkeypatch) -> None:
    monkeypatch.setattr(finding, "open_scanner", None)
    result = CliRunner().invoke(scanner, ["list"])
    assert result.exit_code == 0, result.output
    first = result.stdout.splitlines()[0]
    assert first == f"{plugged / 'loamscan' / '0042'}  1209:beef  Soily  serial 0042"
    said = json.loads(CliRunner().invoke(scanner, ["list", "--json"]).stdout)
    assert [port["usb"] for port in said["ports"]] == ["1209:beef", "0403:6001", None]
    assert "scanner" not in said


def test_a_machine_without_ports_says_so(monkeypatch) -> None:
    monkeypatch.setattr(finding.list_ports, "comports", list)
    result = CliRunner().invoke(scanner, ["list"])
    assert result.exit_code == 0
    assert "no serial ports" in result.stderr


def test_a_port_is_asked_with_every_driver_where_that_is_wanted(plugged_in, spectra) -> None:
    virtual = plugged_in(trigger=False)
    url, instrument = probed(virtual.port)
    assert (url, instrument.serial) == (virtual.url, "VIRTUAL-1")
    said = json.loads(
        CliRunner().invoke(scanner, ["list", "--probe", virtual.port, "--json"]).stdout
    )
    assert said["scanner"] == {
        "url": virtual.url, "model": "NeoSpectra (virtual)", "serial": "VIRTUAL-1",
        "firmware": "virtual-1",
    }  # fmt: skip


def test_a_scanner_of_another_maker_is_found_too(spectra, monkeypatch) -> None:
    monkeypatch.setattr("firmware_bridge.wire.loamscan_scanner.RETRY_WAITS_S", (0.01, 0.02))
    with VirtualNirone(spectra, baud=None) as virtual:
        url, instrument = probed(virtual.port)
    assert url == virtual.url
    assert instrument.serial == "VIRTUAL-2"


def test_where_there_is_none_that_is_told_of_every_driver(monkeypatch, tmp_path: Path) -> None:
    def silent(url: str):
        raise ScannerError(f"{url} is silent")

    monkeypatch.setattr(finding, "open_scanner", silent)
    with pytest.raises(ScannerError, match=r"loamscan: .*; nirone: .*; nirscan-nano: ") as raised:
        probed("/dev/ttyUSB0")
    assert "no driver finds its scanner at /dev/ttyUSB0" in raised.value.what
    monkeypatch.undo()
    with pytest.raises(PortAbsentError):
        probed(str(tmp_path / "none"))
