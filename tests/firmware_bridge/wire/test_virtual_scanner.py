"""The virtual scanner: the device without a line, and what the line adds."""

from __future__ import annotations

import dataclasses
import time

import pytest

from firmware_bridge.drivers import open_scanner
from firmware_bridge.errors import PortError, ProtocolError
from firmware_bridge.wire import messages as m
from firmware_bridge.wire.framing import Frame
from firmware_bridge.wire.scan_push import Ack, ScanPush
from firmware_bridge.wire.virtual_device import VirtualDevice
from firmware_bridge.wire.virtual_scanner import VirtualScanner


def _ask(device, request, now_s=0.0, sequence=1):
    (reply,) = device.handle(request.frame(sequence), now_s)
    assert reply.sequence == sequence
    return reply


def _greeted(spectra, **options):
    device = VirtualDevice(spectra, **options)
    assert _ask(device, m.Hello()).type == m.Info.TYPE
    return device


def _due(device, now_s):
    return [ScanPush.unpack(frame.payload) for frame in device.due(now_s)]


def _acknowledge(device, push, now_s):
    assert device.handle(Ack(push.session, push.number).frame(9), now_s) == []


def _error(reply):
    assert reply.type == m.ErrorReply.TYPE
    return m.ErrorReply.unpack(reply.payload).code


def test_it_is_silent_until_greeted(spectra):
    device = VirtualDevice(spectra, scan_time_ms=0)
    assert _due(device, 100.0) == []
    _ask(device, m.Hello())
    assert len(_due(device, 100.0)) == 1


def test_a_scan_takes_its_time_and_is_sent_again_until_acknowledged(spectra):
    device = _greeted(spectra, scan_time_ms=2000, resend_s=1.0)
    assert _due(device, 0.0) == []
    assert device.next_due_s == 2.0
    (scan,) = _due(device, 2.0)
    assert _due(device, 2.9) == []
    (again,) = _due(device, 3.0)
    assert again.pack() == scan.pack()
    _acknowledge(device, scan, 3.5)
    assert _due(device, 3.5) == []
    assert [push.number for push in _due(device, 5.5)] == [scan.number + 1]


def test_the_acknowledgement_of_another_scan_or_session_releases_nothing(spectra):
    device = _greeted(spectra, scan_time_ms=0)
    (scan,) = _due(device, 0.0)
    for session, number in [(scan.session, 2), (scan.session ^ 1, 1)]:
        device.handle(Ack(session, number).frame(1), 0.0)
    assert [push.number for push in _due(device, 1.0)] == [1]


def test_replicates_are_of_one_sample_and_the_limit_counts_samples(spectra):
    device = _greeted(spectra, scan_time_ms=0, replicates=2, limit=5)
    labels = []
    for step in range(10):
        (scan,) = _due(device, float(step))
        labels.append(scan.label)
        assert not device.finished
        _acknowledge(device, scan, float(step))
    assert labels == list("AABBCCDDAA")
    assert device.finished
    assert _due(device, 99.0) == []


def test_without_cycling_it_ends_with_the_file(spectra):
    device = _greeted(spectra, scan_time_ms=0, cycle=False)
    for step in range(4):
        _acknowledge(device, _due(device, float(step))[0], float(step))
    assert device.finished


def test_the_interval_runs_from_the_acknowledgement(spectra):
    device = _greeted(spectra, scan_time_ms=0, interval_s=5.0)
    _acknowledge(device, _due(device, 0.0)[0], 1.0)
    assert device.next_due_s == 6.0
    assert _due(device, 5.9) == []
    assert len(_due(device, 6.0)) == 1


def test_a_repeated_request_to_measure_measures_once(spectra):
    device = _greeted(spectra, scan_time_ms=100, trigger=False)
    first = _ask(device, m.Measure(), sequence=7)
    assert _ask(device, m.Measure(), sequence=7) == first
    assert _error(_ask(device, m.Measure(), sequence=8)) == m.ErrorCode.BUSY
    assert len(_due(device, 0.1)) == 1


def test_it_refuses_what_it_does_not_know(spectra):
    device = _greeted(spectra, trigger=False, limit=1, scan_time_ms=0)
    assert _error(device.handle(Frame(0x3E, 1), 0.0)[0]) == m.ErrorCode.UNKNOWN_REQUEST
    assert _error(device.handle(Frame(m.Measure.TYPE, 1, b"\x09"), 0.0)[0]) == m.ErrorCode.MALFORMED
    assert _error(_ask(device, m.Hello(2, 3))) == m.ErrorCode.NO_COMMON_VERSION
    _ask(device, m.Measure(), sequence=2)
    _due(device, 0.0)
    assert _error(_ask(device, m.Measure(), sequence=3)) == m.ErrorCode.NOT_ABLE


def test_a_seed_fixes_the_session_and_without_one_it_is_new(spectra):
    def session(seed):
        return _ask(VirtualDevice(spectra, seed=seed), m.Hello()).payload

    assert session(5) == session(5) != session(6)
    assert session(None) != session(None)


def test_absorbance_is_measured_as_reflectance(spectra):
    absorbance = dataclasses.replace(spectra, kind="absorbance")
    (scan,) = _due(_greeted(absorbance, scan_time_ms=0), 0.0)
    assert scan.values == pytest.approx(10.0 ** -spectra.values[0], rel=1e-6)


def test_the_line_is_no_faster_than_its_baud_rate(plugged_in, spectra):
    virtual = plugged_in(baud=19200, limit=3)
    with open_scanner(f"{virtual.url}?baud=19200") as scanner:
        started_s = time.monotonic()
        for _ in range(3):
            scanner.acknowledge(scanner.receive(5))
        assert time.monotonic() - started_s > 2 * 4 * len(spectra.axis) * 10 / 19200


def test_a_link_keeps_the_name_of_the_port_and_goes_with_it(plugged_in, tmp_path):
    link = tmp_path / "scanner"
    link.symlink_to("/dev/left-over")
    virtual = plugged_in(link=link)
    assert virtual.url == f"loamscan://{link}"
    with open_scanner(f"{virtual.url}?baud=921600") as scanner:
        assert scanner.receive(5) is not None
    virtual.close()
    assert not link.is_symlink()


def test_a_file_in_the_place_of_the_link_is_left_alone(plugged_in, tmp_path):
    occupied = tmp_path / "scanner"
    occupied.write_text("precious")
    with pytest.raises(PortError, match="File exists"):
        plugged_in(link=occupied)
    assert occupied.read_text() == "precious"


def test_a_label_too_long_for_the_wire_is_refused_at_once(spectra):
    with pytest.raises(ProtocolError, match="64 bytes"):
        VirtualScanner(dataclasses.replace(spectra, labels=["x" * 65, "b", "c", "d"]))


def test_a_host_that_never_reads_does_not_block_the_device(plugged_in):
    virtual = plugged_in(limit=1, resend_s=0.0)
    with open_scanner(f"{virtual.url}?baud=921600"):
        time.sleep(0.3)
    with open_scanner(f"{virtual.url}?baud=921600") as scanner:
        scanner.acknowledge(scanner.receive(10))
        assert virtual.finished.wait(10)
