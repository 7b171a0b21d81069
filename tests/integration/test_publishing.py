"""The way to a real broker and past it: offline, refused, unheard, vandalised; nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from contract.acknowledgement import Acknowledgement
from contract.records import Lost
from contract.schema import json_schema
from contract.topics import Topics
from edge.demo.broker import embedded_broker, free_port
from edge.demo.subscriber import Subscriber
from firmware_bridge.files.spectra_files import SpectraFile
from firmware_bridge.wire.virtual_scanner import VirtualScanner
from parts import QUICK, DaemonProcess, Ear, Mosquitto, collector, delivered, log_in, until

TOPICS = Topics("ls-0001")


def test_every_message_of_a_day_is_as_its_schema_says(
    daemon: DaemonProcess, mosquitto: Mosquitto, soils: SpectraFile
) -> None:
    log_in(daemon, mosquitto)
    ear = Ear(mosquitto.port, "collector", mosquitto.passwords["collector"])
    with (
        VirtualScanner(soils, mode="counts", limit=3, **QUICK) as scanner,
        collector(mosquitto.port, mosquitto) as readings,
    ):
        daemon.settings["scanner"]["url"] = scanner.url
        daemon.start()
        until(lambda: len(readings) == 3 and delivered(daemon, 3), what="three readings")
        assert daemon.stop() == 0
    until(lambda: b'"offline"' in ear.on(TOPICS.status)[-1], what="a goodbye")
    ear.close()
    heard = {
        "reading": ear.on(TOPICS.records),
        "state": ear.on(TOPICS.state),
        "status": ear.on(TOPICS.status),
        "event": ear.on(TOPICS.events),
        "ack": ear.on(TOPICS.ack),
    }
    for name, payloads in heard.items():
        validator = jsonschema.Draft202012Validator(json_schema(name))
        assert payloads, name
        for payload in payloads:
            validator.validate(json.loads(payload))
    statuses = [json.loads(payload) for payload in heard["status"]]
    # Once more where the scanner was found after the broker.
    assert [status["status"] for status in statuses] in (
        ["online", "offline"], ["online", "online", "offline"],
    )  # fmt: skip
    assert statuses[-1]["scanner"] == {"model": "NeoSpectra (virtual)", "serial": "VIRTUAL-1"}
    assert [r.seq for r in readings] == [1, 2, 3]
    assert [r.sample.id for r in readings] == ["golden-0", "golden-1", "golden-2"]
    assert all(r.scanner.reference_age_s is not None and r.model.synthetic for r in readings)


def test_a_long_time_offline_is_delivered_whole(
    daemon: DaemonProcess, tmp_path: Path, soils: SpectraFile
) -> None:
    port = free_port()
    daemon.settings["mqtt"]["port"] = port
    with VirtualScanner(soils, limit=5, **QUICK) as scanner:
        daemon.settings["scanner"]["url"] = scanner.url
        daemon.start()
        assert scanner.finished.wait(20)
        daemon.stop()
    with VirtualScanner(soils, limit=400, **QUICK) as scanner:
        daemon.settings["scanner"]["url"] = scanner.url
        daemon.start()
        assert scanner.finished.wait(60)
        with embedded_broker(tmp_path, port), collector(port) as readings:
            until(lambda: delivered(daemon, 405), timeout_s=90, what="405 records")
    # The daemon may find the broker before the collector does: what it sent by then is sent again.
    assert sorted({r.seq for r in readings}) == list(range(1, 406))
    assert daemon.said.count("no broker at") == 2, "once a start, not once a try"


def test_a_password_file_that_goes_missing_stops_no_scan(
    daemon: DaemonProcess, mosquitto: Mosquitto, soils: SpectraFile
) -> None:
    log_in(daemon, mosquitto)
    (daemon.folder / "password").unlink()
    with VirtualScanner(soils, limit=3, **QUICK) as scanner:
        daemon.settings["scanner"]["url"] = scanner.url
        daemon.start()
        assert scanner.finished.wait(20)
        until(lambda: "password can't be read" in daemon.said)
        assert daemon.running
        assert daemon.stop() == 0


def test_a_broker_without_a_collector_confirms_nothing_and_the_collector_gets_all_later(
    daemon: DaemonProcess, broker_port: int, soils: SpectraFile
) -> None:
    daemon.settings["device"]["id"] = "ls-late"
    daemon.settings["mqtt"]["port"] = broker_port
    with VirtualScanner(soils, limit=4, **QUICK) as scanner:
        daemon.settings["scanner"]["url"] = scanner.url
        daemon.start()
        assert scanner.finished.wait(20)
        until(lambda: "reading 4" in daemon.said)
        assert not delivered(daemon)
        with collector(broker_port) as readings:
            until(lambda: delivered(daemon, 4), what="the second sending")
    assert [r.seq for r in readings if r.device.id == "ls-late"] == [1, 2, 3, 4]


def test_confirmation_by_the_broker_needs_no_collector(
    daemon: DaemonProcess, broker_port: int, soils: SpectraFile
) -> None:
    daemon.settings["device"]["id"] = "ls-alone"
    daemon.settings["mqtt"] |= {"port": broker_port, "confirm": "broker"}
    ear = Ear(broker_port)
    with VirtualScanner(soils, limit=4, **QUICK) as scanner:
        daemon.settings["scanner"]["url"] = scanner.url
        daemon.start()
        until(lambda: delivered(daemon, 4), what="four PUBACKs")
    ear.close()


def test_a_broker_that_says_that_nobody_listens_confirms_nothing(
    daemon: DaemonProcess, mosquitto: Mosquitto, soils: SpectraFile
) -> None:
    log_in(daemon, mosquitto)
    daemon.settings["mqtt"] |= {"confirm": "broker", "resend_after_s": 1.0}
    with VirtualScanner(soils, limit=4, **QUICK) as scanner:
        daemon.settings["scanner"]["url"] = scanner.url
        daemon.start()
        until(lambda: "nobody subscribes to" in daemon.said)
        assert not delivered(daemon)
        ear = Ear(mosquitto.port, "collector", mosquitto.passwords["collector"])
        until(lambda: delivered(daemon, 4), what="a subscriber")
        assert len(set(ear.on(TOPICS.records))) == 4
        ear.close()


def test_an_acknowledgement_for_another_log_or_from_a_vandal_confirms_nothing(
    daemon: DaemonProcess, broker_port: int, soils: SpectraFile
) -> None:
    daemon.settings["device"]["id"] = "ls-vandal"
    daemon.settings["mqtt"]["port"] = broker_port
    topics = Topics("ls-vandal")
    ear = Ear(broker_port)
    other = Acknowledgement(
        schema="loamscan.ack/1", log_id="01234567-89ab-7def-8123-456789abcdef", committed=1
    )
    ear.publish(topics.ack, other.to_json(), retain=True)
    with VirtualScanner(soils, limit=2, **QUICK) as scanner:
        daemon.settings["scanner"]["url"] = scanner.url
        daemon.start()
        until(lambda: len(ear.on(topics.records)) >= 2)
        for payload in (b"{", b"\xff" * 100, b'{"schema":"loamscan.ack/1"}', b""):
            ear.publish(topics.ack, payload)
        log_id = json.loads(ear.on(topics.records)[0])["log_id"]
        ear.publish(
            topics.ack,
            Acknowledgement(schema="loamscan.ack/1", log_id=log_id, committed=99).to_json(),
        )
        until(lambda: daemon.said.count("ignored on") >= 4)
        assert not delivered(daemon)
        ear.publish(
            topics.ack,
            Acknowledgement(schema="loamscan.ack/1", log_id=log_id, committed=2).to_json(),
        )
        until(lambda: delivered(daemon, 2))
    assert daemon.running
    ear.close()


def test_a_broker_that_comes_and_goes_costs_nothing(
    daemon: DaemonProcess, mosquitto: Mosquitto, soils: SpectraFile
) -> None:
    log_in(daemon, mosquitto)
    with (
        VirtualScanner(soils, limit=60, interval_s=0.05, **QUICK) as scanner,
        collector(mosquitto.port, mosquitto) as readings,
    ):
        daemon.settings["scanner"]["url"] = scanner.url
        daemon.start()
        until(lambda: len(readings) >= 5)
        mosquitto.stop()
        until(lambda: "reading 30" in daemon.said)
        mosquitto.start()
        until(lambda: delivered(daemon, 60), what="everything after the broker's return")
    # Where the daemon is back before the collector, what it sent in between comes after what follows.
    assert sorted(r.seq for r in readings) == list(range(1, 61))


def test_a_wrong_password_is_said_and_nothing_is_lost(
    daemon: DaemonProcess, mosquitto: Mosquitto, soils: SpectraFile
) -> None:
    log_in(daemon, mosquitto)
    (daemon.folder / "password").write_text("wrong")
    with VirtualScanner(soils, limit=2, **QUICK) as scanner:
        daemon.settings["scanner"]["url"] = scanner.url
        daemon.start()
        until(lambda: "refuses the connection (Not authorized)" in daemon.said)
        assert "check [mqtt] username, password_file" in daemon.said
        until(lambda: "reading 2" in daemon.said)
        assert daemon.running
        (daemon.folder / "password").write_text(mosquitto.passwords["ls-0001"])
        with collector(mosquitto.port, mosquitto) as readings:
            until(lambda: delivered(daemon, 2), what="the right password")
            assert len(readings) == 2


def test_a_device_can_not_speak_under_another_name(
    daemon: DaemonProcess, mosquitto: Mosquitto, soils: SpectraFile
) -> None:
    log_in(daemon, mosquitto, "ls-0002")
    ear = Ear(mosquitto.port, "collector", mosquitto.passwords["collector"])
    with VirtualScanner(soils, limit=1, **QUICK) as scanner:
        daemon.settings["scanner"]["url"] = scanner.url
        daemon.start()
        until(lambda: "the broker refuses" in daemon.said)
    assert "access list" in daemon.said
    assert not delivered(daemon)
    assert not [topic for topic, _, _ in ear.heard if topic == TOPICS.records]
    ear.close()


def test_a_record_too_large_for_the_broker_is_declared_lost_and_blocks_nothing(
    daemon: DaemonProcess, mosquitto: Mosquitto, soils: SpectraFile
) -> None:
    mosquitto.stop()
    configuration = mosquitto.folder / "mosquitto.conf"
    text = configuration.read_text()
    assert "message_size_limit 65536" in text
    configuration.write_text(text.replace("message_size_limit 65536", "message_size_limit 900"))
    mosquitto.start()
    log_in(daemon, mosquitto)
    records: list[object] = []
    login = {"username": "collector", "password": mosquitto.passwords["collector"]}
    with (
        VirtualScanner(soils, limit=1, **QUICK) as scanner,
        Subscriber("127.0.0.1", mosquitto.port, lambda _, r: records.append(r), **login),
    ):
        daemon.settings["scanner"]["url"] = scanner.url
        daemon.start()
        until(lambda: delivered(daemon, 2), timeout_s=60, what="the record that says it is lost")
    (lost,) = records
    assert isinstance(lost, Lost)
    assert (lost.first, lost.last, lost.seq) == (1, 1, 2)
    assert lost.reason.code == "record.refused"
