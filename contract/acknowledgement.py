"""The collector's word on what it has: the message, and the arithmetic on both sides of it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from contract.errors import RecordError
from contract.identity import RecordId
from contract.records import first_fault

MISSING_RANGES_MAX = 64
"""Most ranges that one acknowledgement names; the rest follow once these are filled."""

SeqRange = tuple[int, int]
"""First and last ``seq`` of a range, both in it."""


class Acknowledgement(BaseModel):
    """Everything up to ``committed`` is in the backend for good; ``missing`` is wanted again.

    Records above ``committed`` that are not named are neither confirmed nor asked for.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    schema_: str = Field(alias="schema", pattern=r"^loamscan\.ack/1(\.\d+)?$")
    log_id: RecordId
    committed: int = Field(ge=0)
    missing: list[SeqRange] = Field(default=[], max_length=MISSING_RANGES_MAX)

    @model_validator(mode="after")
    def _ordered(self) -> Acknowledgement:
        last = self.committed
        for first, end in self.missing:
            if not last < first <= end:
                raise ValueError("missing ranges are ordered, apart, and above committed")
            last = end
        return self

    def to_json(self) -> bytes:
        """Compact UTF-8 JSON."""
        return self.model_dump_json(by_alias=True).encode()


def read_acknowledgement(payload: bytes) -> Acknowledgement:
    """Parse an acknowledgement; raises `RecordError`."""
    try:
        return Acknowledgement.model_validate_json(payload, strict=True)
    except ValidationError as error:
        raise RecordError(f"not an acknowledgement: {first_fault(error)}") from error


class Receipts:
    """The collector's side: which ``seq`` of one log are settled, as few ranges as it takes."""

    def __init__(self, committed: int = 0) -> None:
        self._committed = committed
        self._above: list[SeqRange] = []

    @property
    def committed(self) -> int:
        """Highest ``seq`` up to which nothing is missing."""
        return self._committed

    def __contains__(self, seq: int) -> bool:
        return seq <= self._committed or any(first <= seq <= last for first, last in self._above)

    def settle(self, first: int, last: int | None = None) -> None:
        """Take ``first`` to ``last`` (``first`` alone if None) as received or declared lost."""
        last = first if last is None else last
        apart = []
        for low, high in self._above:
            if high < first - 1 or low > last + 1:
                apart.append((low, high))
            else:
                first, last = min(first, low), max(last, high)
        if first <= self._committed + 1:
            self._committed = max(self._committed, last)
            self._above = [r for r in apart if r[1] > self._committed]
        else:
            self._above = sorted([*apart, (first, last)])

    def acknowledgement(self, log_id: str) -> Acknowledgement:
        """What to tell the device now."""
        ends = [self._committed, *(last for _, last in self._above)]
        gaps = [(end + 1, first - 1) for end, (first, _) in zip(ends, self._above, strict=False)]
        return Acknowledgement(
            schema="loamscan.ack/1",
            log_id=log_id,
            committed=self._committed,
            missing=gaps[:MISSING_RANGES_MAX],
        )


def wanted_again(ack: Acknowledgement, newest: int) -> list[int]:
    """The device's side: every ``seq`` that ``ack`` asks for and that exists (up to ``newest``)."""
    return [seq for first, last in ack.missing for seq in range(first, min(last, newest) + 1)]
