"""The C header for firmware makes and reads what Python does, and never oversteps a buffer."""

from __future__ import annotations

import json
import subprocess
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cobs import cobs
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from firmware_bridge.errors import ProtocolError
from firmware_bridge.wire import framing
from firmware_bridge.wire import messages as m
from firmware_bridge.wire.framing import (
    MAX_FRAME,
    MAX_PAYLOAD,
    MAX_POINTS,
    Frame,
    FrameDecoder,
    encode,
)
from firmware_bridge.wire.payload import (
    UNKNOWN_BATTERY,
    UNKNOWN_TEMPERATURE,
    battery_field,
    temperature_field,
)
from firmware_bridge.wire.scan_push import KINDS, MAX_LABEL, Ack, ScanPush
from parts import need
from soil.axis import Axis

HEADER = Path(framing.__file__).parent / "loamscan_wire.h"
PROGRAM = Path(__file__).parent / "wire_vectors.c"
VECTORS = json.loads((HEADER.parent / "wire_vectors.json").read_text())
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion")
SANITIZERS = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")

TO_DEVICE = {
    "HELLO": m.Hello, "GET_AXIS": m.GetAxis, "MEASURE": m.Measure, "GET_STATUS": m.GetStatus,
    "ACK": Ack,
}  # fmt: skip
FROM_DEVICE = {
    "INFO": m.Info, "AXIS": m.AxisReply, "ACCEPTED": m.Accepted, "STATUS": m.Status,
    "ERROR": m.ErrorReply, "SCAN": ScanPush,
}  # fmt: skip
ROOM = MAX_FRAME + 1
SMALLEST_BUFFER = len(encode(Ack(0, 0).frame(0))) - 1
REFUSED = "refused"


@dataclass
class Firmware:
    """A process that speaks the device's side of the wire in C: wire_vectors.c says how."""

    process: subprocess.Popen[str]

    def ask(self, command: str, *fields: Any) -> list[str]:
        words = [command, *(str(f) if isinstance(f, int) else f.hex() or "-" for f in fields)]
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        lines = []
        while (line := self.process.stdout.readline()) != ".\n":
            assert line, f"the program ended within {command}"
            lines.append(line.removesuffix("\n"))
        return lines

    def encode(self, frame: Frame, room: int = ROOM) -> str:
        (reply,) = self.ask("frame", room, frame.sequence, frame.type, frame.payload)
        return reply

    def send(self, message: m.Message, sequence: int = 1, room: int = ROOM) -> str:
        command, *fields = _command(message)
        (reply,) = self.ask(command, room, sequence, *fields)
        return reply

    def read(self, message_type: type[m.Message], payload: bytes) -> str:
        (reply,) = self.ask("read", message_type.TYPE, payload)
        return reply

    def new_decoder(self, room: int = MAX_FRAME) -> None:
        self.ask("decoder", room)

    def feed(self, data: bytes) -> tuple[list[Frame], int, int]:
        """Frames that end within ``data``; all frames and all damaged ones so far."""
        *lines, counts = self.ask("feed", data)
        frames = []
        for line in lines:
            kind, sequence, payload = line.split(" ")
            frames.append(Frame(int(kind), int(sequence), bytes.fromhex(payload)))
        return frames, *map(int, counts.split())


def _compile(program: Path, *flags: str, source: str) -> None:
    command = [need("cc"), *flags, "-x", "c", "-", "-o", program]
    subprocess.run(command, input=source, text=True, check=True)


@pytest.fixture(scope="session", params=["plain", "sanitized"])
def firmware(request, tmp_path_factory) -> Iterator[Firmware]:
    program = tmp_path_factory.mktemp("firmware") / "wire_vectors"
    flags = ["-std=c99", *WARNINGS, "-I", str(HEADER.parent)]
    if request.param == "sanitized":
        flags += SANITIZERS
        try:
            _compile(program, *flags, source="int main(void) { return 0; }")
        except subprocess.CalledProcessError:
            pytest.skip("the compiler has no sanitizers")
    _compile(program, *flags, source=PROGRAM.read_text())
    pipe = subprocess.PIPE
    with subprocess.Popen([program], stdin=pipe, stdout=pipe, text=True) as process:
        yield Firmware(process)
        process.stdin.close()
        assert process.wait(10) == 0


