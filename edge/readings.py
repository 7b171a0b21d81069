"""An assessment put into the words of the contract."""

from __future__ import annotations

from typing import Any

import numpy as np

from contract.bundle import Bundle
from contract.records import Model, PropertyReading, Quality, Texture
from edge.assessment import Assessment
from soil.properties import PROPERTIES


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
        if (figure := getattr(assessment, name)) is not None and np.isfinite(figure)
    }
    return Quality(verdict=assessment.verdict, reasons=list(assessment.reasons), **figures)


def _short(number: float) -> float:
    """``number`` to seven significant digits: models compute in float32, which has no more."""
    return float(f"{number:.7g}")
