"""Readings for people at a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from contract.records import PropertyReading, Quality, Reading, Texture
from soil.properties import PROPERTIES, SoilProperty

_STYLE = {"ok": "bold green", "caution": "bold yellow", "reject": "bold red"}
_WORD = {"ok": "ok", "caution": "caution", "reject": "rejected"}
_BAR_CELLS = 20
_WIDTH_FOR_BARS = 77


class ReadingTable:
    """Prints readings to a terminal, as wide as nine properties need."""

    def __init__(self) -> None:
        self._console = Console()

    def show_reading(self, reading: Reading) -> None:
        """One reading as it came back from the broker."""
        footnote = f"record {reading.seq} of {reading.device.id}"
        if reading.model.synthetic:
            footnote += " · model of synthetic soils: not for decisions"
        self.show_sample(
            reading.sample.id, reading.properties, reading.texture, reading.quality, footnote
        )

    def show_sample(
        self,
        sample: str,
        properties: dict[str, PropertyReading],
        texture: Texture,
        quality: Quality,
        footnote: str,
    ) -> None:
        """Nine properties with their intervals, texture class, verdict and its reasons."""
        style = _STYLE[quality.verdict]
        title = Text.assemble((f"{sample}  ", "bold"), (_WORD[quality.verdict], style))
        if texture.class_ is None:
            self._console.print(title)
            self._say_why(quality, style)
            self._console.print(Text(footnote, style="dim italic"), end="\n\n")
            return
        share = texture.probabilities.get(texture.class_)
        title.append(f"  texture: {texture.class_}" + (f", {share:.0%} likely" if share else ""))
        level = next(iter(properties.values())).level
        table = Table(
            title=title,
            title_justify="left",
            caption=footnote,
            caption_justify="left",
            box=SIMPLE_HEAD,
        )
        table.add_column("property", no_wrap=True)
        table.add_column("value", justify="right", no_wrap=True)
        table.add_column(f"{level:.0%} interval", justify="right", no_wrap=True)
        table.add_column("unit", no_wrap=True)
        with_bars = self._console.width >= _WIDTH_FOR_BARS
        if with_bars:
            table.add_column("", no_wrap=True)
        for item in PROPERTIES:
            cells = _cells(item, properties[item.name])
            table.add_row(item.label, *(cells if with_bars else cells[:-1]))
        self._console.print(table)
        self._say_why(quality, style)
        self._console.print()

    def _say_why(self, quality: Quality, style: str) -> None:
        for reason in quality.reasons:
            self._console.print(Text.assemble((" • ", style), f"{reason.text}: {reason.hint}"))


def _cells(item: SoilProperty, p: PropertyReading) -> tuple[str, str, str, Text]:
    unit = "" if item.unit == "[pH]" else item.unit
    if p.value is None or p.lower is None or p.upper is None:
        return "–", "–", unit, Text()
    digits = item.decimals
    interval = f"{p.lower:.{digits}f} – {p.upper:.{digits}f}"
    return f"{p.value:.{digits}f}", interval, unit, _bar(item, p.lower, p.value, p.upper)


_SHOWN_TO = {
    "total_carbon": 15.0,
    "inorganic_carbon": 12.0,
    "organic_carbon": 15.0,
    "total_nitrogen": 1.5,
    "ph_h2o": 11.0,
    "cec": 60.0,
}
"""Right end of each bar: what field soils reach, not what can exist; the rest end at 100 %."""


def _bar(item: SoilProperty, lower: float, value: float, upper: float) -> Text:
    right = _SHOWN_TO.get(item.name, item.highest)

    def cell(x: float) -> int:
        return max(0, min(_BAR_CELLS - 1, int(x / right * _BAR_CELLS)))

    bar = Text("·" * cell(lower), style="dim")
    bar.append("─" * (cell(value) - cell(lower)))
    bar.append("●", style="bold")
    bar.append("─" * (cell(upper) - cell(value)))
    bar.append("·" * (_BAR_CELLS - 1 - cell(upper)), style="dim")
    return bar
