"""Two hundred real updaters, one after the other on two hands, against a static server and a broker."""

from __future__ import annotations

import json
import logging
import queue
import random
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import paho.mqtt.publish as publish_mqtt
from paho.mqtt.client import MQTTv5
from securesystemslib.signer import CryptoSigner

from benchmarks.errors import BenchmarkError
from benchmarks.fleet_model import status
from contract.bundle import bundle_bytes, describe, open_bundle
from contract.reasons import Reason
from contract.rollout import Rollout
from contract.topics import Topics
from deploy.fleet.publishing import publish, published
from deploy.fleet.repository import Repository, utc_now
from deploy.fleet.rollout_changes import begun, changed
from edge import clock
from edge.config import REFERENCE_BUNDLE
from edge.updates import steps
from edge.updates.store import Store

# It calls the end of each short connection an error, on whoever listens to nobody.
logging.getLogger("paho").addHandler(logging.NullHandler())

_ROOT: Final = Path(__file__).resolve().parent.parent
HANDS: Final = 2
VERSION: Final = "1.1.0"
PASSWORDLESS: Final = "fleet-online.pem"


@dataclass
class Served:
    """What a static server was asked for, by the device that asked: requests and bytes."""

    asked: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Look:
    """A run of a real updater."""

    device: str
    began_s: float
    took_s: float
    requests: int
    bytes_: int
    took_it: bool


