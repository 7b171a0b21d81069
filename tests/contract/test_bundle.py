"""A bundle is checked to the last byte before anything in it is used."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import bundle as bundle_module
from contract.archive import pack
from contract.bundle import Bundle, bundle_bytes, describe, open_bundle, parse_bundle
from contract.errors import BundleDamagedError, BundleError, BundleUnsupportedError
from contract.manifest import MANIFEST_NAME, Manifest, read_manifest
from soil.axis import Axis


def test_a_bundle_comes_out_as_it_went_in(bundle, example, files):
    parsed = parse_bundle(bundle)
    assert parsed.manifest == Manifest.model_validate(example("bundle"))
    assert parsed.files == files
    assert parsed.sha256 == hashlib.sha256(bundle).hexdigest()
    assert parsed.axis == Axis("nm", [2545.0, 1950.1, 1355.0])
    assert bundle_bytes(parsed.manifest, parsed.files) == bundle


def test_the_bundle_file_is_parsed_as_its_bytes_are(bundle, tmp_path):
    path = tmp_path / "tiny-1.0.0.loam"
    path.write_bytes(bundle)
    opened = open_bundle(path, "0.1.0")
    path.write_bytes(b"overwritten since")
    assert opened.files == parse_bundle(bundle).files
    assert opened.array("domain/q_mean.npy").tolist() == [0, 0, 0]


def test_every_single_changed_byte_is_refused(bundle):
    for at in range(len(bundle)):
        changed = bytearray(bundle)
        changed[at] ^= 1 << at % 8
        with pytest.raises(BundleError):
            parse_bundle(bytes(changed))


@given(st.integers(0), st.integers(1, 255))
def test_any_single_changed_byte_is_refused(bundle, at, difference):
    changed = bytearray(bundle)
    changed[at % len(bundle)] ^= difference
    with pytest.raises(BundleError):
        parse_bundle(bytes(changed))


@given(st.integers(0))
def test_a_bundle_cut_off_anywhere_is_refused(bundle, length):
    with pytest.raises(BundleError):
        parse_bundle(bundle[: length % len(bundle)])


@given(st.binary(min_size=1, max_size=100))
def test_bytes_before_or_after_are_refused(bundle, added):
    for data in (added + bundle, bundle + added, bundle + bundle):
        with pytest.raises(BundleError):
            parse_bundle(data)


@given(st.binary(max_size=500))
def test_random_bytes_raise_nothing_but_bundle_errors(data):
    for attempt in (data, pack({MANIFEST_NAME: data})):
        with pytest.raises(BundleError):
            parse_bundle(attempt)


@pytest.mark.parametrize("depth", [100, 900, 100_000])
def test_deeply_nested_json_is_refused(depth):
    for text in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth):
        with pytest.raises(BundleError):
            parse_bundle(pack({MANIFEST_NAME: text}))


NAMES_THAT_TRICK = [
    "../x",
    "/etc/passwd",
    "..\\x",
    "a\\b",
    "a//b",
    "./a",
    "C:\\x",
    "A",
    "a/../../x",
]


@pytest.mark.parametrize("name", ["extra.npy", *NAMES_THAT_TRICK])
def test_a_member_that_the_manifest_does_not_list_is_refused(forge, files, name):
    with pytest.raises(BundleError, match="does not list"):
        parse_bundle(forge({**files, name: b"x"}))


@pytest.mark.parametrize("name", NAMES_THAT_TRICK)
def test_a_path_trick_is_refused_even_where_the_manifest_lists_it(forge, files, name):
    members = {**files, name: b"x"}
    listed = {key: entry.model_dump() for key, entry in describe(members).items()}
    with pytest.raises(BundleError, match="files"):
        parse_bundle(forge(members, files=listed))


def test_a_missing_member_is_named(forge, files):
    for name in files:
        rest = {key: content for key, content in files.items() if key != name}
        with pytest.raises(BundleDamagedError, match=f"{name} is missing from the bundle"):
            parse_bundle(forge(rest))


def test_a_manifest_that_lists_itself_is_refused(forge, example):
    listed = {**example("bundle")["files"], MANIFEST_NAME: {"size": 1, "sha256": "0" * 64}}
    with pytest.raises(BundleError, match=r"manifest\.json is missing"):
        parse_bundle(forge(files=listed))


@pytest.mark.parametrize("content", [b"", b"a grapH", b"a graph."])
def test_a_member_that_does_not_match_its_digest_is_named(forge, files, content):
    members = {**files, "onnx/graph.fp32.onnx": content}
    with pytest.raises(BundleDamagedError, match=r"onnx/graph\.fp32\.onnx .*match its digest"):
        parse_bundle(forge(members))


def test_a_size_that_is_not_the_member_s_is_refused(forge, example):
    listed = example("bundle")["files"]
    listed["onnx/graph.fp32.onnx"]["size"] += 1
    with pytest.raises(BundleDamagedError, match="match its digest"):
        parse_bundle(forge(files=listed))


def test_a_bundle_of_format_2_is_unsupported(forge):
    with pytest.raises(BundleUnsupportedError, match=r"format is loamscan\.bundle/2\.0"):
        parse_bundle(forge(schema="loamscan.bundle/2.0"))


@pytest.mark.parametrize(
    ("needed", "agent", "runs"),
    [
        ("0.1.0", "0.1.0", True),
        ("0.1.0", "0.2.0", True),
        ("0.9.0", "0.10.0", True),
        ("1.0.0", "10.0.0", True),
        ("0.1.0", "0.1.0.dev3", True),
        ("0.1.0", None, True),
        ("0.1.1", "0.1.0", False),
        ("0.10.0", "0.9.9", False),
        ("2.0.0", "1.99.99", False),
    ],
)
def test_an_agent_below_the_one_that_is_needed_is_refused(forge, needed, agent, runs):
    data = forge(minimum_agent=needed)
    if runs:
        assert parse_bundle(data, agent).manifest.minimum_agent == needed
    else:
        with pytest.raises(
            BundleUnsupportedError, match=f"tiny 1.0.0 needs loamscan {needed}, this is {agent}"
        ):
            parse_bundle(data, agent)


def test_a_version_of_5000_digits_is_refused(forge):
    with pytest.raises(BundleError):
        parse_bundle(forge(minimum_agent=f"1.0.{'9' * 5000}"), "0.1.0")


def test_a_manifest_that_does_not_describe_the_files_is_not_packed(example, files):
    manifest = read_manifest(Manifest.model_validate(example("bundle")).to_json())
    changes = [{"more.npy": b""}, {"onnx/graph.fp32.onnx": b"another"}]
    for members in [{}, *({**files, **change} for change in changes)]:
        with pytest.raises(BundleError, match="does not describe"):
            bundle_bytes(manifest, members)


def test_an_error_names_the_file(tmp_path, bundle, forge):
    text, damaged, newer = (tmp_path / f"{name}.loam" for name in ("text", "damaged", "newer"))
    text.write_text("not a bundle at all\n")
    damaged.write_bytes(bundle[:100] + b"\0" + bundle[101:])
    newer.write_bytes(forge(schema="loamscan.bundle/2.0"))
    expected = [(text, BundleError), (damaged, BundleDamagedError), (newer, BundleUnsupportedError)]
    for path, kind in [*expected, (tmp_path, BundleError), (tmp_path / "none.loam", BundleError)]:
        with pytest.raises(kind) as caught:
            open_bundle(path)
        assert caught.value.what.startswith(str(path))
        assert caught.value.remedy
        assert type(caught.value) is kind


def test_a_file_far_too_large_is_refused_unread(tmp_path, monkeypatch, bundle):
    path = tmp_path / "huge.loam"
    path.write_bytes(bundle)
    os.truncate(path, bundle_module.ARCHIVE_BYTES_MAX + 1)
    monkeypatch.setattr(type(path), "read_bytes", lambda _: pytest.fail("it was read"))
    with pytest.raises(BundleError, match=r"huge\.loam: not a bundle: far too large"):
        open_bundle(path)


def _saved(array, **options):
    out = io.BytesIO()
    np.save(out, array, **options)
    return out.getvalue()


def _array(example, content):
    manifest = Manifest.model_validate(example("bundle"))
    return Bundle(manifest, {"a.npy": content}, "").array("a.npy")


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=30))
def test_an_array_comes_out_to_the_bit(example, values):
    array = np.array(values, dtype=np.float32)
    assert _array(example, _saved(array)).tobytes() == array.tobytes()


class _Trap:
    def __reduce__(self):
        return pytest.fail, ("a pickle was run",)


def test_a_pickle_is_refused_and_never_run(example):
    trap = np.array([_Trap()], dtype=object)
    for content in (_saved(trap, allow_pickle=True), pickle.dumps([_Trap()])):
        with pytest.raises(BundleError, match=r"a\.npy in the bundle is not an array"):
            _array(example, content)


@pytest.mark.parametrize(
    ("array", "why"),
    [
        (np.zeros(3), "not a float32 array"),
        (np.zeros(3, ">f4"), "not a float32 array"),
        (np.zeros(3, [("x", "f4")]), "not a float32 array"),
        (np.array(["x"]), "not a float32 array"),
        (np.float32([1, np.nan]), "values that are not numbers"),
        (np.float32([1, np.inf]), "values that are not numbers"),
    ],
)
def test_an_array_of_anything_but_finite_float32_is_refused(example, array, why):
    with pytest.raises(BundleError, match=why):
        _array(example, _saved(array))


def test_an_archive_of_arrays_is_no_array(example):
    out = io.BytesIO()
    np.savez(out, a=np.zeros(3, np.float32))
    with pytest.raises(BundleError, match="not a float32 array"):
        _array(example, out.getvalue())


def test_a_member_that_is_not_there_is_no_array(bundle):
    with pytest.raises(BundleError, match=r"none\.npy in the bundle is not an array"):
        parse_bundle(bundle).array("none.npy")


@given(st.integers(0, 139))
def test_an_array_cut_off_anywhere_is_refused(example, length):
    whole = _saved(np.zeros(3, np.float32))
    assert len(whole) == 140
    with pytest.raises(BundleError):
        _array(example, whole[:length])


def _with_header(text):
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode()


def _with_shape(count):
    return _with_header(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({count},)}}")


@pytest.mark.parametrize(
    "content",
    [
        b"PK\3\4 no zip",
        _with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (3,"),
        _with_shape("True") + b"0000",
        _with_header("{'descr': ('<f4',), 'fortran_order': False, 'shape': (3,)}"),
        _with_header("{{}}"),
        _with_shape(10**18),
        _with_shape(10**30),
    ],
    ids=["zip", "open bracket", "bool", "descr", "not a dict", "3 exabytes", "overflow"],
)
def test_a_hostile_array_header_is_refused(example, content):
    with pytest.raises(BundleError):
        _array(example, content)
