"""The manifest of a model bundle: what is in it, what goes in, what comes out, how far to trust it."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from contract.errors import BundleError, BundleUnsupportedError
from contract.records import first_fault
from contract.version import Version
from soil.axis import Axis
from soil.errors import AxisError
from soil.properties import NAMES

FORMAT_MAJOR = 1
MANIFEST_NAME = "manifest.json"

Precision = Literal["fp32", "fp16", "int8"]

MemberName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)*$", max_length=100),
]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)


class AxisSpec(_Section):
    """An axis in JSON; float64 values round-trip exactly."""

    unit: Literal["nm", "cm-1"]
    values: list[float]

    @model_validator(mode="after")
    def _is_axis(self) -> AxisSpec:
        try:
            self.axis()
        except AxisError as error:
            raise ValueError(str(error)) from error
        return self

    def axis(self) -> Axis:
        """The axis itself."""
        return Axis(self.unit, self.values)

    @classmethod
    def of(cls, axis: Axis) -> AxisSpec:
        """The JSON form of ``axis``."""
        return cls(unit=axis.unit, values=axis.values.tolist())


class FileEntry(_Section):
    """One member of the bundle."""

    size: int = Field(ge=0)
    sha256: Sha256


class Input(_Section):
    """What ``pipeline`` takes: float32 ``[n, bands]``, reflectance fraction on ``axis``.

    ``preprocessing`` is the way to its output ``preprocessed``; heads see other treatments besides.
    """

    axis: AxisSpec
    kind: Literal["reflectance"]
    preprocessing: list[str]


class Output(_Section):
    """One column of ``pipeline``'s ``properties``, in reporting units, before coherence."""

    name: str
    unit: str
    code: str | None
    method: str | None
    lowest: float
    highest: float
    scale: Literal["identity", "log1p"]
    strategy: str


class Graphs(_Section):
    """Members that hold the ONNX graphs, by precision."""

    pipeline: dict[Precision, MemberName]
    mir_decoder: dict[Precision, MemberName]

    def members(self, precision: Precision) -> tuple[str, str]:
        """Pipeline and decoder that run together: a decoder that is not narrowed serves in fp32."""
        decoder = self.mir_decoder
        return self.pipeline[precision], decoder.get(precision, decoder["fp32"])


class Intervals(_Section):
    """Split-conformal half widths on the property's scale, about the coherent value."""

    method: Literal["split-conformal"]
    level: float = Field(gt=0, lt=1)
    half_width: dict[str, Annotated[float, Field(ge=0)]]
    calibrated_on: dict[str, int]


class DistanceLimits(_Section):
    """Empirical limits of a distance.

    Above ``caution`` lay ``1 - caution_quantile`` of spectra that the model was not fitted on,
    above ``reject`` ``1 - reject_quantile``.
    """

    caution: float = Field(gt=0)
    reject: float = Field(gt=0)
    caution_quantile: float = Field(gt=0, lt=1)
    reject_quantile: float = Field(gt=0, lt=1)
    calibrated_on: int

    @model_validator(mode="after")
    def _ordered(self) -> DistanceLimits:
        if self.caution > self.reject:
            raise ValueError("the caution limit lies above the reject limit")
        return self


class QResidual(DistanceLimits):
    """Mean ``[m]`` and principal components ``[k, m]`` of ``preprocessed``."""

    mean: MemberName
    components: MemberName


class Gh(DistanceLimits):
    """Mean ``[k]`` and whitening ``[k, k]`` of ``latent``."""

    mean: MemberName
    whitening: MemberName


class Domain(_Section):
    """How the device knows that a spectrum is foreign to the model."""

    q_residual: QResidual
    gh: Gh


class Golden(_Section):
    """Spectra with the outputs that every engine must reproduce.

    The first ``soils`` are soils; the others, at the edge of what is valid, are asked of fp32 alone,
    since ranges in fewer bits are those of soils.
    """

    reflectance: MemberName
    properties: MemberName
    latent: MemberName
    mir: MemberName
    relative_tolerance: float = Field(gt=0)
    absolute_tolerance: float = Field(gt=0)
    soils: int | None = Field(default=None, ge=1)


GOLDEN_FACTOR_MAX = 10_000.0
"""Far above what int8 takes (some hundreds), far below what would prove nothing. Ours."""


class Budget(_Section):
    """What a graph in fewer bits may lose, and what it was judged by.

    ``ccc_loss``: of each property's CCC, of the converted spectra's, and the share of spectra with
    another verdict of the domain check; ``change``: of a value, in half widths of its interval.
    ``judged`` counts soils that no stage has seen, ``representative`` the spectra that ranges were
    taken from.
    """

    ccc_loss: float = Field(gt=0, le=1)
    change: float = Field(gt=0, le=1)
    judged: int = Field(ge=1)
    representative: int = Field(ge=1)
    representative_sha256: Sha256


