"""Packets come back as they were sent, out of any garbage; what is none is never taken for one."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.errors import ProtocolError
from firmware_bridge.nirscan.packets import (
    PACKET_BYTES_MAX,
    Packet,
    PacketDecoder,
    encode,
)

packets = st.builds(
    Packet,
    command=st.tuples(st.integers(0, 255), st.integers(0, 255)),
    data=st.binary(max_size=510),
    sequence=st.integers(0, 255),
    reads=st.booleans(),
    response=st.integers(0, 2),
)


def test_a_request_is_written_as_the_guide_has_it() -> None:
    request = encode(Packet((0x02, 0x19), sequence=7))
    body = bytes.fromhex("c0 07 0200 19 02".replace(" ", ""))
    assert request == b"ABCD" + struct.pack("<I", sum(body)) + body + b"DCBA"
    assert encode(Packet((0x02, 0x18), b"\0", reads=False))[8] == 0x40


@given(st.lists(packets, max_size=4), st.data())
def test_packets_come_back_however_the_bytes_are_cut(sent, data) -> None:
    stream = b"".join(map(encode, sent))
    decoder, found = PacketDecoder(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += decoder.feed(stream[:size])
        stream = stream[size:]
    assert found + decoder.flush() == sent
    assert decoder.skipped == 0


@given(st.binary(max_size=700), packets, packets)
def test_after_any_garbage_the_next_packet_is_received(garbage, first, second) -> None:
    decoder = PacketDecoder()
    found = decoder.feed(garbage + encode(first))
    found += decoder.flush()
    found += decoder.feed(encode(second))
    found += decoder.flush()
    assert found[-1] == second


@given(packets, st.integers(0, 600), st.integers(1, 255))
def test_one_changed_byte_is_noticed(packet, at, flip) -> None:
    data = bytearray(encode(packet))
    data[at % len(data)] ^= flip
    decoder = PacketDecoder()
    assert decoder.feed(bytes(data)) + decoder.flush() == []


@given(packets, st.integers(0, 600))
def test_one_byte_too_few_or_too_many_is_noticed_or_does_not_matter(packet, at) -> None:
    data = encode(packet)
    at %= len(data)
    for spoilt in (data[:at] + data[at + 1 :], data[:at] + data[at : at + 1] + data[at:]):
        decoder = PacketDecoder()
        # A start that is doubled at its first byte, or an end at its last, leaves the packet whole.
        assert set(decoder.feed(spoilt) + decoder.flush()) <= {packet}


@given(st.lists(st.binary(max_size=2000), max_size=5))
def test_no_input_is_held_without_bound_or_raises(parts) -> None:
    decoder = PacketDecoder()
    for part in parts:
        decoder.feed(part)
        assert decoder.buffered <= PACKET_BYTES_MAX
    decoder.flush()
    assert decoder.buffered == 0


def test_a_length_that_lies_costs_its_packet_alone() -> None:
    good = Packet((0x02, 0x19), b"\x01", sequence=9)
    lying = bytearray(encode(Packet((0x02, 0x33), sequence=8)))
    for length in (3, 500, 513, 65535):
        lying[10:12] = struct.pack("<H", length)
        decoder = PacketDecoder()
        found = decoder.feed(bytes(lying) + encode(good))
        assert found + decoder.flush() == [good], length


def test_what_a_sum_can_t_see_is_known() -> None:
    """Bytes that change places keep their sum: why a scan is checked by what it holds as well."""
    data = bytearray(encode(Packet((0x00, 0x2E), b"\x01\x02")))
    data[14], data[15] = data[15], data[14]
    assert PacketDecoder().feed(bytes(data)) == [Packet((0x00, 0x2E), b"\x02\x01")]


def test_data_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ProtocolError, match="511 bytes do not fit"):
        encode(Packet((0, 0), bytes(511)))
