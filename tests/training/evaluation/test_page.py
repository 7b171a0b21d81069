"""The report as a page: whole, safe, and of use to those who don't see its figures."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from soil.properties import PROPERTIES
from training.evaluation.evaluate import evaluate
from training.evaluation.local_calibration import local_rivals
from training.evaluation.page import page

VOID = {"meta", "img"}
HOSTILE = '<script src="http://evil.example/x.js">alert(1)</script>" onload="alert(2)'


class Outline(HTMLParser):
    """Elements with their attributes, the text outside styles, and whether tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def made(model, tested_on, make_readings):
    def make(readings=None, **changes) -> str:
        readings = make_readings() if readings is None else readings
        about = tested_on.model_copy(update=changes)
        rivals = local_rivals(readings, 0)
        return page(evaluate(readings, rivals, model, about, 100, 0, lambda line: None), readings)

    return make


@pytest.fixture(scope="module")
def plain(made) -> str:
    return made()


def test_it_is_one_page_that_loads_nothing(plain) -> None:
    html, outline = plain, Outline(plain)
    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in outline.elements}
    for _, attributes in outline.elements:
        for name in ("src", "href", "srcset", "action"):
            assert (attributes.get(name) or "data:").startswith("data:")
    assert "http" not in re.sub(r'src="data:[^"]*"', "", html)
    assert "url(" not in html
    assert "@import" not in html


def test_its_figures_are_sound_svg_that_load_nothing(plain) -> None:
    images = Outline(plain).of("img")
    assert len(images) == 7
    for image in images:
        kind, _, data = image["src"].partition(",")
        assert kind == "data:image/svg+xml;base64"
        svg = ET.fromstring(base64.b64decode(data))
        for element in svg.iter():
            assert not element.tag.endswith("script")
            for name, value in element.attrib.items():
                if name.rpartition("}")[2] == "href":
                    assert value.startswith(("#", "data:image/png"))


def test_every_figure_says_in_words_what_it_shows(plain) -> None:
    alts = [image["alt"] for image in Outline(plain).of("img")]
    assert all(len(alt) > 60 for alt in alts)
    assert len(set(alts)) == len(alts)
    assert all(item.label in alts[0] for item in PROPERTIES)


def test_tables_have_captions_and_headed_rows_and_columns(plain) -> None:
    outline = Outline(plain)
    assert len(outline.of("table")) == len(outline.of("caption")) > 5
    assert {header["scope"] for header in outline.of("th")} == {"row", "col"}


def test_names_from_strangers_are_text(made, tested_on) -> None:
    html = made(
        name=HOSTILE, licence=HOSTILE, dropped=[HOSTILE],
        independence=tested_on.independence.model_copy(update={"text": HOSTILE}),
    )  # fmt: skip
    outline = Outline(html)
    assert "script" not in {tag for tag, _ in outline.elements}
    assert not any("onload" in attributes for _, attributes in outline.elements)
    assert outline.text.count(HOSTILE) == 5


def test_a_synthetic_test_set_is_said_on_top(made, plain) -> None:
    synthetic = made(synthetic=True)
    assert "SYNTHETIC" not in plain
    assert synthetic.index("SYNTHETIC") < synthetic.index("<h2>")
    assert 'class="synthetic"' in synthetic


def test_the_same_readings_give_the_same_bytes(made, plain) -> None:
    assert made() == plain


def test_preparations_have_a_column_each(made, make_readings) -> None:
    readings = make_readings()
    assert "In which preparation" not in made(readings)
    names = np.tile(["", HOSTILE], len(readings.soil) // 2)
    shares = {"any": 0.25, "any_reject": 0.125}
    both = replace(readings, preparation=names, flagged_in={"": shares, HOSTILE: shares})
    outline = Outline(made(both))
    assert "In which preparation the soils were" in outline.text
    assert "not said" in outline.text
    assert HOSTILE in outline.text
    assert "script" not in {name for name, _ in outline.elements}


def test_a_property_left_out_is_named_with_the_reason(made, make_readings) -> None:
    readings = make_readings()
    observed = readings.observed.copy()
    observed[:, 5] = np.nan
    outline = Outline(made(replace(readings, observed=observed)))
    assert "left out: analysed of 0 soils; 3 are the least" in outline.text
    assert "CEC" not in outline.of("img")[0]["alt"]


@pytest.mark.parametrize("soils", [10, 14])
def test_a_tiny_set_still_makes_a_page(made, make_readings, soils: int) -> None:
    readings = make_readings(soils=soils, scanners=1, replicates=1)
    outline = Outline(made(readings))
    assert "Repeatability can't be told" in outline.text
    assert "No learning curve" in outline.text


def test_nothing_analysed_often_enough_makes_a_page_without_figures(made, make_readings) -> None:
    readings = make_readings(soils=10)
    observed = np.full_like(readings.observed, np.nan)
    observed[np.arange(9), np.arange(9)] = readings.observed[np.arange(9), np.arange(9)]
    outline = Outline(made(replace(readings, observed=observed)))
    assert "No property has enough laboratory values" in outline.text
