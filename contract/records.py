"""The records: everything that happens on a device, immutable, in JSON.

Schemas change by adding. A reader of version 1 reads every 1.x and keeps what it does not know,
hence ``extra="allow"`` throughout.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated, Any, Literal

import pydantic_core
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from contract.errors import RecordError
from contract.identity import DeviceId, RecordId
from contract.reasons import Reason, Verdict
from soil.properties import NAMES

RECORD_BYTES_MAX = 16_384
"""Size cap of a published record: under the smallest default limit of a broker seen (20,480 B)."""


_DATETIME = TypeAdapter(datetime)


def _rfc3339_only(moment: object) -> datetime:
    if isinstance(moment, datetime):
        return moment
    # pydantic would guess unit and zone of a bare number, quoted or not.
    if isinstance(moment, str) and "T" in moment:
        return _DATETIME.validate_python(moment)
    raise ValueError("a time is written as in RFC 3339: 2026-05-04T09:12:31.204Z")


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone is ambiguous: use UTC")
    try:
        return moment.astimezone(timezone.utc)
    except OverflowError as error:
        raise ValueError("a time that UTC can't express") from error


def rfc3339(moment: datetime) -> str:
    """A moment in UTC as records write it, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


UtcTime = Annotated[
    datetime,
    BeforeValidator(_rfc3339_only),
    AfterValidator(_utc),
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
]
Seq = Annotated[int, Field(ge=1)]


Document = dict[str, Any]
"""A record, or a part of one, as its JSON has it; what its maker hands to `to_json`."""


def to_json(document: Document) -> bytes:
    """Compact UTF-8 JSON of a document that this software composed from checked parts.

    A device composes a record for each scan while somebody waits; models are for reading what comes
    from elsewhere. A number that is none becomes null.
    """
    return pydantic_core.to_json(document, inf_nan_mode="null")