@contextmanager
def static_server(folder: Path, served: Served) -> Iterator[int]:
    """Python's own server of static files, which knows no ranges; gives its port."""

    class Counting(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def translate_path(self, path: str) -> str:
            # Each device has an address of its own, so that what it asks for can be told apart.
            _, self.device, rest = path.split("/", 2)
            served.asked[self.device] += 1
            return super().translate_path(rest)

        def copyfile(self, source: Any, outputfile: Any) -> None:
            content = source.read()
            served.sent[self.device] += len(content)
            outputfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Counting, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Operator:
    """A repository with a bundle in it, and one rollout."""

    def __init__(self, folder: Path) -> None:
        keys = [CryptoSigner.generate_ed25519() for _ in range(3)]
        root, bundles, self.online = keys
        now = utc_now() - timedelta(minutes=5)
        self.repository = Repository.create(
            folder, {root.public_key.keyid: root}, 1,
            {bundles.public_key.keyid: bundles}, 1, self.online, now,
        )  # fmt: skip
        path = folder.parent / "bundle.loam"
        path.write_bytes(_released_again())
        self.bundle_bytes = path.stat().st_size
        manifest, _ = publish(self.repository, path, {bundles.public_key.keyid: bundles}, now)
        word = published(self.repository)[manifest.name, VERSION]
        rollouts, self.rollout = begun(
            self.repository.rollouts, word, "0.0.0", share_pct=0.0, channel="stable",
            starts_at=now, days=30.0, device_classes=[], minimum_free_bytes=0,
        )  # fmt: skip
        self.repository.set_rollouts(rollouts, self.online, now)
        key = folder.parent / PASSWORDLESS
        key.touch(mode=0o600)
        key.write_bytes(self.online.private_bytes)

    def widen(self, share_pct: float) -> Rollout:
        """Roll out to that share."""
        rollouts, self.rollout = changed(
            self.repository.rollouts, self.rollout.id, share_pct=share_pct
        )
        self.repository.set_rollouts(rollouts, self.online, utc_now())
        return self.rollout

    @property
    def halted(self) -> bool:
        """Whether somebody halted it."""
        return any(rollout.halted for rollout in self.repository.rollouts.rollouts)


class Devices:
    """Real updaters, whose daemons' part (a word after the probation) is played here."""

    def __init__(
        self, folder: Path, operator: Operator, url: str, broker_port: int, served: Served
    ) -> None:
        self._folder = folder
        self._operator = operator
        self._url = url
        self._broker_port = broker_port
        self._served = served
        self.looks: list[Look] = []

    def provision(self, name: str) -> None:
        """Make a device's folder, and have it online on the broker."""
        folder = self._folder / name
        folder.mkdir()
        shutil.copy(
            self._operator.repository.folder / "metadata" / "1.root.json", folder / "root.json"
        )
        (folder / "loamscan.toml").write_text(
            f'[device]\nid = "{name}"\n[scanner]\nurl = "loamscan:///dev/null"\n'
            f'[log]\ndirectory = "log"\n[mqtt]\nhost = "127.0.0.1"\n'
            f'[updates]\ndirectory = "updates"\nroot = "root.json"\nurl = "{self._url}/{name}"\n'
            "trial_scans = 0\n"
        )
        self._say(name, None)

    def look(self, name: str, *, fails: bool) -> None:
        """Run its updater; where that switched, its probation is over at once, well or not."""
        asked, sent = self._served.asked[name], self._served.sent[name]
        began_s = time.monotonic()
        config = self._folder / name / "loamscan.toml"
        done = subprocess.run(
            [sys.executable, "-m", "loamscan", "update", "apply", "--config", str(config)],
            cwd=_ROOT, check=False, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise BenchmarkError(f"the updater of {name} failed: {done.stderr}", "run it by hand")
        took_s = time.monotonic() - began_s
        store = Store(self._folder / name / "updates")
        took_it = store.read().probation is not None
        if took_it:
            store.change(_rolled_back if fails else _committed)
            self._say(name, "rolled back" if fails else "committed")
        self.looks.append(
            Look(
                name, began_s, took_s, self._served.asked[name] - asked,
                self._served.sent[name] - sent, took_it,
            )
        )  # fmt: skip

    def _say(self, name: str, step: Any) -> None:
        publish_mqtt.single(
            Topics(name).status, status(name, self._operator.rollout, step).to_json(), qos=1,
            retain=True, port=self._broker_port, hostname="127.0.0.1", protocol=MQTTv5,
        )  # fmt: skip


def all_look(
    devices: Devices, names: list[str], failing: set[str], tell: Callable[[str], None]
) -> None:
    """Every device looks once, in a random order, as fast as two hands can."""
    order: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in random.Random(1).sample(names, len(names)):
        order.put(name)
    faults: list[BaseException] = []

    def work() -> None:
        try:
            while not faults:
                devices.look(name := order.get_nowait(), fails=name in failing)
                if len(devices.looks) % 20 == 0:
                    tell(f"{len(devices.looks)} looks")
        except queue.Empty:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again below
            faults.append(error)

    hands = [threading.Thread(target=work) for _ in range(HANDS)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    if faults:
        raise faults[0]


@contextmanager
def watching(operator: Operator, condition: str, broker_port: int) -> Iterator[None]:
    """`loamscan fleet halt --when` beside it."""
    folder = operator.repository.folder
    process = subprocess.Popen(
        [sys.executable, "-m", "loamscan", "fleet", "halt", operator.rollout.id, "--when", condition,
         "--port", str(broker_port), "--repository", str(folder), "--keys",
         str(folder.parent / PASSWORDLESS)],
        cwd=_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _committed(state: Any) -> Any:
    return steps.lived(state, 1e9, 1.0, clock.now())


def _rolled_back(state: Any) -> Any:
    return steps.rolled_back(state, Reason.UPDATE_FAILING, clock.now(), "drawn to fail")


def _released_again() -> bytes:
    """The reference bundle in fp32 as another version."""
    whole = open_bundle(REFERENCE_BUNDLE)
    lean = whole.only({"fp32"})
    graphs = whole.manifest.graphs
    manifest = json.loads(whole.manifest.to_json())
    kept = {
        which: {"fp32": getattr(graphs, which)["fp32"]} for which in ("pipeline", "mir_decoder")
    }
    changes = {"version": VERSION, "graphs": kept, "precisions": {}, "budget": None}
    described = {name: entry.model_dump() for name, entry in describe(lean.files).items()}
    again = type(whole.manifest).model_validate({**manifest, **changes, "files": described})
    return bundle_bytes(again, lean.files)