def _command(message: m.Message) -> tuple[Any, ...]:
    match message:
        case m.Info():
            bits = sum(1 << m.CAPABILITIES.index(name) for name in message.capabilities)
            texts = (t.encode() for t in (message.model, message.serial, message.firmware))
            return "info", message.session, bits, *texts
        case m.AxisReply(axis):
            return "axis", m.UNITS.index(axis.unit), axis.values.tobytes()
        case m.Accepted(estimate_ms):
            return "accepted", estimate_ms
        case m.Status(temperature_c, battery_pct, state):
            temperature, battery = temperature_field(temperature_c), battery_field(battery_pct)
            return "status", temperature, battery, m.STATES.index(state)
        case m.ErrorReply(code, text):
            return "error", code, text.encode()
        case ScanPush():
            return (
                "scan",
                message.session,
                message.number,
                message.axis_id,
                m.ROLES.index(message.role),
                KINDS.index(message.kind),
                message.scan_time_ms,
                temperature_field(message.temperature_c),
                battery_field(message.battery_pct),
                np.float32(message.full_scale).tobytes(),
                message.label.encode(),
                message.values.tobytes(),
            )
    raise AssertionError(message)


def _fields(request: m.Message) -> str:
    """What C says of a request that it has read."""
    match request:
        case m.Hello(low, high):
            return f"{low} {high}"
        case m.Measure(role):
            return str(m.ROLES.index(role))
        case Ack(session, number):
            return f"{session} {number}"
    return ""


def _stuffed(body: bytes) -> bytes:
    """A frame of any body, such as one that no encoder would make."""
    return bytes(cobs.encode(body + zlib.crc32(body).to_bytes(4, "little"))) + b"\0"


def _flipped(data: bytes, at: int, flip: int) -> bytes:
    at %= len(data)
    return data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :]


u8, u16, u32 = st.integers(0, 0xFF), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
frames = st.builds(Frame, type=u8, sequence=u16, payload=st.binary(max_size=600))
sizes_at_the_limit = st.integers(MAX_PAYLOAD - 5, MAX_PAYLOAD + 40)
streams = st.lists(
    st.one_of(
        st.just(b"\0"),
        st.binary(max_size=100),
        frames.map(encode),
        frames.map(encode).map(lambda data: data[:-1]),
        st.builds(_flipped, frames.map(encode), st.integers(0), st.integers(1, 255)),
        st.binary(max_size=10).map(_stuffed),
        st.builds(lambda size, byte: _stuffed(b"\1\1\0\0" + byte * size),
                  sizes_at_the_limit, st.sampled_from([b"\0", b"\1"])),
        st.integers(1, 9000).map(lambda size: b"\1" * size),
    ),
    max_size=8,
).map(b"".join)  # fmt: skip

# A text in C ends at U+0000.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=16)
temperatures = st.none() | st.integers(-0x8000, 0x7FFE).map(lambda hundredths: hundredths / 100)
batteries = st.none() | st.integers(0, 100)
bands = st.lists(st.floats(1, 1e5), min_size=2, max_size=20, unique=True).map(sorted)
bits_of_values = arrays.arrays(np.uint32, st.integers(2, 40))
device_messages = st.one_of(
    st.builds(
        m.Info, st.just(1), u32, st.frozensets(st.sampled_from(m.CAPABILITIES)), texts, texts, texts
    ),
    st.builds(Axis, st.sampled_from(m.UNITS), bands).map(m.AxisReply),
    st.builds(m.Accepted, u32),
    st.builds(m.Status, temperatures, batteries, st.sampled_from(m.STATES)),
    st.builds(m.ErrorReply, u8, texts),
    st.builds(
        ScanPush,
        session=u32,
        number=u32,
        axis_id=u32,
        role=st.sampled_from(m.ROLES),
        kind=st.sampled_from(KINDS),
        scan_time_ms=u32,
        temperature_c=temperatures,
        battery_pct=batteries,
        full_scale=st.floats(width=32, allow_nan=False),
        label=texts,
        values=bits_of_values.map(lambda bits: bits.view(np.float32)),
    ),
)


def test_its_constants_are_those_of_python(firmware):
    shown = {}
    for line in firmware.ask("constants"):
        name, value = line.split(" ")
        shown[name] = int(value)
    assert shown == {
        "VERSION": framing.VERSION,
        "TEMPERATURE_UNKNOWN": UNKNOWN_TEMPERATURE,
        "BATTERY_UNKNOWN": UNKNOWN_BATTERY,
        "MIN_POINTS": 2,
        "MAX_POINTS": MAX_POINTS,
        "MAX_TEXT": 255,
        "MAX_LABEL": MAX_LABEL,
        "MAX_PAYLOAD": MAX_PAYLOAD,
        "MAX_FRAME": MAX_FRAME,
        "MAX_REQUEST": SMALLEST_BUFFER,
        **{name: message.TYPE for name, message in {**TO_DEVICE, **FROM_DEVICE}.items()},
        **{f"CAPABILITY_{name.upper()}": 1 << bit for bit, name in enumerate(m.CAPABILITIES)},
        "UNIT_NM": m.UNITS.index("nm"),
        "UNIT_PER_CM": m.UNITS.index("cm-1"),
        **{f"ROLE_{name.upper()}": code for code, name in enumerate(m.ROLES)},
        **{f"KIND_{name.upper()}": code for code, name in enumerate(KINDS)},
        **{f"STATE_{name.upper().replace(' ', '_')}": code for code, name in enumerate(m.STATES)},
        **{f"ERROR_{error.name}": error.value for error in m.ErrorCode},
    }


