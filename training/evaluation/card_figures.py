"""How good the model is on the test set: soils, sites and devices that no stage has seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from calibration.domain import DomainModel
from calibration.intervals import IntervalModel
from soil.coherence import coherent
from soil.metrics import metrics
from soil.properties import NAMES, from_model_scale
from training.heads.assembled import RATIOS
from training.method import Trained
from training.mir_autoencoder import at_library_level
from training.soil_spectra import SoilSpectra
from training.stages import seen_in_nir

Table = dict[str, dict[str, float]]

BEST_MIR: Final = "MIR-SSL-MLP"
"""The article's best: what the same soils give when scanned in MIR."""

RETRAINED_CCC_TOLERANCE: Final = 0.03
"""How far the CCC of a property may be off where the same settings are trained again on another machine
or device, whose sums end in other bits. Ours: another processor moved silt by .017."""


@dataclass(frozen=True)
class Evaluation:
    """Metrics per property, and the rest of what the card says under ``evaluation``."""

    metrics: Table
    findings: dict[str, float | int | str | dict[str, float]]


def evaluate(
    trained: Trained,
    domain: DomainModel,
    intervals: IntervalModel,
    test: SoilSpectra,
    wet: SoilSpectra | None,
    test_set: str,
) -> Evaluation:
    """Figures of the method, of its calibration and of its rivals on ``test``, and what ``wet`` soils do.

    ``test_set`` says what ``test`` is.
    """
    outputs = trained.model.outputs(test.nir[:, 0])
    observed = test.properties
    method = property_table(observed, outputs["properties"])
    tables = strategy_tables(trained, test)
    rival, mir_table = tables["NIR-ridge"], tables[BEST_MIR]
    mir = at_library_level(
        trained.strategies.mir_encoder, trained.model.mir_decoder, torch.from_numpy(test.mir[:, 0])
    ).numpy()
    converted, plain = outputs["mir"] - mir, mir - mir.mean(axis=0)
    return Evaluation(
        method,
        {
            "test_set": test_set,
            "test_soils": test.soils,
            "mean_ccc": mean_of(method, "ccc"),
            "retrained_ccc_tolerance": RETRAINED_CCC_TOLERANCE,
            "strategies_mean_ccc": {
                name: mean_of(table, "ccc")
                for name, table in tables.items()
                if not name.endswith(RATIOS)
            },
            "plsr_on_nir_ccc": column(tables["NIR-PLSR"], "ccc"),
            "plsr_on_nir_mean_ccc": mean_of(tables["NIR-PLSR"], "ccc"),
            "plsr_on_nir_better_on": better_of(tables["NIR-PLSR"], method),
            "interval_coverage": coverage(observed, outputs["properties"], intervals),
            "false_alarms": alarms(outputs, domain),
            **({} if wet is None else _of_wet_soils(trained, domain, wet)),
            "q_components": len(domain.q.components),
            "ridge_on_nir_ccc": column(rival, "ccc"),
            "ridge_on_nir_rmse": column(rival, "rmse"),
            "ridge_on_nir_mean_ccc": mean_of(rival, "ccc"),
            "ridge_on_nir_better_on": better_of(rival, method),
            "mir_heads_ccc": column(mir_table, "ccc"),
            "mir_heads_mean_ccc": mean_of(mir_table, "ccc"),
            "converted_mir_rmse_at_library_level": float(np.sqrt(np.mean(converted**2))),
            "mean_mir_rmse_at_library_level": float(np.sqrt(np.mean(plain**2))),
        },
    )


def _of_wet_soils(
    trained: Trained, domain: DomainModel, wet: SoilSpectra
) -> dict[str, float | dict[str, float]]:
    outputs = trained.model.outputs(wet.nir[:, 0])
    table = property_table(wet.properties, outputs["properties"])
    return {
        "wet_soil_alarms": alarms(outputs, domain),
        "wet_soil_mean_ccc": mean_of(table, "ccc"),
    }


def strategy_tables(trained: Trained, test: SoilSpectra) -> dict[str, Table]:
    """Metrics per property of each rival by itself, on first scans."""
    strategies = trained.strategies
    said = strategies.said(strategies.seen_in_mir(torch.from_numpy(test.mir[:, 0])))
    said |= strategies.said(seen_in_nir(trained.model.pipeline.sight, test).first())
    return {
        rival: property_table(test.properties, from_model_scale(model_scale))
        for rival, model_scale in said.items()
    }


def property_table(observed: NDArray[np.float64], raw: NDArray[np.float64]) -> Table:
    """Metrics per property of predictions ``[n, 9]`` after coherence."""
    values = coherent(raw)
    return {name: metrics(observed[:, i], values[:, i]).as_dict() for i, name in enumerate(NAMES)}


def coverage(
    observed: NDArray[np.float64], raw: NDArray[np.float64], intervals: IntervalModel
) -> dict[str, float]:
    """Share of known observations ``[n, 9]`` that lie in their interval, per property."""
    lower, upper = intervals.bounds(coherent(raw))
    inside = (observed >= lower) & (observed <= upper)
    known = np.isfinite(observed)
    return {name: float(inside[known[:, i], i].mean()) for i, name in enumerate(NAMES)}


def alarms(outputs: dict[str, NDArray[np.float32]], domain: DomainModel) -> dict[str, float]:
    """Shares of spectra above the caution and the reject limit of Q, of GH, and of either."""
    q = domain.q.residual(outputs["preprocessed"])
    gh = domain.gh.distance(outputs["latent"])
    above = {
        "q_caution": q > domain.q.caution,
        "q_reject": q > domain.q.reject,
        "gh_caution": gh > domain.gh.caution,
        "gh_reject": gh > domain.gh.reject,
    }
    above["any"] = above["q_caution"] | above["gh_caution"]
    above["any_reject"] = above["q_reject"] | above["gh_reject"]
    return {name: float(flags.mean()) for name, flags in above.items()}


def better_of(rival: Table, method: Table) -> str:
    """The properties on which the rival has the higher CCC, or ``none``."""
    names = [name for name in NAMES if rival[name]["ccc"] > method[name]["ccc"]]
    return ", ".join(names) or "none"


def column(table: Table, figure: str) -> dict[str, float]:
    """One figure of each property."""
    return {name: row[figure] for name, row in table.items()}


def mean_of(table: Table, figure: str) -> float:
    """Mean of one figure over the nine properties."""
    return float(np.mean(list(column(table, figure).values())))
