"""The bundle's outer form has one byte sequence for its content; every other one is refused."""

from __future__ import annotations

import io
import stat
import struct
import tracemalloc
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.archive import MEMBERS_MAX, pack, unpack
from contract.errors import BundleDamagedError, BundleError
from contract.manifest import MANIFEST_NAME

TINY = {MANIFEST_NAME: b"{}", "a.npy": b"a"}
names = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,9}(/[a-z0-9]{1,5})?", fullmatch=True)
contents = st.dictionaries(names, st.binary(max_size=200), max_size=6)


def _zip(entries, compression=zipfile.ZIP_STORED, **attributes):
    """A zip of ``entries`` as any other tool would write it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in entries:
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            entry.compress_type = compression
            for attribute, value in attributes.items():
                setattr(entry, attribute, value)
            archive.writestr(entry, content)
    return out.getvalue()


@given(contents)
def test_what_is_packed_comes_out(files):
    files = {**files, MANIFEST_NAME: b"{}"}
    assert unpack(pack(files)) == files


@given(contents, st.randoms(use_true_random=False))
def test_the_bytes_depend_on_the_content_alone(files, chance):
    shuffled = list(files.items())
    chance.shuffle(shuffled)
    assert pack(dict(shuffled)) == pack(files)


def test_the_manifest_comes_first_and_any_unzip_reads_the_rest():
    data = pack({"a/b.npy": b"b", "0.onnx": b"0", MANIFEST_NAME: b"{}"})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == [MANIFEST_NAME, "0.onnx", "a/b.npy"]
        assert archive.testzip() is None
        assert all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())
        assert all(entry.date_time == (1980, 1, 1, 0, 0, 0) for entry in archive.infolist())


def test_every_single_flipped_bit_is_refused():
    data = pack(TINY)
    for at in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            with pytest.raises(BundleError):
                unpack(bytes(changed))


@given(st.integers(0), st.integers(1, 255))
def test_any_single_changed_byte_is_refused(at, difference):
    changed = bytearray(pack(TINY))
    changed[at % len(changed)] ^= difference
    with pytest.raises(BundleError):
        unpack(bytes(changed))


def test_a_changed_byte_of_a_member_is_called_damage_and_the_remedy_named():
    changed = pack(TINY).replace(b"a.npya", b"a.npyb", 1)
    with pytest.raises(BundleDamagedError, match=r"damaged: .*; copy or download it again"):
        unpack(changed)


def test_a_file_cut_off_anywhere_is_refused():
    data = pack(TINY)
    for length in range(len(data)):
        with pytest.raises(BundleError):
            unpack(data[:length])


@given(st.binary(min_size=1, max_size=40), st.integers(0, len(pack(TINY))))
def test_bytes_added_anywhere_are_refused(added, at):
    data = pack(TINY)
    with pytest.raises(BundleError):
        unpack(data[:at] + added + data[at:])


def test_a_comment_is_refused():
    out = io.BytesIO(pack(TINY))
    with zipfile.ZipFile(out, "a") as archive:
        archive.comment = b"hello"
    with pytest.raises(BundleDamagedError, match="not packed as a bundle is"):
        unpack(out.getvalue())


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compressed_zip_is_refused_without_being_unpacked(compression):
    bomb = _zip([(MANIFEST_NAME, b"{}"), ("a.npy", bytes(4 * 2**20))], compression)
    assert len(bomb) < 2**16
    tracemalloc.start()
    try:
        with pytest.raises(BundleError, match="its members are compressed"):
            unpack(bomb)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def _directory(name, size, offset=0, extra=b"", crc=0):
    """A zip's central directory of one stored member, and its end, by hand."""
    head = struct.pack(
        "<4s4B4H3I5H2I", b"PK\1\2", 20, 3, 20, 0, 0, 0, 0, 33, crc, size, size,
        len(name), len(extra), 0, 0, 0, 0, offset,
    )  # fmt: skip
    return head + name + extra


def _end(directory, count, offset):
    return directory + struct.pack(
        "<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(directory), offset, 0
    )


