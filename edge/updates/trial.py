"""A candidate's trial: the running bundle and it judge the same scans of this device."""

from __future__ import annotations

import resource
import sqlite3
import time
import zlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contract.bundle import open_bundle
from contract.reasons import Reason
from contract.records import ScanRecord
from edge.assessment import Assessor, Engine, References
from edge.engines.chosen import chosen_engine
from edge.engines.kept_choice import read_choice
from edge.engines.own_process import Tell, in_own_process
from edge.errors import EngineError, OwnProcessError, UpdateError
from edge.log_file import FILE_NAME
from edge.proof import prove
from edge.scans import LoggedScan, logged_scan
from soil.axis import Axis
from soil.errors import LoamscanError

SCANS_MAX: Final = 64
"""The newest that are judged: enough to tell nonsense from numbers. Ours, as are the limits below."""

REFERENCES_WITHIN: Final = 500
"""Scans before those in which a white and a dark reference are looked for."""

JUDGED_MIN: Final = 3
"""Scans that both must have judged before their agreement says anything."""

APART_MAX: Final = 1.0
"""Half widths of the running bundle's interval that the median of a property may lie apart."""

MORE_REJECTED_MAX: Final = 0.25
"""Share of scans by which the candidate may reject more."""

SLOWER_MAX, SLOWER_S = 3.0, 0.05
LARGER_MAX, LARGER_BYTES = 2.0, 64 * 2**20
"""A factor and something to add, since the running bundle may be very fast or small."""

REPLAY_S: Final = 300.0


class Judged(NamedTuple):
    """What a bundle made of scans: values and half widths ``[n, 9]``, NaN where it rejected.

    ``memory_bytes`` is the most that its process held.
    """

    values: NDArray[np.float64]
    half_widths: NDArray[np.float64]
    failed: int
    p50_s: float
    memory_bytes: int
    synthetic: bool

    @property
    def rejected(self) -> NDArray[np.bool_]:
        """Which scans have no values, ``[n]``."""
        return np.asarray(np.isnan(self.values).any(axis=1))


class Trial(NamedTuple):
    """How a candidate did: over how many scans, of which how many came since it is here."""

    scans: int
    live: int
    details: dict[str, Any]


def newest_scans(directory: Path) -> int:
    """How many scans the record log holds; 0 where there is no log yet."""
    try:
        with closing(_opened(directory)) as log:
            return int(log.execute("SELECT coalesce(max(number), 0) FROM scan").fetchone()[0])
    except sqlite3.DatabaseError:
        return 0


def newest_axis(directory: Path) -> Axis | None:
    """The axis of the newest scan in the record log."""
    scans = _scans(directory, newest_scans(directory), 1)
    return scans[-1].axis if scans else None


def tried(
    running: tuple[Path, Path | None],
    candidate: tuple[Path, Path | None],
    log: Path,
    scans_before: int,
    tell: Tell,
) -> Trial:
    """Have both judge the newest scans in the ``log``; each bundle is a file and its engines' folder.

    Raises `UpdateError` where the candidate is worse.
    """
    # The log grows meanwhile: both are to judge the same.
    newest = newest_scans(log)
    scans = [scan for scan in _scans(log, newest, SCANS_MAX) if scan.scan.role == "sample"]
    live = sum(scan.log_number > scans_before for scan in scans)
    if not scans:
        return Trial(0, 0, {})
    tell(f"both bundles judge {len(scans)} scans")
    new = _judged(*candidate, log, newest, tell)
    try:
        old = _judged(*running, log, newest, tell)
    except UpdateError as error:
        # What runs is broken: whatever can judge is better.
        return Trial(len(scans), live, {"running": error.what})
    return Trial(len(scans), live, compared(old, new))


