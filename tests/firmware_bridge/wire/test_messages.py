"""Payloads: every message comes back as it was, every malformed payload is refused."""

from __future__ import annotations

import contextlib
import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from firmware_bridge.errors import ProtocolError
from firmware_bridge.wire import messages as m
from firmware_bridge.wire.scan_push import KINDS, Ack, ScanPush
from soil.axis import Axis

u8, u32 = st.integers(0, 0xFF), st.integers(0, 0xFFFFFFFF)
texts = st.text(st.characters(codec="utf-8"), max_size=16)
temperatures = st.none() | st.integers(-0x8000, 0x7FFE).map(lambda hundredths: hundredths / 100)
batteries = st.none() | st.integers(0, 100)
axes = st.builds(
    Axis,
    st.sampled_from(m.UNITS),
    st.lists(st.floats(1, 1e5), min_size=2, max_size=20, unique=True).map(sorted),
)
message_types = [
    *(m.Hello, m.GetAxis, m.Measure, m.GetStatus),
    *(m.Info, m.AxisReply, m.Accepted, m.Status, m.ErrorReply, ScanPush, Ack),
]
plain_messages = st.one_of(
    st.tuples(u8, u8).map(sorted).map(lambda versions: m.Hello(*versions)),
    st.just(m.GetAxis()),
    st.just(m.GetStatus()),
    st.builds(m.Measure, st.sampled_from(m.ROLES)),
    st.builds(m.Info, u8, u32, st.frozensets(st.sampled_from(m.CAPABILITIES)), texts, texts, texts),
    st.builds(m.AxisReply, axes),
    st.builds(m.Accepted, u32),
    st.builds(m.Status, temperatures, batteries, st.sampled_from(m.STATES)),
    st.builds(m.ErrorReply, u8, texts),
    st.builds(Ack, u32, u32),
)
scan_pushes = st.builds(
    ScanPush,
    session=u32,
    number=u32,
    axis_id=u32,
    role=st.sampled_from(m.ROLES),
    kind=st.sampled_from(KINDS),
    scan_time_ms=u32,
    temperature_c=temperatures,
    battery_pct=batteries,
    full_scale=st.floats(0, 1e9, width=32),
    label=texts,
    values=arrays.arrays(np.uint32, st.integers(0, 40)).map(lambda bits: bits.view(np.float32)),
)


@given(plain_messages)
def test_a_message_comes_back_as_it_was(message):
    assert type(message).unpack(message.pack()) == message


@given(scan_pushes)
def test_a_scan_comes_back_to_the_bit_whatever_its_values(push):
    back = ScanPush.unpack(push.pack())
    assert back.pack() == push.pack()
    assert back.values.tobytes() == push.values.tobytes()
    assert (back.label, back.temperature_c) == (push.label, push.temperature_c)


@given(plain_messages | scan_pushes, st.data())
def test_a_payload_cut_short_or_too_long_is_refused(message, data):
    payload = message.pack()
    with pytest.raises(ProtocolError):
        type(message).unpack(payload + b"\0")
    if payload:
        with pytest.raises(ProtocolError):
            type(message).unpack(payload[: data.draw(st.integers(0, len(payload) - 1))])


@given(st.sampled_from(message_types), st.binary(max_size=200))
def test_any_payload_is_read_or_refused(message_type, payload):
    with contextlib.suppress(ProtocolError):
        message_type.unpack(payload)


@pytest.mark.parametrize(
    ("message_type", "payload", "why"),
    [
        (m.Hello, b"\2\1", "versions 2 to 1"),
        (m.Measure, b"\3", "role 3"),
        (m.Status, struct.pack("<hBB", 0, 50, 9), "state 9"),
        (m.ErrorReply, b"\1\2\xff\xfe", "not UTF-8"),
        (m.AxisReply, struct.pack("<BH2d", 2, 2, 1, 2), "unit 2"),
        (m.AxisReply, struct.pack("<BH2d", 0, 2, 1, float("nan")), "not a positive number"),
        (m.AxisReply, struct.pack("<BH3d", 0, 3, 1, 3, 2), "monotone"),
        (m.AxisReply, struct.pack("<BH", 0, 1025), "more than 1024"),
        (m.AxisReply, struct.pack("<BHd", 0, 1, 5), "at least two"),
    ],
)
def test_values_without_a_meaning_are_refused(message_type, payload, why):
    with pytest.raises(ProtocolError, match=why):
        message_type.unpack(payload)


def test_capabilities_of_a_later_firmware_are_ignored():
    payload = bytearray(m.Info(1, 2, frozenset({"measure"}), "a", "b", "c").pack())
    payload[8] = 0x80
    assert m.Info.unpack(bytes(payload)).capabilities == {"measure"}


def _push(axis_id: int, count: int, label: str = "") -> ScanPush:
    return ScanPush(
        session=1, number=2, axis_id=axis_id, role="sample", kind="counts", scan_time_ms=3,
        temperature_c=None, battery_pct=None, full_scale=0.0, label=label,
        values=np.zeros(count, dtype=np.float32),
    )  # fmt: skip


def test_a_scan_belongs_to_the_axis_it_names():
    declared = m.AxisReply(Axis("nm", [1, 2, 3]))
    assert _push(declared.axis_id, 3).on_axis(declared).axis == declared.axis
    with pytest.raises(ProtocolError, match="names axis 00000007"):
        _push(7, 3).on_axis(declared)
    with pytest.raises(ProtocolError, match="4 values on an axis of 3"):
        _push(declared.axis_id, 4).on_axis(declared)


def test_near_identical_axes_have_different_names():
    ids = {m.AxisReply(Axis("nm", [1350.155, end])).axis_id for end in (2550.0, 2550.0000001)}
    assert len(ids) == 2


def test_what_does_not_fit_the_wire_is_refused_when_packed():
    assert _push(1, 2, "ä" * 32).pack()
    with pytest.raises(ProtocolError, match="65 bytes"):
        _push(1, 2, "ä" * 32 + "x").pack()
    with pytest.raises(ProtocolError, match="does not fit"):
        m.Status(400.0, None, "ready").pack()


def test_side_fields_without_a_meaning_are_unknown_and_cost_no_scan():
    assert m.Status.unpack(struct.pack("<hBB", 0, 101, 0)).battery_pct is None
    push = ScanPush(
        session=1, number=1, axis_id=1, role="sample", kind="counts", scan_time_ms=1,
        temperature_c=None, battery_pct=None, full_scale=0.0, label="", values=np.float32([1, 2]),
    )  # fmt: skip
    for nonsense in (float("nan"), float("inf"), -1.0):
        assert ScanPush.unpack(replace(push, full_scale=nonsense).pack()).full_scale == 0.0
