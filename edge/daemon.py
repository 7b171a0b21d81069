"""The daemon: scanner and publisher, each on a thread, and the recorder between them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

from typing_extensions import Self

from contract.bundle import Bundle, open_bundle
from contract.messages import ScannerSeen, Status, UpdateStanding
from contract.reasons import Reason
from contract.records import Device, Reading
from edge import clock
from edge.assessment import Engine
from edge.backoff import backoff_s
from edge.config import Config, UpdatesSection
from edge.engines.chosen import chosen_engine
from edge.engines.kept_choice import EngineChoice, read_choice
from edge.errors import EngineError
from edge.log import RecordLog
from edge.log_file import open_log
from edge.proof import prove
from edge.publisher import Publisher
from edge.recorder import Recorder
from edge.scans import scanner_before
from firmware_bridge.drivers import check_url, open_scanner
from firmware_bridge.errors import ScannerError, SpectraFileError
from firmware_bridge.scan import Scan
from firmware_bridge.scanner import Scanner

if TYPE_CHECKING:
    from edge.updates.state import Happened

_LOG = logging.getLogger("loamscan")

HANGS_S: Final = 60.0
"""A sample that is judged for longer hangs: two seconds are promised. Ours."""

_JOIN_S = 10.0
_POLL_S = 0.5


def agent_version() -> str:
    """The version of loamscan that is running."""
    try:
        return version("loamscan")
    except PackageNotFoundError:
        return "0.0.0"


class Daemon:
    """One process: links reconnect by themselves, any other failure ends it with its message.

    A context manager: inside it the daemon serves; leaving it stops it and closes the log, unless a
    port holds the scanner's thread longer than `_JOIN_S`: what was written is safe all the same.
    """

    def __init__(
        self,
        config: Config,
        on_reading: Callable[[Reading], None] | None = None,
        standing: UpdateStanding | None = None,
    ) -> None:
        """Load and prove the bundle; raises `LoamscanError` where it can't serve."""
        self._config = config
        self._on_reading = on_reading
        self._standing = standing
        whole = open_bundle(config.model.bundle, agent_version())
        check_url(config.scanner.url)
        self._choice = self._chosen(whole)
        # What no engine here runs would only take memory.
        self._bundle: Bundle = whole.only(
            {"fp32"} if self._choice is None else {"fp32", self._choice.precision}
        )
        self._engine = self._proved()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.failure: BaseException | None = None
        """What ended a part that must not end; whoever waits for the daemon looks at it."""

    def __enter__(self) -> Self:
        self._opened = open_log(self._config.log.directory)
        log = self._opened.log
        self._publisher = Publisher(self._config.mqtt, self._status(log), log.committed, log.newest)
        if self._opened.set_aside is not None:
            kept_as = str(self._opened.set_aside)
            _LOG.error("the record log was damaged; it is kept as %s", kept_as)
            self._publisher.happened(Reason.LOG_DAMAGED, {"kept_as": kept_as})
        self._recorder = Recorder(
            self._config, self._bundle, self._engine, log, self._publisher, self._on_reading
        )
        self._start("publisher", lambda: self._publisher.run(self._recorder))
        self._start("scanner", self._scan)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._publisher.stop()
        until_s = clock.running_s() + _JOIN_S
        for thread in self._threads:
            thread.join(timeout=max(0.0, until_s - clock.running_s()))
        if not self.is_stuck:
            self._opened.close()

    @property
    def is_stuck(self) -> bool:
        """Whether a thread goes on, which keeps the record log."""
        return any(thread.is_alive() for thread in self._threads)

    @property
    def busy_s(self) -> float:
        """How long the sample that is being judged, if one is, has taken so far."""
        return self._recorder.busy_s

    @property
    def hangs(self) -> bool:
        """Whether the sample that is being judged will never be done, by all that is known."""
        return self.busy_s > HANGS_S

    def report(self, event: Happened, on_taken: Callable[[], None]) -> None:
        """Publish what another process of this device has to say."""
        self._publisher.happened(event.reason, event.details, event.at, on_taken)

    def stand(self, standing: UpdateStanding | None) -> None:
        """Have the retained status say where the device stands with its updates."""
        self._publisher.restate(update=standing)

    def _chosen(self, bundle: Bundle) -> EngineChoice | None:
        folder = self._config.model.engines
        choice = read_choice(folder, bundle) if folder else None
        if folder and choice is None:
            _LOG.warning(
                "no engine that was chosen for this bundle on this machine can be read in %s: "
                "run `loamscan engine build` as this user", folder,
            )  # fmt: skip
        return choice

    def _proved(self) -> Engine:
        """The engine that was chosen, or fp32 where that one has become wrong since."""
        folder = self._config.model.engines
        if self._choice is not None and folder is not None:
            try:
                return chosen_engine(self._bundle, self._choice, folder)
            except EngineError as error:
                _LOG.warning("the chosen engine is not used: %s", error)
                self._choice = None
        return prove(self._bundle)

    def _start(self, name: str, body: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                body()
            except BaseException as error:  # noqa: BLE001 - whatever ends a part ends the process
                self.failure = error

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _status(self, log: RecordLog) -> Status:
        """What is known at the start: it is the will too, which the broker tells when the power fails."""
        manifest = self._bundle.manifest
        device = self._config.device
        candidates = self._choice.candidates if self._choice else []
        return Status(
            schema="loamscan.status/1",
            status="offline",
            device=Device(id=device.id, site=device.site, boot_id=clock.boot_id()),
            agent=agent_version(),
            bundle=manifest.name,
            bundle_version=manifest.version,
            engine=self._engine.engine,
            log_id=log.log_id,
            **({"engines": candidates} if candidates else {}),
            **({"scanner": seen} if (seen := scanner_before(log)) else {}),
            **({"update": self._standing} if self._standing else {}),
            **_taking_part(self._config.updates),
        )

    def _scan(self) -> None:
        """The scanner's thread: keep a scanner open, take its scans in, acknowledge them."""
        self._recorder.take_up()
        waits = backoff_s()
        said = found = ""
        while not self._stopping.is_set():
            try:
                with open_scanner(self._config.scanner.url) as scanner:
                    instrument = scanner.instrument
                    if instrument.serial != found:
                        found = instrument.serial
                        _LOG.info("scanner %s %s", instrument.model, found)
                        if instrument.capabilities & {"trigger", "measure"} == {"measure"}:
                            _LOG.warning(
                                "%s has no trigger and measures only when it is asked, which the "
                                "daemon does not do yet: use `loamscan scan --role`",
                                instrument.model,
                            )
                        self._publisher.happened(Reason.SCANNER_FOUND, {"serial": found})
                        seen = ScannerSeen(model=instrument.model, serial=found)
                        self._publisher.restate(scanner=seen)
                    for _ in self._take_scans(scanner):
                        said, waits = "", backoff_s()
            except ScannerError as error:
                # Said once, however often it happens: a scanner that comes and goes without a scan
                # in between has nothing new to tell.
                if error.what != said:
                    said = error.what
                    _LOG.warning("%s", error)
                    self._publisher.happened(Reason.SCANNER_GONE, {"detail": error.what})
                self._wait(next(waits))

    def _wait(self, wait_s: float) -> None:
        """Wait to try again; a sample that is open meanwhile closes in time."""
        until_s = clock.running_s() + wait_s
        while (left_s := until_s - clock.running_s()) > 0:
            if self._stopping.wait(min(_POLL_S, left_s)):
                return
            self._recorder.tick()

    def _take_scans(self, scanner: Scanner) -> Iterator[Scan]:
        """Take scans in until told to stop; each new one is given once it is safe and acknowledged."""
        damaged = 0
        while not self._stopping.is_set():
            try:
                scan = scanner.receive(timeout_s=_POLL_S)
            except SpectraFileError as error:
                _LOG.warning("%s", error)
                self._publisher.happened(Reason.SCANNER_FILE_REFUSED, {"detail": error.what})
                continue
            if scanner.counters.damaged > damaged:
                damaged = scanner.counters.damaged
                _LOG.warning("%d damaged frames skipped so far", damaged)
                self._publisher.happened(Reason.WIRE_DAMAGED, {"frames": damaged})
            if scan is None:
                self._recorder.tick()
                continue
            new = self._recorder.take(scan, scanner.instrument)
            scanner.acknowledge(scan)
            if new:
                yield scan


def _taking_part(updates: UpdatesSection | None) -> dict[str, Any]:
    """What rollouts choose devices by."""
    if updates is None:
        return {}
    return {"channel": updates.channel, "device_class": updates.device_class}