class Part(BaseModel):
    """Base of everything in a record: immutable, finite, keeps unknown fields."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    def to_json(self) -> bytes:
        """Compact UTF-8 JSON; what was not given is left out, explicit nulls stay."""
        return self.model_dump_json(exclude_unset=True, by_alias=True).encode()


class Device(Part):
    """The computer that made the record."""

    id: DeviceId
    site: str = ""
    boot_id: str = ""


class Position(Part):
    """WGS 84, in degrees, with its own age and accuracy."""

    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    accuracy_m: float | None = Field(default=None, ge=0)
    age_s: float | None = Field(default=None, ge=0)


class Sample(Part):
    """What was scanned, as far as somebody said."""

    id: str
    field: str = ""
    depth_top_cm: float | None = None
    depth_bottom_cm: float | None = None
    preparation: Literal["field-moist", "air-dry", "dry-2mm", "ground", "unknown"] = "unknown"
    replicates: int = Field(ge=1)
    operator: str = ""


class ScannerState(Part):
    """The instrument, and how it was when it measured."""

    model: str
    serial: str
    firmware: str = ""
    temperature_c: float | None = None
    battery_pct: int | None = None
    reference_age_s: float | None = Field(default=None, ge=0)


class Model(Part):
    """What computed the numbers."""

    bundle: str
    version: str
    sha256: str
    engine: str
    synthetic: bool


class PropertyReading(Part):
    """One property. ``value`` is coherent and the interval is its own; ``raw`` came before."""

    value: float | None
    lower: float | None
    upper: float | None
    level: float = Field(gt=0, lt=1)
    unit: str
    raw: float | None = None
    code: str | None = None
    flags: list[str] = []

    @model_validator(mode="after")
    def _ordered(self) -> PropertyReading:
        lower, value, upper = self.lower, self.value, self.upper
        if lower is None or value is None or upper is None:
            if not lower is value is upper:
                raise ValueError("value, lower and upper are all numbers or all null")
        elif not lower <= value <= upper:
            raise ValueError("the interval does not hold its value")
        return self


class Texture(Part):
    """USDA class, and how probable each class is."""

    class_: str | None = Field(alias="class")
    probabilities: dict[str, float] = {}


class ReasonGiven(Part):
    """A reason code with its sentence. A string, so that a newer code does not break a reader."""

    code: str
    text: str
    hint: str = ""

    @classmethod
    def of(cls, reason: Reason, detail: str = "") -> ReasonGiven:
        """``reason`` with its own sentence, and ``detail`` (the figures) behind it in brackets."""
        text = f"{reason.text} ({detail})" if detail else reason.text
        return cls(code=reason.value, text=text, hint=reason.hint)


class Quality(Part):
    """Whether to trust the reading, why not, and the figures behind that."""

    verdict: Verdict
    reasons: list[ReasonGiven]
    q: float | None = None
    gh: float | None = None
    replicate_rms: float | None = None
    snr: float | None = None


TimeQuality = Literal["gnss", "ntp", "rtc", "unknown"]


class ScanRecord(Part):
    """One replicate as measured; stays on the device. ``values`` is base64 of float32, little endian.

    ``number`` counts the log's scans from 1 and is no ``seq``. The axis is named by ``axis_id``,
    the SHA-256 of unit and float64 values, and stored once beside the scans. ``received_at`` is there
    where the scan came later than it was measured, as out of a file.
    """

    schema_: str = Field(alias="schema", pattern=r"^loamscan\.scan/1(\.\d+)?$")
    kind: Literal["scan"]
    id: RecordId
    log_id: RecordId
    number: int = Field(ge=1)
    measured_at: UtcTime
    time_quality: TimeQuality
    role: Literal["sample", "white", "dark"]
    spectrum_kind: Literal["counts", "reflectance"]
    axis_id: str = Field(pattern=r"^[0-9a-f]{64}$")
    values: str
    label: str = ""
    scanner: ScannerState
    scanner_session: int
    scanner_number: int
    scan_time_ms: int
    full_scale: float = 0.0
    received_at: UtcTime | None = None


class _Published(Part):
    schema_: str = Field(alias="schema")
    kind: str
    id: RecordId
    log_id: RecordId
    seq: Seq
    device: Device


class Reading(_Published):
    """The result for a sample, from its replicates."""

    schema_: str = Field(alias="schema", pattern=r"^loamscan\.reading/1(\.\d+)?$")
    kind: Literal["reading"]
    measured_at: UtcTime
    time_quality: TimeQuality
    position: Position | None = None
    sample: Sample
    scanner: ScannerState
    model: Model
    properties: dict[str, PropertyReading]
    texture: Texture
    quality: Quality
    scans: list[RecordId] = []
    historical: bool = False

    @model_validator(mode="after")
    def _known_properties(self) -> Reading:
        missing = [name for name in NAMES if name not in self.properties]
        if missing:
            raise ValueError(f"properties without {', '.join(missing)}")
        return self


class Amendment(_Published):
    """Names an earlier record and what is different now."""

    schema_: str = Field(alias="schema", pattern=r"^loamscan\.amendment/1(\.\d+)?$")
    kind: Literal["amendment"]
    amended_at: UtcTime
    amends: RecordId
    reason: str
    sample: Sample | None = None
    measured_at: UtcTime | None = None
    time_quality: TimeQuality | None = None
    model: Model | None = None
    properties: dict[str, PropertyReading] | None = None
    texture: Texture | None = None
    quality: Quality | None = None


class Void(_Published):
    """Names a record that no longer counts."""

    schema_: str = Field(alias="schema", pattern=r"^loamscan\.void/1(\.\d+)?$")
    kind: Literal["void"]
    voided_at: UtcTime
    voids: RecordId
    reason: str


class Lost(_Published):
    """Names a range of ``seq`` that can't be delivered any more, so that no gap is silent."""

    schema_: str = Field(alias="schema", pattern=r"^loamscan\.lost/1(\.\d+)?$")
    kind: Literal["lost"]
    lost_at: UtcTime
    first: Seq
    last: Seq
    reason: ReasonGiven

    @model_validator(mode="after")
    def _ordered(self) -> Lost:
        if not self.first <= self.last < self.seq:
            raise ValueError("a lost range is ordered and lies before the record that names it")
        return self


Record = Annotated[Reading | Amendment | Void | Lost, Field(discriminator="kind")]
"""Any published record."""

_RECORD: TypeAdapter[Reading | Amendment | Void | Lost] = TypeAdapter(Record)


def read_record(payload: bytes) -> Reading | Amendment | Void | Lost:
    """Parse one published record; raises `RecordError` that names the field at fault."""
    try:
        return _RECORD.validate_json(payload, strict=True)
    except ValidationError as error:
        raise RecordError(f"not a record: {first_fault(error)}") from error


def first_fault(error: ValidationError) -> str:
    """The first fault of a validation, as ``field.path: message``."""
    fault = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in fault["loc"])
    return f"{where}: {fault['msg']}" if where else str(fault["msg"])
