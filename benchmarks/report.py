"""Rows for people: a Markdown section with its table and the conditions it was measured under."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.rows import Row

_TITLE = (
    "# Benchmarks\n\nEach section is written by the command that measured it. Floors and peers are "
    "measured in the same run, in turns with the value.\n"
)
_COLUMNS = ("figure", "value", "floor", "ratio", "peers", "goal", "met")
_PACKAGES = ("numpy", "onnxruntime", "paho-mqtt", "pydantic")


def table(rows: Sequence[Row]) -> str:
    """``rows`` as a Markdown table."""
    lines = ["| " + " | ".join(_COLUMNS) + " |", "|---|---:|---:|---:|---|---|---|"]
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in rows]
    return "\n".join(lines)


def section(name: str, text: str, rows: Sequence[Row]) -> str:
    """The whole section of the benchmark ``name``, whose words on itself are ``text``."""
    return f"## {name}\n\n{text.strip()}\n\n{table(rows)}\n\n{conditions(name)}\n"


def conditions(name: str) -> str:
    """Command, day, machine, load and versions: what a reader needs to judge a figure."""
    packages = ", ".join(f"{package} {_version(package)}" for package in _PACKAGES)
    return (
        f"`python -m benchmarks {name}`, {datetime.now(timezone.utc):%Y-%m-%d}; {_processor()}, "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end; "
        f"Python {platform.python_version()}, {packages}."
    )


def write_section(path: Path, name: str, content: str) -> None:
    """Put ``content`` into the file at ``path`` as section ``name``; other sections stay."""
    whole = path.read_text(encoding="utf-8") if path.exists() else _TITLE
    head, *sections = re.split(r"^(?=## )", whole, flags=re.MULTILINE)
    kept = {part.splitlines()[0].removeprefix("## ").strip(): part.strip() for part in sections}
    kept[name] = content.strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join([head.strip(), *kept.values()]) + "\n", encoding="utf-8")


def _cells(row: Row) -> tuple[str, ...]:
    ratio, met = row.ratio_to_floor, row.met
    return (
        row.name,
        f"{_figure(row.value)} {row.unit}",
        "" if row.floor is None else _figure(row.floor),
        "" if ratio is None else f"{ratio:.2f}",
        ", ".join(f"{name}: {_figure(value)}" for name, value in row.peers.items()),
        "" if row.goal is None else str(row.goal).replace("ratio_to_floor", "ratio"),
        "" if met is None else ("yes" if met else "**no**"),
    )


def _figure(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.machine()
