"""SIGKILL at random moments under load: nothing that was announced is lost, doubled or changed."""

from __future__ import annotations

import json
import logging
import random
import sqlite3
import time
from collections import defaultdict

import pytest

from contract.topics import Topics
from edge.demo.subscriber import Subscriber
from edge.log_file import FILE_NAME
from firmware_bridge.files.spectra_files import SpectraFile
from firmware_bridge.wire.virtual_scanner import VirtualScanner
from parts import DaemonProcess, Ear, Mosquitto, delivered, until

_LOG = logging.getLogger(__name__)


@pytest.mark.parametrize("kills", [50, pytest.param(300, marks=pytest.mark.long)])
def test_killed_at_random_moments_every_announced_record_arrives_as_first_announced(
    daemon: DaemonProcess, mosquitto: Mosquitto, soils: SpectraFile, kills: int
) -> None:
    chance = random.Random(kills)
    daemon.folder.mkdir()
    (daemon.folder / "password").write_text(mosquitto.passwords["ls-0001"])
    daemon.settings["mqtt"] |= {
        "port": mosquitto.port,
        "username": "ls-0001",
        "password_file": "password",
    }
    link = daemon.folder / "scanner"
    daemon.settings["scanner"]["url"] = f"loamscan://{link}"
    topics = Topics("ls-0001")
    login = {"username": "collector", "password": mosquitto.passwords["collector"]}
    ear = Ear(mosquitto.port, **login)
    scanner = VirtualScanner(soils, link=link, baud=None, scan_time_ms=0, resend_s=0.1)
    with scanner, Subscriber("127.0.0.1", mosquitto.port, lambda *_: None, **login):
        for kill in range(kills):
            before = len(ear.heard)
            daemon.start()
            if kill % 3:
                until(lambda before=before: len(ear.heard) > before + 20, what="load")
                time.sleep(chance.uniform(0, 0.4))
            else:
                time.sleep(chance.uniform(0, 1.5))
            daemon.kill()
        before = len(ear.heard)
        daemon.start()
        until(lambda: len(ear.heard) > before + 20, what="load after the last start")
        acknowledged_scans = scanner.device.samples_acknowledged
        scanner.close()
        until(lambda: delivered(daemon, kills), timeout_s=60, what="all records")
        assert daemon.stop() == 0
    ear.close()

    contents: dict[int, set[bytes]] = defaultdict(set)
    for payload in ear.on(topics.records):
        contents[json.loads(payload)["seq"]].add(payload)
    log = sqlite3.connect(daemon.log_folder / FILE_NAME)
    written = dict(log.execute("SELECT seq, body FROM record"))
    ((scans,), (open_scans,)) = log.execute(
        "SELECT count(*) FROM scan UNION ALL SELECT count(*) FROM open_scan"
    )
    log.close()

    assert sorted(written) == list(range(1, len(written) + 1))
    assert set(contents) == set(written)
    assert all(bodies == {written[seq]} for seq, bodies in contents.items())
    records = [json.loads(body) for body in written.values()]
    assert len({record["id"] for record in records}) == len(records)
    announced = {json.loads(payload)["id"] for payload in ear.on(topics.state)}
    assert announced <= {record["id"] for record in records}
    used = [scan for record in records for scan in record["scans"]]
    assert (len(used), len(set(used)), open_scans) == (scans, scans, 0)
    assert scans >= acknowledged_scans
    _LOG.info(
        "%d kills, %d scans, %d records, %d arrivals, %d announced",
        kills, scans, len(records), len(ear.on(topics.records)), len(announced),
    )  # fmt: skip