class Narrowing(_Section):
    """What of the graphs is in fewer bits, and what that costs against fp32.

    Figures of the pipeline are of each property, and of none where it is not narrowed. ``golden_factor``:
    how many times the golden tolerances an engine may be off in ``latent`` and ``mir``, on soils; values
    are held to the budget's ``change``.
    """

    parts: list[str]
    quantisation_nodes: int = Field(ge=0)
    ccc_loss: dict[str, Annotated[float, Field(ge=-2, le=2)]]
    change: dict[str, Annotated[float, Field(ge=0, le=100)]]
    verdicts_changed: float = Field(ge=0, le=1)
    mir_loss: float | None
    golden_factor: dict[str, Annotated[float, Field(ge=1, le=GOLDEN_FACTOR_MAX)]]

    @model_validator(mode="after")
    def _of_each_property(self) -> Narrowing:
        for name in ("ccc_loss", "change"):
            if set(getattr(self, name)) not in (set(), set(NAMES)):
                raise ValueError(f"{name} is not of the nine properties")
        if bool(self.ccc_loss) != bool(self.change):
            raise ValueError("ccc_loss and change are not of the same graph")
        return self


class TrainingData(_Section):
    """Where the knowledge comes from."""

    name: str
    description: str
    licence: str
    synthetic: bool
    samples: int
    attributions: list[str] = []


class Manifest(_Section):
    """The whole manifest; ``files`` lists every other member of the bundle."""

    schema_: str = Field(alias="schema", pattern=r"^loamscan\.bundle/1(\.\d+)?$")
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    version: Version
    synthetic: bool
    description: str
    licence: str
    minimum_agent: Version
    input: Input
    outputs: list[Output]
    latent_features: int = Field(ge=1)
    mir_axis: AxisSpec
    graphs: Graphs
    budget: Budget | None = None
    precisions: dict[Literal["fp16", "int8"], Narrowing] = {}
    intervals: Intervals
    domain: Domain
    golden: Golden
    training_data: list[TrainingData]
    metrics: dict[str, dict[str, float]]
    evaluation: dict[str, float | int | str | dict[str, float]] = {}
    files: dict[MemberName, FileEntry] = Field(json_schema_extra={"additionalProperties": False})

    @model_validator(mode="after")
    def _whole(self) -> Manifest:
        if tuple(output.name for output in self.outputs) != NAMES:
            raise ValueError(f"outputs are not the nine properties in order: {', '.join(NAMES)}")
        for field in ("half_width", "calibrated_on"):
            lacking = sorted(set(NAMES) - set(getattr(self.intervals, field)))
            if lacking:
                raise ValueError(f"intervals.{field} lacks {', '.join(lacking)}")
        q, gh, golden = self.domain.q_residual, self.domain.gh, self.golden
        named = [q.mean, q.components, gh.mean, gh.whitening]
        named += [golden.reflectance, golden.properties, golden.latent, golden.mir]
        for graphs in (self.graphs.pipeline, self.graphs.mir_decoder):
            if "fp32" not in graphs:
                raise ValueError("every graph needs its fp32 form")
            named += graphs.values()
        unlisted = sorted(set(named) - set(self.files))
        if unlisted:
            raise ValueError(f"files does not list {', '.join(unlisted)}")
        precisions = {*self.graphs.pipeline, *self.graphs.mir_decoder} - {"fp32"}
        unproven = sorted(precisions - set(self.precisions))
        if unproven:
            raise ValueError(f"precisions does not say what {', '.join(unproven)} costs")
        for name, narrowing in self.precisions.items():
            if (name in self.graphs.pipeline) != bool(narrowing.ccc_loss):
                raise ValueError(f"precisions.{name}: ccc_loss is not that of its pipeline")
            if (name in self.graphs.mir_decoder) != (narrowing.mir_loss is not None):
                raise ValueError(f"precisions.{name}: mir_loss is not that of its decoder")
        if self.precisions and self.budget is None:
            raise ValueError("precisions without a budget")
        if any(card.synthetic for card in self.training_data) and not self.synthetic:
            raise ValueError("trained on synthetic data and not marked synthetic")
        return self

    def to_json(self) -> bytes:
        """The one byte form of this manifest: sorted keys, indented, a final newline."""
        content = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
        return (text + "\n").encode()


def read_manifest(text: bytes) -> Manifest:
    """Parse a manifest.

    Raises `BundleUnsupportedError` for a format from the future and `BundleError`, naming the field,
    for anything else that is wrong.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{MANIFEST_NAME} is not JSON") from error
    schema = content.get("schema") if isinstance(content, dict) else None
    if not isinstance(schema, str) or not schema.startswith("loamscan.bundle/"):
        raise BundleError(f"{MANIFEST_NAME} is not the manifest of a loamscan bundle")
    if schema.removeprefix("loamscan.bundle/").partition(".")[0] != str(FORMAT_MAJOR):
        raise BundleUnsupportedError(
            f"the bundle's format is {schema}, this agent reads loamscan.bundle/{FORMAT_MAJOR}",
            "update the agent",
        )
    try:
        return Manifest.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise BundleError(f"{MANIFEST_NAME}: {first_fault(error)}") from error
