"""The codec of frames: what goes in comes out, whatever the line does in between."""

from __future__ import annotations

import struct
import zlib

import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.errors import ProtocolError
from firmware_bridge.wire.framing import (
    MAX_FRAME,
    MAX_PAYLOAD,
    TERMINATOR,
    VERSION,
    Frame,
    FrameDecoder,
    encode,
)

frames = st.builds(
    Frame,
    type=st.integers(0, 0xFF),
    sequence=st.integers(0, 0xFFFF),
    payload=st.binary(max_size=600),
)


@given(st.lists(frames, max_size=5), st.lists(st.integers(1, 50), min_size=1))
def test_frames_come_back_however_the_bytes_are_cut(sent, cuts):
    stream = b"".join(map(encode, sent))
    decoder, received, at = FrameDecoder(), [], 0
    while at < len(stream):
        cut = cuts[at % len(cuts)]
        received += decoder.feed(stream[at : at + cut])
        at += cut
    assert received == sent
    assert (decoder.frames, decoder.damaged) == (len(sent), 0)


@given(frames)
def test_a_terminator_stands_at_the_end_of_a_frame_and_nowhere_else(frame):
    assert encode(frame).find(b"\0") == len(encode(frame)) - 1


@given(st.binary(max_size=2000), frames)
def test_after_any_garbage_a_flushed_frame_is_received(garbage, frame):
    decoder = FrameDecoder()
    decoder.feed(garbage)
    assert decoder.feed(b"\0" + encode(frame))[-1] == frame


@given(st.binary(max_size=2000), frames)
def test_garbage_without_a_flush_costs_one_frame_at_most(garbage, frame):
    decoder = FrameDecoder()
    decoder.feed(garbage + encode(frame))
    assert decoder.feed(encode(frame)) == [frame]


@given(st.lists(st.binary(max_size=5000), max_size=20))
def test_random_bytes_never_raise_and_never_pile_up(chunks):
    decoder = FrameDecoder()
    for chunk in chunks:
        decoder.feed(chunk.replace(b"\0", b"\1"))
        assert decoder.buffered <= MAX_FRAME


@given(frames, st.integers(0), st.integers(1, 255))
def test_one_flipped_byte_never_makes_another_frame(frame, at, flip):
    data = bytearray(encode(frame))
    data[at % (len(data) - 1)] ^= flip
    decoder = FrameDecoder()
    assert decoder.feed(bytes(data)) == []
    assert decoder.damaged >= 1


def test_an_endless_frame_is_counted_once_and_skipped():
    decoder, good = FrameDecoder(), Frame(1, 2, b"3")
    for _ in range(100):
        decoder.feed(b"\x01" * 1000)
    assert decoder.feed(b"\0" + encode(good)) == [good]
    assert decoder.damaged == 1


def test_the_largest_payload_fits_and_one_byte_more_is_refused():
    largest = Frame(1, 2, b"\1" * MAX_PAYLOAD)
    assert FrameDecoder().feed(encode(largest)) == [largest]
    assert len(encode(largest)) == MAX_FRAME + 1
    with pytest.raises(ProtocolError, match="does not fit"):
        encode(Frame(1, 2, b"\1" * (MAX_PAYLOAD + 1)))


def test_terminators_alone_are_neither_frames_nor_damage():
    decoder = FrameDecoder()
    assert decoder.feed(b"\0\0\0") == []
    assert (decoder.frames, decoder.damaged) == (0, 0)


def test_a_frame_longer_than_any_message_is_damage_however_well_it_is_stuffed():
    body = struct.pack("<BBH", VERSION, 0x80, 1) + bytes(MAX_PAYLOAD + 1)
    stuffed = cobs.encode(body + struct.pack("<I", zlib.crc32(body)))
    assert len(stuffed) <= MAX_FRAME
    decoder = FrameDecoder()
    assert decoder.feed(stuffed + TERMINATOR) == []
    assert decoder.damaged == 1