def test_the_check_value_names_its_crc(firmware):
    (crc,) = firmware.ask("crc32", VECTORS["crc32"]["input"].encode())
    assert f"{int(crc):08x}" == VECTORS["crc32"]["crc"]


@pytest.mark.parametrize(
    "vector", VECTORS["messages"], ids=lambda v: f"{v['name']}-{v['sequence']}"
)
def test_a_message_is_made_and_read_as_the_vector_says(firmware, vector):
    frame = Frame(vector["type"], vector["sequence"], bytes.fromhex(vector["payload"]))
    assert firmware.encode(frame) == vector["frame"]
    firmware.new_decoder()
    assert firmware.feed(bytes.fromhex(vector["frame"])) == ([frame], 1, 0)
    if vector["name"] in FROM_DEVICE:
        message = FROM_DEVICE[vector["name"]].unpack(frame.payload)
        assert firmware.send(message, frame.sequence) == vector["frame"]
    else:
        request = TO_DEVICE[vector["name"]].unpack(frame.payload)
        assert firmware.read(type(request), frame.payload) == _fields(request)


@pytest.mark.parametrize("stream", VECTORS["streams"], ids=lambda s: s["what"])
def test_a_stream_gives_as_many_frames_as_the_vector_says(firmware, stream):
    firmware.new_decoder()
    got, frames, damaged = firmware.feed(bytes.fromhex(stream["bytes"]))
    assert (len(got), frames, damaged) == (stream["frames"], stream["frames"], stream["damaged"])


@settings(max_examples=400)
@given(streams, st.lists(st.integers(0, 20_000), max_size=5).map(sorted))
def test_any_stream_gives_the_frames_and_the_damage_that_python_sees(firmware, stream, cuts):
    decoder = FrameDecoder()
    firmware.new_decoder()
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        piece = stream[start:stop]
        assert firmware.feed(piece) == (decoder.feed(piece), decoder.frames, decoder.damaged)


@pytest.mark.parametrize("room", [MAX_FRAME, 2 * MAX_FRAME])
def test_the_largest_frame_is_received_and_one_byte_more_is_damage(firmware, room):
    largest = Frame(1, 2, b"\1" * MAX_PAYLOAD)
    longer = _stuffed(b"\1\1\2\0" + largest.payload + b"\1")
    firmware.new_decoder(room)
    assert firmware.feed(encode(largest)) == ([largest], 1, 0)
    assert firmware.feed(longer + encode(largest)) == ([largest], 2, 1)


def test_the_smallest_buffer_receives_every_request_and_skips_what_is_longer(firmware):
    requests = [
        m.Hello(255, 255), m.GetAxis(), m.Measure("dark"), m.GetStatus(),
        Ack(0xFFFFFFFF, 0xFFFFFFFF),
    ]  # fmt: skip
    firmware.new_decoder(SMALLEST_BUFFER)
    for number, request in enumerate(requests):
        frame = request.frame(0xFFFF)
        longer = encode(Frame(5, 1, bytes(9)))
        assert firmware.feed(longer + encode(frame)) == ([frame], number + 1, number + 1)


def test_a_cobs_code_that_points_beyond_the_buffer_is_damage(firmware):
    firmware.new_decoder(SMALLEST_BUFFER)
    assert firmware.feed(b"\xff\1\0") == ([], 0, 1)


@given(frames)
@example(Frame(0xFF, 0xFFFF, b"\1" * MAX_PAYLOAD))
@example(Frame(0, 0, b"\0" * MAX_PAYLOAD))
@example(Frame(1, 0x0101, b"\1" * (254 - 8)))
def test_any_payload_is_encoded_as_python_does(firmware, frame):
    assert firmware.encode(frame) == encode(frame).hex()


def test_a_payload_too_large_is_refused(firmware):
    assert firmware.encode(Frame(1, 1, bytes(MAX_PAYLOAD + 1)), room=2 * ROOM) == REFUSED


@given(device_messages, u16)
def test_a_message_of_the_device_is_the_one_python_would_send(firmware, message, sequence):
    assert firmware.send(message, sequence) == encode(message.frame(sequence)).hex()


