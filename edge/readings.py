"""An assessment put into the words of the contract."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from contract.bundle import Bundle
from contract.records import Device, Document, Reading, rfc3339
from edge import clock
from edge.assessment import Assessment, Engine
from edge.config import Config
from edge.scans import LoggedScan, scanner_document
from soil.properties import PROPERTIES


class ReadingMaker:
    """Puts assessments of a device's samples into records."""

    def __init__(self, config: Config, bundle: Bundle, engine: Engine) -> None:
        self._settings = config.sample
        self._include_rejected = config.model.include_rejected
        self._level = bundle.manifest.intervals.level
        self._bundle = bundle
        self._engine = engine
        self.device = Device(id=config.device.id, site=config.device.site, boot_id=clock.boot_id())
        self._device = self.device.model_dump()

    def reading(
        self,
        scans: Sequence[LoggedScan],
        assessment: Assessment,
        reference_age_s: float | None,
        *,
        record_id: str,
        log_id: str,
        seq: int,
    ) -> Document:
        """The `Reading` ``seq`` of ``scans``, one sample's replicates in the order they came."""
        first = scans[0]
        settings = self._settings
        scanner = scanner_document(first)
        if reference_age_s is not None and isfinite(reference_age_s):
            scanner["reference_age_s"] = round(reference_age_s, 1)
        return {
            "schema": "loamscan.reading/1",
            "kind": "reading",
            "id": record_id,
            "log_id": log_id,
            "seq": seq,
            "device": self._device,
            "measured_at": rfc3339(first.measured_at),
            "time_quality": first.time_quality,
            "sample": {
                "id": first.label or f"scan-{first.log_number}",
                "field": settings.field,
                "preparation": settings.preparation,
                "replicates": len(scans),
                "operator": settings.operator,
            },
            "scanner": scanner,
            "model": model_of(self._bundle, self._engine.engine),
            "properties": properties_of(assessment, self._level, self._include_rejected),
            "texture": texture_of(assessment, self._include_rejected),
            "quality": quality_of(assessment),
            "scans": [scan.id for scan in scans],
            "historical": any(scan.historical for scan in scans),
        }


def state_of(reading: Document) -> Document:
    """The `State` that ``reading`` leaves: its numbers without the rest."""
    return {
        "schema": "loamscan.state/1",
        "id": reading["id"],
        "measured_at": reading["measured_at"],
        "sample": reading["sample"]["id"],
        "verdict": reading["quality"]["verdict"],
        "synthetic": reading["model"]["synthetic"],
        "texture": reading["texture"]["class"],
        "properties": {
            name: {key: numbers[key] for key in ("value", "lower", "upper", "unit")}
            for name, numbers in reading["properties"].items()
        },
    }


def model_of(bundle: Bundle, engine: str) -> Document:
    """The `Model` of a reading: what it says of the bundle behind it."""
    manifest = bundle.manifest
    return {
        "bundle": manifest.name,
        "version": manifest.version,
        "sha256": bundle.sha256,
        "engine": engine,
        "synthetic": manifest.synthetic,
    }


def properties_of(assessment: Assessment, level: float, include_rejected: bool) -> Document:
    """The nine properties, each a `PropertyReading`.

    Null where rejected (unless ``include_rejected``) or not computed.
    """
    p = assessment.prediction
    none = (None,) * len(PROPERTIES)
    columns: tuple[Sequence[float | None], ...] = (none,) * 4
    if p is not None and (assessment.verdict != "reject" or include_rejected):
        columns = tuple(
            [_short(number) for number in row.tolist()]
            for row in (p.value, p.lower, p.upper, p.raw)
        )
    return {
        item.name: {
            "value": value,
            "lower": lower,
            "upper": upper,
            "level": level,
            "unit": item.unit,
            "raw": raw,
            "code": item.ossl_code,
            "flags": [],
        }
        for item, value, lower, upper, raw in zip(PROPERTIES, *columns, strict=True)
    }


def texture_of(assessment: Assessment, include_rejected: bool) -> Document:
    """The `Texture` with its probabilities; null under the same rule as the numbers."""
    p = assessment.prediction
    if p is None or (assessment.verdict == "reject" and not include_rejected):
        return {"class": None, "probabilities": {}}
    return {"class": p.texture, "probabilities": assessment.texture_probabilities}


def quality_of(assessment: Assessment) -> Document:
    """The `Quality`: verdict, reasons, and the figures behind them that exist."""
    quality: Document = {
        "verdict": assessment.verdict,
        "reasons": [
            {"code": reason.code, "text": reason.text, "hint": reason.hint}
            for reason in assessment.reasons
        ],
    }
    for name in ("q", "gh", "replicate_rms", "snr"):
        figure = getattr(assessment, name)
        if figure is not None and isfinite(figure):
            quality[name] = _short(figure)
    return quality


def in_one_line(reading: Reading) -> str:
    """A reading for a journal: sample, verdict, numbers with units, reasons."""
    numbers = [
        f"{item.label} {p.value:.{item.decimals}f} {item.unit}".removesuffix(" [pH]")
        for item in PROPERTIES
        if (p := reading.properties[item.name]).value is not None
    ]
    reasons = [reason.text for reason in reading.quality.reasons]
    head = f"reading {reading.seq}, sample {reading.sample.id}: {reading.quality.verdict}"
    return "; ".join(part for part in (head, ", ".join(numbers), *reasons) if part)


def _short(number: float) -> float:
    """``number`` to seven significant digits: models compute in float32, which has no more."""
    return float(f"{number:.7g}")
