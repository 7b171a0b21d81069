"""A manifest is whole and consistent, or it is refused with the field named."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import BundleError, BundleUnsupportedError
from contract.manifest import AxisSpec, Manifest, read_manifest
from soil.axis import Axis
from soil.properties import NAMES


def _read(content):
    return read_manifest(json.dumps(content).encode())


def test_a_manifest_is_read_whole(example):
    manifest = _read(example("bundle"))
    assert (manifest.name, manifest.version, manifest.minimum_agent) == ("tiny", "1.0.0", "0.1.0")
    assert manifest.input.axis.axis() == Axis("nm", [2545.0, 1950.1, 1355.0])
    assert tuple(output.name for output in manifest.outputs) == NAMES
    assert manifest.graphs.pipeline == {"fp32": "onnx/graph.fp32.onnx"}


def test_a_manifest_has_one_byte_form_whatever_order_it_was_read_in(example):
    content = example("bundle")
    turned = dict(reversed(content.items()))
    first, second = _read(content).to_json(), _read(turned).to_json()
    assert first == second
    assert first.endswith(b"}\n")
    assert json.loads(first) == content
    assert read_manifest(first).to_json() == first


def test_what_a_later_version_adds_is_kept(example):
    content = example("bundle", schema="loamscan.bundle/1.7", signature={"later": [1]})
    content["domain"]["nh"] = {"limit": 1.0}
    assert json.loads(_read(content).to_json()) == content


@given(st.lists(st.floats(1, 1e5), min_size=2, max_size=20, unique=True).map(sorted))
def test_an_axis_comes_back_to_the_bit(values):
    axis = Axis("cm-1", values[::-1])
    again = AxisSpec.model_validate_json(AxisSpec.of(axis).model_dump_json()).axis()
    assert again == axis
    assert again.values.tobytes() == np.array(values[::-1]).tobytes()


@pytest.mark.parametrize("schema", ["2.0", "2", "0", "10", "1x", "", "x"])
def test_a_format_of_another_major_version_is_unsupported_and_says_so(example, schema):
    with pytest.raises(BundleUnsupportedError, match=r"reads loamscan\.bundle/1; update the agent"):
        _read(example("bundle", schema=f"loamscan.bundle/{schema}"))


def test_a_future_format_is_recognised_whatever_else_it_holds():
    with pytest.raises(BundleUnsupportedError):
        _read({"schema": "loamscan.bundle/2.0", "everything": "else"})


@pytest.mark.parametrize(
    "schema", ["loamscan.reading/1", "bundle/1", 1, None, ["loamscan.bundle/1"]]
)
def test_the_manifest_of_something_else_is_no_bundle(example, schema):
    with pytest.raises(BundleError, match="not the manifest of a loamscan bundle") as caught:
        _read(example("bundle", schema=schema))
    assert not isinstance(caught.value, BundleUnsupportedError)


def _without(name):
    return {key: 1 for key in NAMES if key != name}


def _narrowing(**changes):
    return {
        "parts": ["MIR decoder"], "quantisation_nodes": 8, "ccc_loss": {}, "change": {},
        "verdicts_changed": 0.0, "mir_loss": 0.001, "golden_factor": {"mir": 40.0}, **changes,
    }  # fmt: skip


NARROWED = {
    "graphs.mir_decoder.int8": "onnx/graph.fp32.onnx",
    "budget": {
        "ccc_loss": 0.005, "change": 0.25, "judged": 1000, "representative": 256,
        "representative_sha256": "0" * 64,
    },
}  # fmt: skip


def test_a_graph_in_fewer_bits_comes_with_what_it_costs(example):
    changes = {**NARROWED, "precisions": {"int8": _narrowing()}}
    manifest = _read(example("bundle", **changes))
    assert manifest.precisions["int8"].golden_factor == {"mir": 40.0}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"name": "Tiny"}, "name"),
        ({"name": "../tiny"}, "name"),
        ({"version": "1.0"}, "version"),
        ({"version": "01.0.0"}, "version"),
        ({"version": "1.0.0-rc1"}, "version"),
        ({"minimum_agent": "soon"}, "minimum_agent"),
        ({"input.kind": "absorbance"}, r"input\.kind"),
        ({"input.axis.unit": "um"}, r"input\.axis\.unit"),
        ({"input.axis.values": [1, 1]}, r"input\.axis: .*monotone"),
        ({"input.axis.values": [1]}, r"input\.axis: .*at least two"),
        ({"mir_axis.values": [1, "x"]}, r"mir_axis\.values\.1"),
        ({"outputs": []}, "nine properties in order"),
        ({"outputs.0.name": "clay"}, "nine properties in order"),
        ({"outputs.0.scale": "sqrt"}, r"outputs\.0\.scale"),
        ({"intervals.half_width": _without("clay")}, r"half_width lacks clay"),
        ({"intervals.calibrated_on": _without("cec")}, r"calibrated_on lacks cec"),
        ({"intervals.level": 1.0}, r"intervals\.level"),
        ({"intervals.method": "hope"}, r"intervals\.method"),
        ({"domain.q_residual.caution": 0}, "caution"),
        ({"domain.q_residual.reject_quantile": 1}, "reject_quantile"),
        ({"domain.q_residual.mean": "elsewhere.npy"}, r"does not list elsewhere\.npy"),
        ({"domain.gh.whitening": "no.npy"}, r"does not list no\.npy"),
        ({"domain.gh.caution": -1}, r"domain\.gh\.caution"),
        ({"golden.mir": "no.npy"}, r"does not list no\.npy"),
        ({"golden.absolute_tolerance": 0}, "absolute_tolerance"),
        ({"graphs.pipeline": {}}, "every graph needs its fp32 form"),
        (
            {"graphs.mir_decoder": {"int8": "onnx/graph.fp32.onnx"}},
            "every graph needs its fp32 form",
        ),
        ({"graphs.mir_decoder.fp64": "onnx/graph.fp32.onnx"}, r"graphs\.mir_decoder\.fp64"),
        (
            {"graphs.mir_decoder.int8": "onnx/mir_decoder.int8.onnx"},
            r"does not list onnx/mir_decoder\.int8\.onnx",
        ),
        (
            {"graphs.mir_decoder.int8": "onnx/graph.fp32.onnx"},
            "precisions does not say what int8 costs",
        ),
        ({"precisions": {"int8": _narrowing(golden_factor={"mir": 0.5})}}, "golden_factor"),
        ({"precisions": {"int8": _narrowing(verdicts_changed=2.0)}}, "verdicts_changed"),
        ({"precisions": {"int8": _narrowing(golden_factor={"mir": 1e308})}}, "golden_factor"),
        (
            {"precisions": {"int8": _narrowing(ccc_loss={"clay": 0.0})}},
            "not of the nine properties",
        ),
        (
            {"precisions": {"int8": _narrowing(change=dict.fromkeys(NAMES, 0.1))}},
            "not of the same graph",
        ),
        (
            {**NARROWED, "precisions": {"int8": _narrowing(mir_loss=None)}},
            "not that of its decoder",
        ),
        ({"precisions": {"int8": _narrowing()}}, "not that of its decoder"),
        (
            {**NARROWED, "budget": None, "precisions": {"int8": _narrowing()}},
            "precisions without a budget",
        ),
        ({"precisions": {"int4": _narrowing()}}, r"precisions\.int4"),
        ({"synthetic": False}, "not marked synthetic"),
        ({"latent_features": 0}, "latent_features"),
        ({"files": {}}, "does not list"),
        ({"files": {"domain/q_mean.npy": {"size": -1, "sha256": "0" * 64}}}, r"size"),
        ({"files": {"domain/q_mean.npy": {"size": 1, "sha256": "0" * 63}}}, r"sha256"),
        ({"training_data": None}, "training_data"),
    ],
)
def test_what_breaks_a_rule_is_refused_and_named(example, changes, why):
    with pytest.raises(BundleError, match=f"manifest.json: .*{why}"):
        _read(example("bundle", **changes))


@pytest.mark.parametrize(
    "field", ["schema", "name", "version", "input", "outputs", "files", "golden"]
)
def test_a_missing_field_is_refused(example, field):
    content = example("bundle")
    del content[field]
    with pytest.raises(BundleError):
        _read(content)


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("field", ["intervals.half_width.clay", "domain.q_residual.reject"])
def test_what_is_no_number_is_refused(example, token, field):
    text = json.dumps(example("bundle", **{field: "HERE"})).replace('"HERE"', token)
    with pytest.raises(BundleError, match=field.rpartition(".")[2]):
        read_manifest(text.encode())


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../x",
        "/etc/passwd",
        "a//b",
        "./a",
        "a/.",
        "a\\b",
        "..\\x",
        "C:x",
        "A.npy",
        "a b",
        "",
        "a/",
        "ä",
        "a\n",
        "~a",
        "-a",
        ".a",
        "x" * 101,
    ],
)
def test_a_member_s_name_is_a_plain_path(example, name):
    content = example("bundle")
    content["files"][name] = {"size": 1, "sha256": "0" * 64}
    with pytest.raises(BundleError, match="files"):
        _read(content)
    content = example("bundle", **{"golden.mir": name})
    with pytest.raises(BundleError, match="mir"):
        _read(content)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[" * 100000,
        b'{"a":' * 100000,
        b"1" * 5000,
        b'"\xc3"',
        b'{"schema": "loamscan.bundle/1", "later": ' + b"[" * 50000,
    ],
)
def test_what_is_no_json_is_refused(text):
    with pytest.raises(BundleError, match=r"is not JSON|not the manifest"):
        read_manifest(text)


@given(st.binary(max_size=200))
def test_random_bytes_raise_nothing_but_bundle_errors(text):
    with pytest.raises(BundleError):
        read_manifest(text)


@given(st.data())
def test_a_manifest_with_any_field_replaced_is_read_or_refused(example, data):
    content = example("bundle")
    place = content
    while True:
        keys = range(len(place)) if isinstance(place, list) else sorted(place)
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    junk = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    place[key] = data.draw(junk | st.lists(junk, max_size=2) | st.dictionaries(st.text(), junk))
    try:
        manifest = _read(content)
    except BundleError:
        return
    assert isinstance(manifest, Manifest)
