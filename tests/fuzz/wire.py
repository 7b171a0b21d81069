"""Whatever bytes come over a wire or out of a file: a value, or an error that we mean. For `make fuzz`.

No input may raise anything else, hang, or make a decoder hold more than a frame.
"""

from __future__ import annotations

import sys
from contextlib import suppress

import atheris

with atheris.instrument_imports(include=["firmware_bridge", "soil"]):
    from firmware_bridge.errors import ProtocolError
    from firmware_bridge.nirscan.interpreted_file import interpreted_scan
    from firmware_bridge.nirscan.packets import PACKET_BYTES_MAX, PacketDecoder
    from firmware_bridge.wire import messages
    from firmware_bridge.wire.framing import MAX_FRAME, FrameDecoder
    from firmware_bridge.wire.scan_push import Ack, ScanPush

MESSAGES = (
    ScanPush, Ack, messages.Hello, messages.Info, messages.GetAxis, messages.AxisReply,
    messages.Measure, messages.Accepted, messages.GetStatus, messages.Status, messages.ErrorReply,
)  # fmt: skip


def frames(data: bytes) -> None:
    decoder = FrameDecoder()
    for frame in decoder.feed(data):
        payload(frame.payload)
    assert decoder.buffered <= MAX_FRAME


def payload(data: bytes) -> None:
    for message in MESSAGES:
        with suppress(ProtocolError):
            assert message.unpack(message.unpack(data).pack())


def packets(data: bytes) -> None:
    decoder = PacketDecoder()
    decoder.feed(data)
    assert decoder.buffered <= PACKET_BYTES_MAX
    decoder.flush()
    assert decoder.buffered == 0


def file(data: bytes) -> None:
    with suppress(ProtocolError):
        found = interpreted_scan(data)
        assert len(found.axis) == len(found.counts)


TARGETS = (frames, payload, packets, file)


def one_input(data: bytes) -> None:
    if data:
        TARGETS[data[0] % len(TARGETS)](data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
