"""Devices of a fleet: their folders and configuration, bundles for them, and a web server to fetch from."""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from contract.bundle import Bundle, bundle_bytes, describe, open_bundle
from contract.identity import new_id
from contract.records import to_json
from contract.rollout import Rollout
from deploy.fleet.publishing import publish, published
from deploy.fleet.rollout_changes import begun, changed
from edge import clock
from edge.config import REFERENCE_BUNDLE, Config
from edge.log import RecordLog
from edge.log_file import open_log
from edge.scans import LoggedScan, scan_document
from edge.updates.sources import Source
from edge.updates.state import UpdateState
from edge.updates.updater import Updater
from firmware_bridge.scan import Instrument, Scan
from fleets import NOW, Fleet

NAME = "reference-neospectra"
INSTRUMENT = Instrument("NeoSpectra", "21020058", "1.0", 1)


@cache
def reference() -> Bundle:
    """The reference bundle in fp32 alone, which is quick to move about."""
    whole = open_bundle(REFERENCE_BUNDLE)
    lean = whole.only({"fp32"})
    graphs = lean.manifest.graphs.model_copy(
        update={
            which: {"fp32": getattr(lean.manifest.graphs, which)["fp32"]}
            for which in ("pipeline", "mir_decoder")
        }
    )
    manifest = lean.manifest.model_copy(
        update={"graphs": graphs, "files": describe(lean.files), "precisions": {}, "budget": None}
    )
    return Bundle(manifest, lean.files, "")


def bundle(version: str = "1.1.0", *, name: str = NAME, golden_off: float = 0.0) -> bytes:
    """The reference as another version: sound, or with a wrong golden value."""
    model = reference()
    files = dict(model.files)
    if golden_off:
        member = model.manifest.golden.properties
        files[member] = _npy(model.array(member) + np.float32(golden_off))
    manifest = model.manifest.model_copy(
        update={"name": name, "version": version, "files": describe(files)}
    )
    return bundle_bytes(manifest, files)


def _npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


@dataclass
class Operated:
    """A fleet with an operator who publishes and rolls out."""

    fleet: Fleet
    work: Path

    @property
    def folder(self) -> Path:
        return self.fleet.folder

    def publish(self, content: bytes, floor: str | None = None) -> None:
        path = self.work / "bundle.loam"
        path.write_bytes(content)
        _, left = publish(self.fleet.repository, path, self.fleet.bundles, NOW, floor)
        assert left == 0
        self.fleet.repository.tell(self.fleet.online, NOW)

    def roll_out(
        self, version: str = "1.1.0", *, share_pct: float = 100.0, **changes: object
    ) -> Rollout:
        repository = self.fleet.repository
        settings = {
            "share_pct": share_pct, "channel": "stable", "starts_at": NOW, "days": 30.0,
            "device_classes": [], "minimum_free_bytes": 0, **changes,
        }  # fmt: skip
        word = published(repository)[(NAME, version)]
        rollouts, new = begun(repository.rollouts, word, "0.0.0", **settings)
        repository.set_rollouts(rollouts, self.fleet.online, NOW)
        return new

    def halt(self, rollout: str) -> None:
        repository = self.fleet.repository
        rollouts, _ = changed(repository.rollouts, rollout, halted=True)
        repository.set_rollouts(rollouts, self.fleet.online, NOW)


@dataclass
class Device:
    """A device with its folders; its daemon need not run."""

    folder: Path
    fleet: Path
    id: str = "ls-0042"
    settings: dict[str, object] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        root = self.folder / "root.json"
        if not root.exists():
            root.write_bytes((self.fleet / "metadata" / "1.root.json").read_bytes())

    @property
    def config(self) -> Config:
        return Config.model_validate(
            {
                "device": {"id": self.id},
                "scanner": {"url": "loamscan:///dev/null"},
                "log": {"directory": self.folder / "log"},
                "mqtt": {"host": "127.0.0.1"},
                "updates": {
                    "directory": self.folder / "updates", "root": self.folder / "root.json",
                    "trial_scans": 0, **self.settings,
                },
            }
        )  # fmt: skip

    def updater(self, agent: str = "0.1.0") -> Updater:
        return Updater(self.config, agent, self.said.append)

    @property
    def state(self) -> UpdateState:
        return self.updater().store.read()

    def apply(self, source: Source | None, **options: bool) -> UpdateState:
        return self.updater().apply(source, **options)

    def scanned(self, count: int = 4) -> None:
        """The record log gains so many scans of soils."""
        golden = reference().array(reference().manifest.golden.reflectance)
        opened = open_log(self.folder / "log")
        with opened.lock:
            for spectrum in golden[:count]:
                _logged(opened.log, spectrum)
            opened.log.close()


def _logged(log: RecordLog, reflectance: np.ndarray) -> None:
    axis = reference().axis
    log.keep_axis(axis)
    number = log.scans + 1
    scan = Scan(
        session=1, number=number, role="sample", kind="reflectance", axis=axis,
        values=reflectance.astype(np.float32), scan_time_ms=100, temperature_c=None,
        battery_pct=None, full_scale=0.0, label=f"soil-{number}", measured_at=None,
    )  # fmt: skip
    now = clock.now()
    logged = LoggedScan(new_id(), number, now, "unknown", now, INSTRUMENT, scan)
    log.append_scan(
        number, INSTRUMENT.serial, 1, number, to_json(scan_document(logged, log.log_id))
    )


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is what the tests are about."""


@dataclass
class Faults:
    """What a web server does wrong, with paths that ``about`` is found in."""

    about: str = ""
    cut_after: int | None = None
    byte_s: float = 0.0
    header_byte_s: float = 0.0
    endless: bool = False
    ranges: bool = True
    status: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def web_server(folder: Path, faults: Faults | None = None) -> Iterator[str]:
    """Static files over HTTP with ranges, as any web server has them, and faults on demand."""
    wrong = faults or Faults()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = folder / self.path.lstrip("/")
            wrong.asked.append((self.path, self.headers.get("Range", "")))
            hit = bool(wrong.about) and wrong.about in self.path
            if hit and wrong.header_byte_s:
                self.close_connection = True
                with suppress(BrokenPipeError, ConnectionResetError):
                    for byte in b"HTTP/1.1 200 OK\r\nServer: " + b"x" * 1000:
                        self.wfile.write(bytes([byte]))
                        time.sleep(wrong.header_byte_s)
                return
            if hit and wrong.status:
                self.send_error(wrong.status)
                return
            if not path.is_file():
                self.send_error(404)
                return
            content = path.read_bytes()
            begins = 0
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            if asked and wrong.ranges:
                begins = int(asked[1])
                if begins >= len(content):
                    self.send_error(416)
                    return
            self.send_response(206 if begins else 200)
            if begins:
                self.send_header(
                    "Content-Range", f"bytes {begins}-{len(content) - 1}/{len(content)}"
                )
            body = content[begins:]
            if hit and wrong.endless:
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                with suppress(BrokenPipeError, ConnectionResetError):
                    while True:
                        self.wfile.write(body)
                return
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if hit and wrong.cut_after is not None:
                body = body[: wrong.cut_after]
                self.close_connection = True
            with suppress(BrokenPipeError, ConnectionResetError):
                if hit and wrong.byte_s:
                    for at in range(len(body)):
                        self.wfile.write(body[at : at + 1])
                        time.sleep(wrong.byte_s)
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = _QuietServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
