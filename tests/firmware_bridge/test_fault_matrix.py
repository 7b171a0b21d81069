"""Every fault of a line or a device ends in the right values or in a fault in words, for every driver.

Thousands of scans a cell in `make test-long`; hundreds here. With LOAMSCAN_WRITE_DOCS=1 the long form
writes docs/scanner-faults.md.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from direct_line import KINDS, Clock, DirectLine, soils
from firmware_bridge.emulated.line_faults import LineFaults, NoisyLine
from firmware_bridge.errors import (
    ProtocolError,
    ScannerError,
    ScannerFaultError,
    ScannerGoneError,
    ScannerSilentError,
)
from firmware_bridge.files.spectra_files import SpectraFile
from firmware_bridge.scanner import Scanner
from soil.axis import Axis

PAGE = Path(__file__).parents[2] / "docs" / "scanner-faults.md"

LINE = {
    "a byte's bits flipped": "damage",
    "a byte dropped": "drop",
    "a byte doubled": "double",
    "cut short": "truncate",
    "garbage before": "garbage",
    "the host not heard": "deafness",
    "the host misheard": "mishearing",
    "a second's stall in its midst": "stall",
}
OTHERS = (
    "garbage at start-up", "every reply too late", "no reply at all", "busy", "an error",
    "the lamp not warm", "unplugged in mid-frame",
)  # fmt: skip

SUFFERED = {
    "garbage at start-up": LineFaults(start_up=900, seed=3),
    "every reply too late": LineFaults(late_s=30.0),
    "no reply at all": LineFaults(deafness=1.0),
    "unplugged in mid-frame": LineFaults(unplug_after=30),
}

WORDS = {
    ProtocolError: "refused as wrong",
    ScannerFaultError: "the device's own fault",
    ScannerSilentError: "silent",
    ScannerGoneError: "gone",
}


@dataclass
class Bench:
    """A driver on a direct line to its device, opened while all is well."""

    kind: str
    clock: Clock
    line: DirectLine
    device: object
    scanner: Scanner
    known: set[bytes] = field(default_factory=set)

    def scan(self) -> bytes:
        try:
            self.scanner.measure()
        except ScannerFaultError:
            # It may have a scan to give that nobody waited for.
            pending = self.scanner.receive(1.0)
            if pending is not None:
                self.scanner.acknowledge(pending)
            raise
        scan = self.scanner.receive(30.0)
        if scan is None:
            raise ScannerSilentError("no scan came")
        self.scanner.acknowledge(scan)
        return scan.axis.values.tobytes() + scan.values.tobytes()

    def outcomes(self, count: int) -> Counter[str]:
        """What became of ``count`` scans; `wrong` is what must not be."""
        found: Counter[str] = Counter()
        for _ in range(count):
            try:
                found["right" if self.scan() in self.known else "wrong"] += 1
            except ScannerError as error:
                found[WORDS[type(error)]] += 1
        return found


@pytest.fixture
def bench(monkeypatch) -> Iterator:
    def opened(name: str, spectra: SpectraFile | None = None) -> Bench:
        kind, clock = KINDS[name], Clock()
        device = kind.device(spectra or soils(kind))
        for module in kind.modules:
            monkeypatch.setattr(module, "time", clock)
        line = DirectLine(device, clock)
        made = Bench(name, clock, line, device, kind.driver(line))
        # The white panel, where there is one, and four soils.
        made.known = {made.scan() for _ in range(6)}
        assert len(made.known) >= 4
        return made

    return opened


def faults_of(name: str, fault: str, seed: int) -> LineFaults:
    """One fault in a scan, about: of every so many parts, as many as a scan has."""
    return LineFaults(**{fault: min(0.5, 1.0 / KINDS[name].parts)}, seed=seed)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("fault", LINE.values(), ids=LINE)
def test_on_a_line_with_faults_values_are_right_or_there_are_none(bench, name, fault) -> None:
    made = bench(name)
    made.line.suffer(faults_of(name, fault, seed=1))
    found = made.outcomes(150)
    assert found["wrong"] == 0
    assert found["right"] > 75, found


@pytest.mark.parametrize("name", KINDS)
def test_after_the_noise_the_next_scan_is_right(bench, name) -> None:
    made = bench(name)
    made.line.suffer(LineFaults(*(0.2,) * 8, seed=2))
    assert made.outcomes(5)["wrong"] == 0
    made.line.suffer(LineFaults())
    made.outcomes(3)  # it may still have scans to give, and another under way
    assert made.outcomes(5) == {"right": 5}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("fault", OTHERS)
def test_every_other_fault_has_its_words(bench, name, fault) -> None:
    found = other(bench, name, fault, count=3)
    assert found is not None or (name, fault) == ("nirscan-nano", "the lamp not warm")
    if found is not None:
        assert found["wrong"] == 0
        assert set(found) - {"right"} or fault == "garbage at start-up"


def other(bench, name: str, fault: str, count: int) -> Counter[str] | None:
    """The outcomes of a fault that is not of the line's noise; None where a device has it not."""
    made = bench(name)
    state = {"busy": "busy", "an error": "error", "the lamp not warm": "warming up"}.get(fault)
    if state is None:
        made.line.suffer(SUFFERED[fault])
    elif state == "warming up" and name == "nirscan-nano":
        return None
    else:
        getattr(made.device, "device", made.device).state = state
    return made.outcomes(count)


