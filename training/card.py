"""The card of a checkpoint: what was trained, on what, how far to trust it; everything but weights."""

from __future__ import annotations

import json
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from contract.manifest import AxisSpec, DistanceLimits, Intervals, Sha256, TrainingData
from contract.version import Version
from training.axes import ScannerName
from training.errors import CheckpointError, CheckpointUnsupportedError

SCHEMA_FAMILY: Final = "loamscan.checkpoint/"
SCHEMA: Final = "loamscan.checkpoint/2"

BundleName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Sizes = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=2)]
Columns = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]


class HeadForm(_Section):
    """A head: what it sees, of which kind it is, and its sizes, features first, targets last.

    ``columns`` are those of the treatments that a kernel looks at, or that an ensemble sees;
    ``support`` counts a kernel's soils, ``kept`` names the targets it says, ``members`` counts an
    ensemble's.
    """

    name: str
    view: str
    kind: Literal["linear", "kernel", "ensemble", "perceptron"]
    sizes: Sizes
    columns: list[Columns] = []
    support: int = Field(default=0, ge=0)
    kept: list[Annotated[int, Field(ge=0)]] = []
    members: int = Field(default=0, ge=0)


class Architecture(_Section):
    """Sizes of the networks, input first, output last; ``scores`` counts those of each treatment."""

    bands: int = Field(ge=2)
    nir_encoder: Sizes
    mir_decoder: Sizes
    scores: list[int]
    heads: list[HeadForm] = Field(min_length=1)


class StrategyForms(_Section):
    """Every strategy that was trained; their weights lie in ``strategies.safetensors``."""

    mir_encoder: Sizes
    heads: list[HeadForm] = Field(min_length=1)


class DomainLimits(_Section):
    """Limits of both distances; the arrays behind them lie in ``domain.safetensors``."""

    q_residual: DistanceLimits
    gh: DistanceLimits


class GoldenTolerances(_Section):
    """How far an engine may be from the golden outputs: absolute + relative * |golden|."""

    relative: float = Field(gt=0)
    absolute: float = Field(gt=0)


class Card(_Section):
    """The whole card; ``files`` are the digests of the other files of the folder.

    ``scanner`` is the kind that the axis was chosen for.
    """

    schema_: Literal["loamscan.checkpoint/2"] = Field(alias="schema")
    name: BundleName
    version: Version
    synthetic: bool
    description: str
    licence: str
    seed: int
    scanner: ScannerName = "neospectra"
    axis: AxisSpec
    mir_axis: AxisSpec
    preprocessing: list[str]
    architecture: Architecture
    strategy: dict[str, str]
    strategies: StrategyForms | None = None
    intervals: Intervals
    domain: DomainLimits
    golden: GoldenTolerances
    training_data: list[TrainingData]
    metrics: dict[str, dict[str, float]]
    evaluation: dict[str, float | int | str | dict[str, float]]
    files: dict[str, Sha256] = {}

    def to_json(self) -> bytes:
        """The one byte form of this card: sorted keys, indented, a final newline."""
        content = self.model_dump(mode="json", by_alias=True)
        return (json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def read_card(text: bytes) -> Card:
    """Parse a card.

    Raises `CheckpointUnsupportedError` for another format version and `CheckpointError`, naming the
    field, for anything else that is wrong.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError("card.json is not JSON", "train again") from error
    schema = content.get("schema") if isinstance(content, dict) else None
    if not isinstance(schema, str) or not schema.startswith(SCHEMA_FAMILY):
        raise CheckpointError(
            "card.json is not the card of a loamscan checkpoint",
            "name a folder `loamscan train` made",
        )
    if schema != SCHEMA:
        raise CheckpointUnsupportedError(
            f"the checkpoint's format is {schema}, this version reads {SCHEMA}",
            "train again, or use the loamscan that made it",
        )
    try:
        return Card.model_validate(content)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise CheckpointError(f"card.json: {where}: {fault['msg']}", "train again") from error
