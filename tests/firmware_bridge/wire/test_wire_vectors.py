"""The test vectors that firmware engineers are given: our codec makes and reads them exactly."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firmware_bridge.wire import messages as m
from firmware_bridge.wire.framing import FrameDecoder, encode
from firmware_bridge.wire.scan_push import Ack, ScanPush
from soil.axis import Axis

VECTORS = json.loads((Path(m.__file__).parent / "wire_vectors.json").read_text())
TYPES = {
    "HELLO": m.Hello, "GET_AXIS": m.GetAxis, "MEASURE": m.Measure, "GET_STATUS": m.GetStatus,
    "INFO": m.Info, "AXIS": m.AxisReply, "ACCEPTED": m.Accepted, "STATUS": m.Status,
    "ERROR": m.ErrorReply, "SCAN": ScanPush, "ACK": Ack,
}  # fmt: skip


def _message(name: str, fields: dict[str, Any]) -> m.Message:
    if name == "AXIS":
        return m.AxisReply(Axis(fields["unit"], fields["values"]))
    if name == "SCAN":
        return ScanPush(**{**fields, "values": np.array(fields["values"], dtype=np.float32)})
    if name == "INFO":
        return m.Info(**{**fields, "capabilities": frozenset(fields["capabilities"])})
    return TYPES[name](**fields)


@pytest.mark.parametrize(
    "vector", VECTORS["messages"], ids=lambda v: f"{v['name']}-{v['sequence']}"
)
def test_a_message_is_made_and_read_as_the_vector_says(vector):
    message = _message(vector["name"], vector["fields"])
    assert vector["type"] == message.TYPE
    assert message.pack().hex() == vector["payload"]
    frame = message.frame(vector["sequence"])
    assert encode(frame).hex() == vector["frame"]
    assert FrameDecoder().feed(bytes.fromhex(vector["frame"])) == [frame]
    assert type(message).unpack(frame.payload).pack() == message.pack()
    if vector["name"] == "AXIS":
        assert message.axis_id == vector["fields"]["axis_id"]


@pytest.mark.parametrize("stream", VECTORS["streams"], ids=lambda s: s["what"])
def test_a_stream_gives_as_many_frames_as_the_vector_says(stream):
    decoder = FrameDecoder()
    assert len(decoder.feed(bytes.fromhex(stream["bytes"]))) == stream["frames"]
    assert decoder.damaged == stream["damaged"]


def test_every_message_has_a_vector():
    assert {vector["name"] for vector in VECTORS["messages"]} == set(TYPES)


def test_the_check_value_names_our_crc():
    assert f"{zlib.crc32(VECTORS['crc32']['input'].encode()):08x}" == VECTORS["crc32"]["crc"]