def compared(old: Judged, new: Judged) -> dict[str, float]:
    """How far ``new`` lies from ``old``; raises `UpdateError` where it is worse."""
    both = ~(old.rejected | new.rejected)
    details: dict[str, float] = {
        "scans": len(both),
        "rejected_more": round(float(new.rejected.mean() - old.rejected.mean()), 3),
        "slower": round(new.p50_s / max(old.p50_s, 1e-6), 3),
        "larger": round(new.memory_bytes / max(old.memory_bytes, 1), 3),
    }
    if both.sum() >= JUDGED_MIN:
        apart = np.abs(new.values - old.values)[both] / old.half_widths[both]
        details["apart"] = round(float(np.median(apart, axis=0).max()), 3)
    faults = []
    if new.failed > old.failed:
        faults.append(f"it fails on {new.failed} scans, the running one on {old.failed}")
    if details["rejected_more"] > MORE_REJECTED_MAX:
        faults.append(f"it rejects {details['rejected_more']:.0%} more of the scans")
    # What was learnt from synthetic soils says nothing against what was learnt from real ones.
    if details.get("apart", 0.0) > APART_MAX and (new.synthetic or not old.synthetic):
        faults.append(f"its values lie {details['apart']:.2g} half widths apart")
    if new.p50_s > SLOWER_MAX * old.p50_s + SLOWER_S:
        faults.append(f"it takes {details['slower']:.2g} times as long")
    if new.memory_bytes > LARGER_MAX * old.memory_bytes + LARGER_BYTES:
        faults.append(f"it takes {details['larger']:.2g} times the memory")
    if faults:
        raise UpdateError(Reason.UPDATE_WORSE, "; ".join(faults))
    return details


def _judged(bundle: Path, engines: Path | None, log: Path, newest: int, tell: Tell) -> Judged:
    try:
        return in_own_process(
            "the bundle", judge, bundle, engines, log, newest, timeout_s=REPLAY_S, tell=tell
        )
    except EngineError as error:
        ended = isinstance(error, OwnProcessError)
        raise UpdateError(
            Reason.UPDATE_WORSE, error.what, error.remedy, perhaps_machine=ended
        ) from error


def judge(bundle_path: Path, engines: Path | None, log: Path, newest: int, _tell: Tell) -> Judged:
    """What the bundle makes of scans up to number ``newest`` in the log, each as a sample of its own."""
    bundle = open_bundle(bundle_path)
    choice = read_choice(engines, bundle) if engines else None
    engine: Engine = chosen_engine(bundle, choice, engines) if choice and engines else prove(bundle)
    assessor = Assessor(bundle, engine)
    references: dict[str, LoggedScan] = {}
    values, half_widths, times_s, failed = [], [], [], 0
    for scan in _scans(log, newest, SCANS_MAX):
        if scan.scan.role != "sample":
            references[scan.scan.role] = scan
            continue
        white, dark = references.get("white"), references.get("dark")
        pair = References.of(white, dark) if white and dark else None
        began_s = time.perf_counter()
        try:
            assessment = assessor.assess([scan], pair)
        except Exception:  # noqa: BLE001 - the daemon would say that the model failed
            failed += 1
            assessment = None
        times_s.append(time.perf_counter() - began_s)
        prediction = assessment.prediction if assessment else None
        sound = prediction is not None and assessment is not None and assessment.verdict != "reject"
        nothing = np.full(len(bundle.manifest.outputs), np.nan)
        values.append(prediction.value if prediction and sound else nothing)
        half_widths.append(
            (prediction.upper - prediction.lower) / 2 if prediction and sound else nothing
        )
    return Judged(
        values=np.array(values),
        half_widths=np.array(half_widths),
        failed=failed,
        p50_s=median(times_s),
        memory_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        synthetic=bundle.manifest.synthetic,
    )


def _scans(directory: Path, newest: int, count: int) -> Sequence[LoggedScan]:
    """Scans up to ``newest`` that can be read, with the references before them, oldest first."""
    try:
        with closing(_opened(directory)) as log:
            rows = _rows(log, newest, count)
            axes = {
                name: Axis(unit, np.frombuffer(bands, dtype="<f8"))
                for name, unit, bands in log.execute("SELECT id, unit, bands FROM axis")
            }
    except (sqlite3.DatabaseError, LoamscanError, ValueError):
        return []
    found = []
    for body, crc in rows:
        try:
            record = ScanRecord.model_validate_json(body)
            if zlib.crc32(body) == crc:
                found.append(logged_scan(record, axes[record.axis_id]))
        except (ValueError, KeyError, LoamscanError):
            continue
    return found


def _rows(log: sqlite3.Connection, newest: int, count: int) -> list[tuple[bytes, int]]:
    """The ``count`` scans of samples up to ``newest``, and the references among them and somewhat before."""
    found: list[tuple[bytes, int]] = []
    samples = 0
    query = "SELECT body, crc FROM scan WHERE number <= ? ORDER BY number DESC LIMIT ?"
    for body, crc in log.execute(query, (newest, count + REFERENCES_WITHIN)):
        is_sample = b'"role":"sample"' in body
        samples += is_sample
        if samples <= count or not is_sample:
            found.append((body, crc))
    return found[::-1]


def _opened(directory: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{directory / FILE_NAME}?mode=ro", uri=True)