def test_a_member_that_claims_more_bytes_than_the_file_has_is_refused():
    with pytest.raises(BundleError, match="claim more bytes than it has"):
        unpack(_end(_directory(b"manifest.json", 2**31), 1, 0))


def test_members_that_share_their_bytes_are_refused():
    content = bytes(1000)
    member = struct.pack(
        "<4s2B4H3I2H", b"PK\3\4", 20, 0, 0, 0, 0, 33, zlib.crc32(content), 1000, 1000, 1, 0
    )
    body = member + b"a" + content
    entries = _directory(b"a", 1000, crc=zlib.crc32(content)) * 50
    with pytest.raises(BundleError, match="claim more bytes than it has"):
        unpack(body + _end(entries, 50, len(body)))


def test_a_member_at_an_impossible_place_is_refused():
    zip64 = struct.pack("<HHQ", 1, 8, 2**64 - 1)
    with pytest.raises(BundleError):
        unpack(_end(_directory(b"manifest.json", 0, 2**32 - 1, zip64), 1, 0))


def test_an_encrypted_member_is_refused():
    data = bytearray(pack({MANIFEST_NAME: b"{}"}))
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    with pytest.raises(BundleError):
        unpack(bytes(data))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "entries",
    [
        [(MANIFEST_NAME, b"{}"), (MANIFEST_NAME, b"{}")],
        [(MANIFEST_NAME, b"{}"), (MANIFEST_NAME, b"[]")],
        [(MANIFEST_NAME, b"{}"), ("a", b"1"), ("a", b"2")],
        [(MANIFEST_NAME, b"{}"), ("b", b""), ("a", b"")],
        [("a", b""), (MANIFEST_NAME, b"{}")],
    ],
)
def test_doubled_names_and_another_order_are_refused(entries):
    with pytest.raises(BundleDamagedError, match="not packed as a bundle is"):
        unpack(_zip(entries))


@pytest.mark.parametrize(
    "attributes",
    [
        {"external_attr": (stat.S_IFLNK | 0o777) << 16},
        {"external_attr": (stat.S_IFREG | 0o4755) << 16},
        {"external_attr": 0x10},
        {"create_system": 0},
        {"date_time": (2026, 5, 4, 9, 12, 30)},
        {"comment": b"hi"},
        {"extra": struct.pack("<HHI", 0x7875, 4, 0)},
    ],
)
def test_links_modes_times_and_extras_are_refused(attributes):
    plain = _zip(TINY.items())
    assert plain == pack(TINY)
    with pytest.raises(BundleError):
        unpack(_zip(TINY.items(), **attributes))


def test_a_name_with_a_nul_byte_is_refused():
    data = pack({MANIFEST_NAME: b"{}", "axnpy": b"a"}).replace(b"axnpy", b"a\0npy")
    with pytest.raises(BundleError):
        unpack(data)


def test_a_zip_without_a_manifest_is_refused():
    with pytest.raises(BundleError, match=r"there is no manifest\.json in it"):
        unpack(pack({"a.npy": b"a"}))


def test_more_members_than_any_bundle_has_are_refused():
    most = {MANIFEST_NAME: b"{}"} | {f"m{i}": b"" for i in range(MEMBERS_MAX - 1)}
    assert unpack(pack(most)) == most
    with pytest.raises(BundleError, match=f"{MEMBERS_MAX + 1} members"):
        unpack(pack({**most, "one-more": b""}))


@pytest.mark.parametrize("data", [b"", b"PK\5\6", b"PK\3\4", b"a text\n", b"\0" * 5000])
def test_what_is_no_zip_is_called_no_bundle(data):
    with pytest.raises(BundleError, match="not a bundle: it is no zip archive"):
        unpack(data)


@given(st.binary(max_size=300), st.binary(max_size=60), st.integers(0), st.booleans())
def test_random_bytes_raise_nothing_but_bundle_errors(noise, patch, at, tail):
    data = bytearray(pack(TINY))
    end = len(data) - 22 if tail else len(data)
    at = at % end
    data[at : at + len(patch)] = patch
    for attempt in (noise, noise + bytes(data), bytes(data) + noise, bytes(data)[:end] + noise):
        if attempt != pack(TINY):
            with pytest.raises(BundleError):
                unpack(attempt)