def test_unplugged_at_any_byte_it_is_gone_and_never_wrong(bench) -> None:
    for name in KINDS:
        for size in (1, 2, 7, 40, 101):
            made = bench(name)
            made.line.suffer(LineFaults(unplug_after=size))
            found = made.outcomes(2)
            assert found["gone"] >= 1
            assert found["wrong"] == 0


def blind(bench, points: int, count: int) -> tuple[int, int]:
    """Scans of a NIRONE with ``points`` that came, and how many of them were wrong.

    Every second reading of a spectrum has the bits of one byte flipped, and nothing else has.
    """
    nm = 2000.0 + 5.0 * np.arange(points)
    values = np.float32([0.2, 0.3, 0.4, 0.5])[:, None] + np.float32(0.001) * np.arange(points)
    made = bench("nirone", SpectraFile(Axis("nm", nm), values, "reflectance", list("ABCD")))
    noise, hear = NoisyLine(LineFaults(damage=0.5, seed=11)), made.device.hear

    def heard(data: bytes, now_s: float) -> list[bytes]:
        parts = hear(data, now_s)
        if not data.startswith(b"Xm"):
            return parts
        return [part for sent in parts for _, part in noise.arrivals(sent, now_s)]

    made.device.hear = heard
    found = made.outcomes(count)
    return found["right"] + found["wrong"], found["wrong"]


def test_two_readings_that_agree_may_both_be_wrong_but_seldom_are(bench) -> None:
    came, wrong = blind(bench, points=91, count=500)
    assert came > 400
    assert wrong == 0


@pytest.mark.long
def test_in_ten_thousand_faulty_scans_of_each_driver_no_value_is_wrong(bench) -> None:
    table: dict[str, dict[str, str]] = {}
    totals: Counter[str] = Counter()
    for name in KINDS:
        for title, fault in LINE.items():
            made = bench(name)
            made.line.suffer(faults_of(name, fault, seed=7))
            found = made.outcomes(1250)
            totals += Counter({(name, outcome): n for outcome, n in found.items()})
            table.setdefault(title, {})[name] = words(found)
        for fault in OTHERS:
            found = other(bench, name, fault, count=20)
            table.setdefault(fault, {})[name] = "" if found is None else words(found)
    wrong = {name: totals[name, "wrong"] for name in KINDS}
    assert wrong == dict.fromkeys(KINDS, 0)
    if os.environ.get("LOAMSCAN_WRITE_DOCS") == "1":
        PAGE.write_text(page(table) + blindness(bench), encoding="utf-8")


def words(found: Counter[str]) -> str:
    return ", ".join(f"{count:,} {outcome}" for outcome, count in found.most_common())


def page(table: dict[str, dict[str, str]]) -> str:
    lines = [
        "# Scanners and faults",
        "",
        "Written by `LOAMSCAN_WRITE_DOCS=1 make test-long ARGS='-k faulty_scans'`: what became of scans of "
        "emulated devices with about one fault a scan (fixed seeds, 1,250 scans a cell; 20 in the lower "
        "rows). A scan is right where axis and values are those of the device, to the bit. None was wrong.",
        "",
        "| fault | " + " | ".join(KINDS) + " |",
        "|---|" + "---|" * len(KINDS),
    ]
    lines += [
        f"| {fault} | " + " | ".join(row.get(name, "") for name in KINDS) + " |"
        for fault, row in table.items()
    ]
    return "\n".join(lines) + "\n"


def blindness(bench) -> str:
    """What a protocol without a checksum leaves, measured where it is large enough to be."""
    lines = [
        "",
        "**What a NIRONE's driver can't see.** Its spectra bear no checksum: one is believed when two "
        "readings of it agree. With a byte's bits flipped in every second reading, and in nothing else, "
        "two readings agree on the same wrong spectrum the more often the fewer bytes there are to hit:",
        "",
        "| points | scans | wrong | share |",
        "|---|---|---|---|",
    ]
    for points in (2, 8, 30, 91):
        came, wrong = blind(bench, points, 20_000)
        share = f"{wrong / came:.1e}" if wrong else f"below {3 / came:.1e} (95 %)"
        lines.append(f"| {points} | {came:,} | {wrong} | {share} |")
    lines += [
        "",
        "The sensors' ranges take 50 to 90 points of 5 nm. The share goes with the square of how many "
        "readings are hit: one in a hundred, and it is 2,500 times less.",
    ]
    return "\n".join(lines) + "\n"
