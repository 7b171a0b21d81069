"""An assessment put into the words of the contract."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from contract.bundle import Bundle
from contract.records import (
    Device,
    Model,
    PropertyReading,
    Quality,
    Reading,
    Sample,
    Texture,
)
from edge import clock
from edge.assessment import Assessment
from edge.config import Config
from edge.scans import LoggedScan
from soil.properties import PROPERTIES


class ReadingMaker:
    """Puts assessments of a device's samples into records."""

    def __init__(self, config: Config, bundle: Bundle, engine: str) -> None:
        self._settings = config.sample
        self._include_rejected = config.model.include_rejected
        self._level = bundle.manifest.intervals.level
        self._model = model_of(bundle, engine)
        self.device = Device(id=config.device.id, site=config.device.site, boot_id=clock.boot_id())

    def reading(
        self,
        scans: Sequence[LoggedScan],
        assessment: Assessment,
        reference_age_s: float | None,
        *,
        record_id: str,
        log_id: str,
        seq: int,
    ) -> Reading:
        """The reading ``seq`` of ``scans``, one sample's replicates in the order they came."""
        first = scans[0]
        settings = self._settings
        scanner = first.scanner
        if reference_age_s is not None and isfinite(reference_age_s):
            age = {"reference_age_s": round(reference_age_s, 1)}
            scanner = scanner.model_copy(update=age)
        return Reading(
            schema="loamscan.reading/1",
            kind="reading",
            id=record_id,
            log_id=log_id,
            seq=seq,
            device=self.device,
            measured_at=first.measured_at,
            time_quality=first.time_quality,
            sample=Sample(
                id=first.label or f"scan-{first.log_number}",
                field=settings.field,
                preparation=settings.preparation,
                operator=settings.operator,
                replicates=len(scans),
            ),
            scanner=scanner,
            model=self._model,
            properties=properties_of(assessment, self._level, self._include_rejected),
            texture=texture_of(assessment, self._include_rejected),
            quality=quality_of(assessment),
            scans=[scan.id for scan in scans],
            historical=any(scan.from_earlier_run for scan in scans),
        )


def model_of(bundle: Bundle, engine: str) -> Model:
    """What a reading says of the bundle behind it."""
    manifest = bundle.manifest
    return Model(
        bundle=manifest.name,
        version=manifest.version,
        sha256=bundle.sha256,
        engine=engine,
        synthetic=manifest.synthetic,
    )


def properties_of(
    assessment: Assessment, level: float, include_rejected: bool
) -> dict[str, PropertyReading]:
    """The nine properties; null where rejected (unless ``include_rejected``) or not computed."""
    p = assessment.prediction
    shown = p is not None and (assessment.verdict != "reject" or include_rejected)
    found: dict[str, PropertyReading] = {}
    for i, item in enumerate(PROPERTIES):
        numbers: dict[str, Any] = dict.fromkeys(("value", "lower", "upper", "raw"))
        if shown and p is not None:
            numbers = {name: _short(getattr(p, name)[i]) for name in numbers}
        found[item.name] = PropertyReading(
            **numbers, level=level, unit=item.unit, code=item.ossl_code, flags=[]
        )
    return found


def texture_of(assessment: Assessment, include_rejected: bool) -> Texture:
    """Texture class with its probabilities; null under the same rule as the numbers."""
    p = assessment.prediction
    if p is None or (assessment.verdict == "reject" and not include_rejected):
        return Texture(**{"class": None, "probabilities": {}})
    return Texture(**{"class": p.texture, "probabilities": assessment.texture_probabilities})


def quality_of(assessment: Assessment) -> Quality:
    """Verdict, reasons, and the figures behind them that exist."""
    figures = {
        name: _short(figure)
        for name in ("q", "gh", "replicate_rms", "snr")
        if (figure := getattr(assessment, name)) is not None and isfinite(figure)
    }
    return Quality(verdict=assessment.verdict, reasons=list(assessment.reasons), **figures)


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
