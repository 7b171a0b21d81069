"""The JSON Schemas that others build on say what our readers say."""

from __future__ import annotations

import contextlib
import json

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from contract.acknowledgement import Acknowledgement, read_acknowledgement
from contract.commands import schema
from contract.errors import ContractError
from contract.manifest import Manifest, read_manifest
from contract.messages import Event, State, Status
from contract.records import ScanRecord, read_record
from contract.schema import NAMES, json_schema

PUBLISHED = ("reading", "amendment", "void", "lost")
READERS = {
    **dict.fromkeys(PUBLISHED, read_record),
    "scan": ScanRecord.model_validate_json,
    "ack": read_acknowledgement,
    "state": State.model_validate_json,
    "status": Status.model_validate_json,
    "event": Event.model_validate_json,
    "bundle": read_manifest,
}


@pytest.fixture(scope="module")
def validators():
    return {name: Draft202012Validator(json_schema(name)) for name in NAMES}


def _reads(name, content):
    with contextlib.suppress(ContractError, ValidationError):
        READERS[name](json.dumps(content).encode())
        return True
    return False


def test_every_contract_has_a_schema_and_a_reader():
    assert set(NAMES) == {*READERS, "record"}
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_a_valid_one_of_draft_2020_12_with_a_name(name):
    document = json_schema(name)
    Draft202012Validator.check_schema(document)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["$id"] == f"urn:loamscan:schema:{name}:1"
    assert json.loads(json.dumps(document)) == document


def test_an_unknown_schema_is_refused_with_those_there_are():
    with pytest.raises(ContractError, match=r"no schema 'readings'; choose from scan, reading"):
        json_schema("readings")


@pytest.mark.parametrize("name", READERS)
def test_an_example_is_taken_by_schema_and_reader(validators, example, name):
    validators[name].validate(example(name))
    assert _reads(name, example(name))


@pytest.mark.parametrize("name", READERS)
def test_what_we_write_is_taken_by_our_schema(validators, example, name):
    made = READERS[name](json.dumps(example(name)).encode())
    assert isinstance(made, Manifest | Acknowledgement) or made.schema_ == example(name)["schema"]
    validators[name].validate(json.loads(made.to_json()))


@pytest.mark.parametrize("name", PUBLISHED)
def test_any_published_record_is_a_record_and_nothing_else_is(validators, example, name):
    validators["record"].validate(example(name))
    assert not validators["record"].is_valid(example("scan"))
    for other in PUBLISHED:
        assert validators[other].is_valid(example(name)) == (other == name)


@pytest.mark.parametrize("name", [name for name in READERS if name != "ack"])
def test_a_later_1_x_with_more_fields_is_taken_by_both(validators, example, name):
    later = example(name, schema=example(name)["schema"] + ".7", new_field={"x": 1})
    validators[name].validate(later)
    assert _reads(name, later)


VIOLATIONS = [
    ("reading", "schema", "loamscan.reading/2"),
    ("reading", "kind", "readings"),
    ("reading", "seq", 0),
    ("reading", "seq", 1.5),
    ("reading", "id", "1"),
    ("reading", "measured_at", None),
    ("reading", "device.id", "a/b"),
    ("reading", "position.lat", 91),
    ("reading", "sample.replicates", 0),
    ("reading", "sample.preparation", "soaked"),
    ("reading", "model.synthetic", None),
    ("reading", "properties.clay.level", 1),
    ("reading", "properties.clay.unit", None),
    ("reading", "properties.clay.value", "many"),
    ("reading", "properties", []),
    ("reading", "quality.verdict", "fine"),
    ("reading", "quality.reasons", [{"code": "scan.dark"}]),
    ("amendment", "amends", ""),
    ("amendment", "amended_at", {}),
    ("void", "voids", None),
    ("void", "reason", None),
    ("lost", "first", 0),
    ("lost", "reason", "gone"),
    ("scan", "axis_id", "ab"),
    ("scan", "role", "grey"),
    ("scan", "number", 0),
    ("scan", "spectrum_kind", "absorbance"),
    ("ack", "schema", "loamscan.ack/2"),
    ("ack", "committed", -1),
    ("ack", "missing", [[1, 2, 3]]),
    ("ack", "missing", [[5235 + 2 * n] * 2 for n in range(65)]),
    ("state", "verdict", "great"),
    ("state", "properties", {"clay": {"value": 1}}),
    ("status", "status", "asleep"),
    ("status", "log_id", "log"),
    ("event", "reason", {"code": "scanner.gone"}),
    ("event", "details", {"port": []}),
    ("bundle", "schema", "loamscan.bundle/2"),
    ("bundle", "name", "Tiny"),
    ("bundle", "input.kind", "absorbance"),
    ("bundle", "intervals.level", 0),
    ("bundle", "graphs.mir_decoder", {"fp64": "a"}),
    ("bundle", "files", {"domain/q_mean.npy": {"size": -1, "sha256": "0" * 64}}),
    ("bundle", "latent_features", 0),
]


@pytest.mark.parametrize(("name", "field", "value"), VIOLATIONS)
def test_what_breaks_the_contract_is_refused_by_schema_and_reader(
    validators, example, name, field, value
):
    broken = example(name, **{field: value})
    assert not validators[name].is_valid(broken)
    assert not _reads(name, broken)
    if name in PUBLISHED:
        assert not validators["record"].is_valid(broken)


@pytest.mark.parametrize("name", READERS)
def test_a_missing_required_field_is_refused_by_both(validators, example, name):
    for field in validators[name].schema["required"]:
        broken = example(name)
        del broken[field]
        assert not validators[name].is_valid(broken), field
        assert not _reads(name, broken), field


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("void", "seq", "12"),
        ("void", "seq", True),
        ("void", "voided_at", 1777885951),
        ("reading", "properties.clay.value", "23.4"),
        ("reading", "historical", "no"),
        ("ack", "committed", "5231"),
        ("bundle", "intervals.level", "0.9"),
    ],
)
def test_a_value_of_another_type_is_refused_by_both(validators, example, name, field, value):
    broken = example(name, **{field: value})
    assert not validators[name].is_valid(broken)
    assert not _reads(name, broken)


def test_an_acknowledgement_without_its_schema_is_refused_by_both(validators, example):
    broken = example("ack")
    del broken["schema"]
    assert not validators["ack"].is_valid(broken)
    assert not _reads("ack", broken)


def test_a_path_trick_is_refused_by_both(validators, example):
    broken = example("bundle")
    broken["files"]["../x"] = {"size": 1, "sha256": "0" * 64}
    assert not _reads("bundle", broken)
    assert not validators["bundle"].is_valid(broken)


@pytest.mark.parametrize("name", NAMES)
def test_the_command_prints_the_schema(name):
    result = CliRunner().invoke(schema, [name])
    assert result.exit_code == 0
    assert json.loads(result.output) == json_schema(name)


def test_the_command_names_the_schemas_there_are():
    result = CliRunner().invoke(schema, ["readings"])
    assert result.exit_code == 2
    assert "'record'" in result.output
