"""The page about an export: whole in itself, with every figure, and nothing taken for HTML."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from contract.bundle import open_bundle
from export.deployment_report import deployment_report
from export.errors import ExportError
from export.pack import write_report
from export.precisions import parts_of
from soil.properties import NAMES


@pytest.fixture(scope="module")
def bundle(exported):
    return open_bundle(exported.path)


@pytest.fixture(scope="module")
def page(exported, bundle) -> str:
    return deployment_report(bundle, exported.precise)


def test_it_says_synthetic_and_needs_no_other_file(page: str) -> None:
    assert '<p class="synthetic">SYNTHETIC' in page
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", page)
    assert "<script" not in page


def test_every_property_graph_and_part_has_its_row(page: str, bundle, quick_checkpoint) -> None:
    for name in NAMES:
        assert f'<th scope="row">{name}</th>' in page
    for graph, members in (
        ("pipeline", bundle.manifest.graphs.pipeline),
        ("MIR decoder", bundle.manifest.graphs.mir_decoder),
    ):
        for precision in members:
            assert f'<th scope="row">{graph}, {precision}</th>' in page
    for part in parts_of(quick_checkpoint.model):
        assert f'<th scope="row">fp16, {part}</th>' in page
    assert "stays in fp32" in page


def test_the_losses_are_those_of_the_manifest(page: str, bundle) -> None:
    for narrowing in bundle.manifest.precisions.values():
        assert f"<td>{narrowing.change['clay']:.3f}</td>" in page
    assert "data:image/svg+xml;base64," in page
    assert f"budget {bundle.manifest.budget.ccc_loss:g}." in page


def test_what_was_refused_is_said_with_its_reason(exported, bundle) -> None:
    found = dataclasses.replace(
        exported.precise["int8"], refused={"mir_decoder": "it loses <everything>"}
    )
    page = deployment_report(bundle, {"int8": found})
    assert "int8: no mir decoder in it, since it loses &lt;everything&gt;." in page


def test_words_of_the_card_are_no_html(exported, bundle) -> None:
    manifest = bundle.manifest.model_copy(update={"description": "<script>alert(1)</script>"})
    page = deployment_report(dataclasses.replace(bundle, manifest=manifest), exported.precise)
    assert "<script>" not in page


def test_an_export_in_fp32_alone_has_a_page_too(bundle) -> None:
    manifest = bundle.manifest.model_copy(update={"budget": None, "precisions": {}})
    page = deployment_report(dataclasses.replace(bundle, manifest=manifest), {})
    assert "fp32 alone was asked for" in page


def test_it_is_written_where_it_was_asked_for(exported, tmp_path: Path) -> None:
    write_report(exported, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    with pytest.raises(ExportError, match="the report can't be written"):
        write_report(exported, tmp_path / "report.html" / "below a file.html")
