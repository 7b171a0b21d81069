"""Two bundles held against each other: what a fleet operator asks before a rollout."""

from __future__ import annotations

import dataclasses
import json

import pytest
from click.testing import CliRunner

from contract.bundle import Bundle
from edge.bundle_difference import differences, lines
from edge.commands import bundle
from edge.config import REFERENCE_BUNDLE


def changed(of: Bundle, **fields) -> Bundle:
    manifest = of.manifest.model_copy(update=fields)
    return dataclasses.replace(of, manifest=manifest, sha256="0" * 64)


def test_a_bundle_does_not_differ_from_itself(reference_bundle: Bundle) -> None:
    assert differences(reference_bundle, reference_bundle) == []
    assert list(lines([])) == ["no difference"]


def test_other_weights_are_a_difference_whatever_else_differs(reference_bundle: Bundle) -> None:
    member = reference_bundle.manifest.graphs.pipeline["fp32"]
    entry = reference_bundle.manifest.files[member].model_copy(update={"sha256": "0" * 64})
    files = {**reference_bundle.manifest.files, member: entry}
    found = differences(reference_bundle, changed(reference_bundle, files=files, version="2.0.0"))
    assert [each.what for each in found] == ["version", f"{member}, sha256"]


def test_an_axis_with_the_same_ends_and_count_is_another(reference_bundle: Bundle) -> None:
    axis = reference_bundle.manifest.input.axis
    values = [*axis.values[:5], axis.values[5] + 0.01, *axis.values[6:]]
    moved = axis.model_copy(update={"values": values})
    entry = reference_bundle.manifest.input.model_copy(update={"axis": moved})
    found = differences(reference_bundle, changed(reference_bundle, input=entry))
    assert [each.what for each in found] == ["axis values, sha256"]


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("version", "1.0.1", "version"),
        ("minimum_agent", "9.0.0", "needs loamscan"),
        ("latent_features", 16, "latent features"),
        ("training_data", [], "training data"),
        ("licence", "CC-BY-4.0", "licence"),
    ],
)
def test_what_changed_is_named_with_both_values(
    reference_bundle: Bundle, field: str, value: object, what: str
) -> None:
    found = differences(reference_bundle, changed(reference_bundle, **{field: value}))
    assert [each.what for each in found] == [what]
    assert found[0].before != found[0].after


def test_a_metric_and_an_interval_are_told_by_property(reference_bundle: Bundle) -> None:
    manifest = reference_bundle.manifest
    metrics = {**manifest.metrics, "clay": {**manifest.metrics["clay"], "ccc": 0.5}}
    half_width = {**manifest.intervals.half_width, "cec": 1.25}
    intervals = manifest.intervals.model_copy(update={"half_width": half_width})
    found = differences(
        reference_bundle, changed(reference_bundle, metrics=metrics, intervals=intervals)
    )
    assert [each.what for each in found] == ["cec half width", "clay CCC"]
    assert list(lines(found))[1].endswith("-> 0.5")


def test_a_precision_that_is_gone_is_told(reference_bundle: Bundle) -> None:
    graphs = reference_bundle.manifest.graphs
    fewer = graphs.model_copy(
        update={
            name: {p: member for p, member in own.items() if p != "int8"}
            for name, own in dict(graphs).items()
        }
    )
    precisions = {"fp16": reference_bundle.manifest.precisions["fp16"]}
    found = differences(
        reference_bundle, changed(reference_bundle, graphs=fewer, precisions=precisions)
    )
    told = {each.what: each.after for each in found}
    assert told == {"int8 of": None, "int8 CCC lost": None, "int8 change": None}


def test_the_command_says_so_to_people_and_to_scripts() -> None:
    command = ["diff", str(REFERENCE_BUNDLE), str(REFERENCE_BUNDLE)]
    assert CliRunner().invoke(bundle, command).stdout == "no difference\n"
    assert json.loads(CliRunner().invoke(bundle, [*command, "--json"]).stdout) == []


def test_an_inspection_says_what_each_precision_costs() -> None:
    said = CliRunner().invoke(bundle, ["inspect", str(REFERENCE_BUNDLE)]).stdout
    (line,) = (line for line in said.splitlines() if line.startswith("int8"))
    assert "MIR decoder" in line
    assert "half widths" in line
