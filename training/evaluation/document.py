"""An evaluation as it is kept: every number of the report, `loamscan.evaluation/1`."""

from __future__ import annotations

import json
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from training.evaluation.bootstrap import Estimate, Unit
from training.evaluation.learning_curve import Point

SCHEMA: Final = "loamscan.evaluation/1"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ModelNamed(_Section):
    """Which model was evaluated. ``strategy`` is what its card says of each property."""

    name: str
    version: str
    synthetic: bool
    weights_sha256: str
    strategy: dict[str, str]


class Independence(_Section):
    """Whether the model may have seen these soils, and who says so.

    ``shared_soils`` is None where nobody gave the names of the soils that the model learnt from.
    """

    status: Literal["by construction", "checked by name", "not independent", "your word"]
    shared_soils: int | None
    text: str


class TestedOn(_Section):
    """What the model was tested on."""

    name: str
    licence: str
    synthetic: bool
    soils: int
    sites: int
    scanners: int
    scans: int
    independence: Independence
    dropped: list[str]


class Resampling(_Section):
    """How the intervals of figures came about; what was drawn stands beside each."""

    method: Literal["percentile bootstrap (Efron and Tibshirani 1993)"] = (
        "percentile bootstrap (Efron and Tibshirani 1993)"
    )
    resamples: int
    level: float
    seed: int


class PropertyFigures(_Section):
    """Figures of one property by one strategy; ``left_out`` says why there are none.

    ``drawn`` is what was resampled for the intervals. A figure is null where it has no value: the slope
    of predictions that are all the same, the RPIQ of predictions without error.
    """

    unit: str
    soils: int
    scans: int
    figures: dict[str, Estimate] = {}
    drawn: Unit | None = None
    left_out: str | None = None


class Strategy(_Section):
    """One way from spectrum to properties, with what it reached."""

    description: str
    properties: dict[str, PropertyFigures]
    mean_ccc: Estimate | None = None


class Comparison(_Section):
    """The model against a rival on one property: the difference of squared errors, model less rival.

    On the ``soils`` that both say something of. ``p_holm`` is over the properties of that rival.
    """

    rival: str
    soils: int
    drawn: Unit
    squared_error_difference: Estimate
    p: float
    p_holm: float
    verdict: Literal["model better", "rival better", "no difference shown"]


class SpreadOfReadings(_Section):
    """Repeatability and reproducibility (ISO 5725) as standard deviations; null where left out."""

    replicated_soils: int
    shared_soils: int
    repeatability_left_out: str | None
    reproducibility_left_out: str | None
    repeatability: dict[str, float] | None
    reproducibility: dict[str, float] | None
    repeatability_over_rmse: dict[str, float] | None
    reproducibility_over_rmse: dict[str, float] | None


class Preparation(_Section):
    """The model on scans of soils in one preparation: CCC, RMSE and bias by property.

    ``domain`` holds the shares of these scans beyond each limit; an empty name: not known.
    """

    name: str
    soils: int
    scans: int
    domain: dict[str, float]
    figures: dict[str, dict[str, float]]


class Coverage(_Section):
    """Share of laboratory values that lie in their interval of ``level``."""

    level: float
    soils: int
    covered: Estimate
    left_out: str | None = None


class LearningCurve(_Section):
    """Mean CCC of a local ridge regression on the model's latent, by soils to learn from."""

    properties: list[str]
    points: list[Point]
    left_out: str | None = None


class XiTable(_Section):
    """Xi of each latent feature (row) with each property; null columns where too little is known."""

    properties: list[str]
    soils: dict[str, int]
    noise: dict[str, float | None]
    values: list[list[float | None]]


class Evaluation(_Section):
    """The whole document. Keys ``r2``, ``rmse``, ... of `PropertyFigures` are those of `soil.metrics`."""

    schema_: Literal["loamscan.evaluation/1"] = Field(SCHEMA, alias="schema")
    model: ModelNamed
    test_set: TestedOn
    warnings: list[str]
    bootstrap: Resampling
    strategies: dict[str, Strategy]
    comparisons: dict[str, list[Comparison]]
    spread: SpreadOfReadings
    preparations: list[Preparation] = []
    coverage: dict[str, list[Coverage]]
    domain: dict[str, float]
    learning_curve: LearningCurve
    xi: XiTable

    def to_json(self) -> bytes:
        """The one byte form: sorted keys, indented, a final newline."""
        content = self.model_dump(mode="json", by_alias=True)
        return (json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()
