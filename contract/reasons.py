"""The closed list of reason codes: why a reading is not simply ok, and why a machine complained."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

Verdict = Literal["ok", "caution", "reject"]


class Reason(str, Enum):
    """Dotted code as it stands in records and events."""

    SCAN_NOT_FINITE = "scan.not_finite"
    SCAN_SATURATED = "scan.saturated"
    SCAN_DARK = "scan.dark"
    SCAN_OUT_OF_RANGE = "scan.out_of_range"
    SCAN_REPLICATE_SPREAD = "scan.replicate_spread"
    SCAN_REPLICATES_MISSING = "scan.replicates_missing"
    REFERENCE_MISSING = "reference.missing"
    REFERENCE_EXPIRED = "reference.expired"
    REFERENCE_DARK = "reference.dark"
    AXIS_NOT_COVERED = "axis.not_covered"
    DOMAIN_Q_RESIDUAL = "domain.q_residual"
    DOMAIN_GH = "domain.gh"
    DOMAIN_NH = "domain.nh"
    MOISTURE_WET = "moisture.wet"
    MODEL_NOT_FINITE = "model.not_finite"
    MODEL_FAILED = "model.failed"
    MODEL_CRASHED = "model.crashed"
    WIRE_DAMAGED = "wire.damaged"
    SCANNER_GONE = "scanner.gone"
    SCANNER_FOUND = "scanner.found"
    SCANNER_FILE_REFUSED = "scanner.file_refused"
    RECORD_REFUSED = "record.refused"
    RECORD_DAMAGED = "record.damaged"
    LOG_DAMAGED = "log.damaged"
    LOG_ROLLED_BACK = "log.rolled_back"
    UPDATE_FETCHED = "update.fetched"
    UPDATE_PROVED = "update.proved"
    UPDATE_SWITCHED = "update.switched"
    UPDATE_COMMITTED = "update.committed"
    UPDATE_WITHDRAWN = "update.withdrawn"
    UPDATE_UNREACHABLE = "update.unreachable"
    UPDATE_UNTRUSTED = "update.untrusted"
    UPDATE_EXPIRED = "update.expired"
    UPDATE_REPLAYED = "update.replayed"
    UPDATE_DAMAGED = "update.damaged"
    UPDATE_BELOW_FLOOR = "update.below_floor"
    UPDATE_UNFIT = "update.unfit"
    UPDATE_NO_ROOM = "update.no_room"
    UPDATE_NOT_PROVED = "update.not_proved"
    UPDATE_WORSE = "update.worse"
    UPDATE_CRASHED = "update.crashed"
    UPDATE_FAILING = "update.failing"
    UPDATE_ROLLED_BACK = "update.rolled_back"
    UPDATE_STATE_DAMAGED = "update.state_damaged"
    UPDATE_STOPPED = "update.stopped"

    @property
    def text(self) -> str:
        """One sentence for people."""
        return _MEANING[self].text

    @property
    def hint(self) -> str:
        """What a person can do about it."""
        return _MEANING[self].hint

    @property
    def verdict(self) -> Verdict:
        """What the reason does to a reading; ``ok`` for reasons that concern no reading."""
        return _MEANING[self].verdict


@dataclass(frozen=True)
class _Meaning:
    verdict: Verdict
    text: str
    hint: str


_MEANING: Final = {
    Reason.SCAN_NOT_FINITE: _Meaning(
        "reject",
        "the scan holds values that are not numbers",
        "scan again; if it stays, restart the scanner",
    ),
    Reason.SCAN_SATURATED: _Meaning(
        "reject",
        "the detector is saturated",
        "move the scanner off shiny or wet spots and scan again",
    ),
    Reason.SCAN_DARK: _Meaning(
        "reject", "too little light came back", "press the window flat on the soil and scan again"
    ),
    Reason.SCAN_OUT_OF_RANGE: _Meaning(
        "reject",
        "reflectance lies outside 0 to 1.2",
        "measure the white reference again; check that the scanner does not send per cent",
    ),
    Reason.SCAN_REPLICATE_SPREAD: _Meaning(
        "caution", "the replicates differ from each other", "mix the sample and scan again"
    ),
    Reason.SCAN_REPLICATES_MISSING: _Meaning(
        "caution", "fewer replicates than asked for", "scan the sample again"
    ),
    Reason.REFERENCE_MISSING: _Meaning(
        "reject", "no white and dark reference yet", "measure dark and white, then scan again"
    ),
    Reason.REFERENCE_EXPIRED: _Meaning(
        "caution", "the white reference is old", "measure dark and white again"
    ),
    Reason.REFERENCE_DARK: _Meaning(
        "reject",
        "the white reference is hardly brighter than the dark one",
        "clean the white panel, measure both again",
    ),
    Reason.AXIS_NOT_COVERED: _Meaning(
        "reject",
        "the scanner does not cover the model's axis",
        "use a bundle trained for this scanner",
    ),
    Reason.DOMAIN_Q_RESIDUAL: _Meaning(
        "caution",
        "the spectrum has features that the library does not",
        "scan again; send a sample to the laboratory",
    ),
    Reason.DOMAIN_GH: _Meaning(
        "caution", "far from the library", "send a sample to the laboratory"
    ),
    Reason.DOMAIN_NH: _Meaning(
        "caution", "no similar soil in the library", "send a sample to the laboratory"
    ),
    Reason.MOISTURE_WET: _Meaning("caution", "the soil is wet", "dry the sample and scan again"),
    Reason.MODEL_NOT_FINITE: _Meaning(
        "reject",
        "the model gave no number for this spectrum",
        "scan again; if it stays, install another bundle",
    ),
    Reason.MODEL_FAILED: _Meaning(
        "reject",
        "the scan could not be judged, by a fault of this software",
        "scan again; report the message in the daemon's journal",
    ),
    Reason.MODEL_CRASHED: _Meaning(
        "reject",
        "this software ended whenever it judged the scan, so it judges it no more",
        "scan again; report what the daemon's journal says",
    ),
    Reason.LOG_ROLLED_BACK: _Meaning(
        "ok",
        "the collector has records that this log lost",
        "replace the storage card; see which readings the backend has",
    ),
    Reason.WIRE_DAMAGED: _Meaning(
        "ok", "damaged frames came over the wire and were skipped", "check cable and connector"
    ),
    Reason.SCANNER_GONE: _Meaning("ok", "the scanner is not there", "plug it in and switch it on"),
    Reason.SCANNER_FOUND: _Meaning("ok", "the scanner is there", "nothing to do"),
    Reason.SCANNER_FILE_REFUSED: _Meaning(
        "ok",
        "a file in the watched folder can't be read as spectra",
        "correct it or export it again: it is tried again when it has changed",
    ),
    Reason.RECORD_REFUSED: _Meaning(
        "ok",
        "the broker refuses this record for good",
        "see the reason code; check the broker's limits",
    ),
    Reason.RECORD_DAMAGED: _Meaning(
        "ok",
        "a stored record does not match its checksum and was set aside",
        "replace the storage card",
    ),
    Reason.LOG_DAMAGED: _Meaning(
        "ok",
        "the record log was damaged and set aside; a new one was begun",
        "replace the storage card",
    ),
    Reason.UPDATE_FETCHED: _Meaning(
        "ok", "a bundle was fetched and is the one that was signed", "nothing to do"
    ),
    Reason.UPDATE_PROVED: _Meaning(
        "ok", "a bundle reproduces its golden spectra on this device", "nothing to do"
    ),
    Reason.UPDATE_SWITCHED: _Meaning(
        "ok", "a bundle did well beside the old one and predicts from now on", "nothing to do"
    ),
    Reason.UPDATE_COMMITTED: _Meaning(
        "ok", "a bundle was healthy for its probation and stays", "nothing to do"
    ),
    Reason.UPDATE_WITHDRAWN: _Meaning(
        "ok", "a bundle that was on its way is not offered any more", "nothing to do"
    ),
    Reason.UPDATE_UNREACHABLE: _Meaning(
        "ok",
        "updates can't be fetched now; what came is kept",
        "check network and address; it is tried again",
    ),
    Reason.UPDATE_UNTRUSTED: _Meaning(
        "ok",
        "what is served is not signed as it must be",
        "check the address; look for somebody in between, or copy the repository anew",
    ),
    Reason.UPDATE_EXPIRED: _Meaning(
        "ok",
        "what is served was valid once",
        "check this device's clock; else have the repository's metadata signed anew",
    ),
    Reason.UPDATE_REPLAYED: _Meaning(
        "ok",
        "what is served is older than what this device has seen",
        "look for a stale mirror or somebody in between; take a newer copy",
    ),
    Reason.UPDATE_DAMAGED: _Meaning(
        "ok",
        "a bundle that was fetched has not the bytes that were signed",
        "restore it in the repository, or copy the repository anew",
    ),
    Reason.UPDATE_BELOW_FLOOR: _Meaning(
        "ok",
        "the bundle lies below the lowest version that may be run",
        "roll out a newer one; if nobody did this, change the online key",
    ),
    Reason.UPDATE_UNFIT: _Meaning(
        "ok", "the bundle is not for this device or agent", "correct the rollout's constraints"
    ),
    Reason.UPDATE_NO_ROOM: _Meaning("ok", "the disk is full", "free space; it is tried again"),
    Reason.UPDATE_NOT_PROVED: _Meaning(
        "ok",
        "the bundle does not run or compute rightly on this device",
        "report it to who made the bundle",
    ),
    Reason.UPDATE_WORSE: _Meaning(
        "ok",
        "beside the old bundle the new one did worse",
        "compare both on the device's scans; `loamscan update apply --again` tries it anew",
    ),
    Reason.UPDATE_CRASHED: _Meaning(
        "ok",
        "the daemon ended again and again with this bundle; the one before it predicts",
        "see the daemon's journal",
    ),
    Reason.UPDATE_FAILING: _Meaning(
        "ok",
        "the bundle failed at work; the one before it predicts",
        "see the daemon's journal; report it to who made the bundle",
    ),
    Reason.UPDATE_ROLLED_BACK: _Meaning(
        "ok", "somebody had the device go back to the bundle before", "nothing to do"
    ),
    Reason.UPDATE_STATE_DAMAGED: _Meaning(
        "ok",
        "what was known about updates can't be read; the configured bundle predicts",
        "replace the storage card, or remove the file that the message names",
    ),
    Reason.UPDATE_STOPPED: _Meaning(
        "ok",
        "the updater itself can't go on",
        "see its journal; correct what it names, or report it",
    ),
}

_RANK: Final = {"ok": 0, "caution": 1, "reject": 2}


def worst(verdicts: list[Verdict]) -> Verdict:
    """The most severe of ``verdicts``; ``ok`` of none."""
    return max(verdicts, key=_RANK.__getitem__, default="ok")