@given(device_messages, st.data())
def test_a_message_needs_room_for_its_last_byte(firmware, message, data):
    sent = encode(message.frame(1))
    assert firmware.send(message, room=len(sent)) == sent.hex()
    too_little = data.draw(st.integers(0, len(sent) - 1))
    assert firmware.send(message, room=too_little) == REFUSED


@given(st.builds(Axis, st.sampled_from(m.UNITS), bands).map(m.AxisReply))
def test_an_axis_has_the_name_that_python_gives_it(firmware, message):
    _, *axis = _command(message)
    assert firmware.ask("axis_id", *axis) == [str(message.axis_id)]


PUSH = ScanPush(
    session=1, number=2, axis_id=3, role="sample", kind="counts", scan_time_ms=4,
    temperature_c=None, battery_pct=None, full_scale=0.0, label="",
    values=np.full(MAX_POINTS, 1.1, dtype=np.float32),
)  # fmt: skip


@pytest.mark.parametrize("count", [2, MAX_POINTS])
def test_a_buffer_of_the_size_it_names_holds_the_longest_scan_and_axis(firmware, count):
    scan = replace(PUSH, label="ä" * 32, values=PUSH.values[:count])
    axis = m.AxisReply(Axis("nm", np.linspace(1000.1, 2000.1, count)))
    (sizes,) = firmware.ask("buffers", count)
    for message, size in zip((scan, axis), map(int, sizes.split()), strict=True):
        assert firmware.send(message, room=size) == encode(message.frame(1)).hex()


@pytest.mark.parametrize(
    "message",
    [
        replace(PUSH, label="ä" * 32 + "x"),
        replace(PUSH, values=np.ones(MAX_POINTS + 1, dtype=np.float32)),
        replace(PUSH, values=PUSH.values[:1]),
        m.AxisReply(Axis("nm", np.arange(1.0, MAX_POINTS + 2))),
        m.ErrorReply(1, "x" * 256),
        m.Info(1, 1, frozenset(), "x" * 256, "", ""),
        m.Info(1, 1, frozenset(), "", "x" * 256, ""),
        m.Info(1, 1, frozenset(), "", "", "x" * 256),
    ],
    ids=[
        "label of 65 bytes", "scan of 1025 bands", "scan of 1 band", "axis of 1025 bands",
        "error text of 256 bytes", "model of 256 bytes", "serial of 256 bytes",
        "firmware of 256 bytes",
    ],
)  # fmt: skip
def test_a_message_beyond_a_limit_is_refused(firmware, message):
    assert firmware.send(message, room=2 * ROOM) == REFUSED


TWO_BANDS = np.array([1.0, 2.0]).tobytes()
AXIS, STATUS, SCAN = (
    _command(message)
    for message in (m.AxisReply(Axis("nm", [1, 2])), m.Status(None, None, "ready"), PUSH)
)


@pytest.mark.parametrize(
    ("message", "at", "codes"),
    [(AXIS, 1, m.UNITS), (STATUS, 3, m.STATES), (SCAN, 4, m.ROLES), (SCAN, 5, KINDS)],
    ids=["unit", "state", "role", "kind"],
)
def test_a_code_without_a_meaning_is_refused(firmware, message, at, codes):
    def reply(code: int) -> list[str]:
        command, *fields = (*message[:at], code, *message[at + 1 :])
        return firmware.ask(command, ROOM, 1, *fields)

    assert reply(len(codes) - 1) != [REFUSED]
    assert reply(len(codes)) == [REFUSED]


@given(st.sampled_from([*TO_DEVICE.values()]), st.binary(max_size=9))
@example(m.Hello, b"\1\2")
@example(m.Hello, b"\2\1")
@example(m.Hello, b"\1\1\1")
@example(m.GetAxis, b"\0")
@example(m.Measure, b"")
@example(m.Measure, b"\2")
@example(m.Measure, b"\3")
@example(m.Measure, b"\2\0")
@example(m.GetStatus, b"\0")
@example(Ack, b"\1\2\3\4\5\6\7\x88")
@example(Ack, b"\1\2\3\4\5\6\7")
@example(Ack, b"\1\2\3\4\5\6\7\x88\0")
def test_a_request_is_read_or_refused_as_python_does(firmware, message_type, payload):
    try:
        expected = _fields(message_type.unpack(payload))
    except ProtocolError:
        expected = REFUSED
    assert firmware.read(message_type, payload) == expected


def test_the_header_compiles_as_cpp_too():
    flags = ["-std=c++11", *WARNINGS, "-fsyntax-only"]
    subprocess.run([need("c++"), *flags, "-x", "c++", HEADER], check=True)
