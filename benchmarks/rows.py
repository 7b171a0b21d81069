"""The one shape of evidence: a figure, floor and peers from the same run, a goal, and whether it is met."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Goal:
    """A bound, inclusive, on a row's ratio to its floor (or on its value, where that is no speed)."""

    sense: Literal["<=", ">="]
    limit: float
    figure: Literal["ratio_to_floor", "value"] = "ratio_to_floor"

    def __str__(self) -> str:
        return f"{self.figure} {self.sense} {self.limit:g}"

    def met_by(self, row: Row) -> bool:
        """Whether ``row`` keeps the bound; a row without the figure, or with NaN, does not."""
        figure = getattr(row, self.figure)
        if figure is None:
            return False
        return bool(figure <= self.limit if self.sense == "<=" else figure >= self.limit)


@dataclass(frozen=True)
class Row:
    """One figure. Peers are other ways to the same end, in the same unit."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    peers: Mapping[str, float] = field(default_factory=dict)
    goal: Goal | None = None

    @property
    def ratio_to_floor(self) -> float | None:
        """How many times the floor the value is; None without a floor to divide by."""
        return self.value / self.floor if self.floor else None

    @property
    def met(self) -> bool | None:
        """Whether the goal is kept; None where there is none."""
        return None if self.goal is None else self.goal.met_by(self)

    def as_json(self) -> dict[str, Any]:
        """The row as it is printed with ``--json``."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "floor": self.floor,
            "ratio_to_floor": self.ratio_to_floor,
            "peers": dict(self.peers),
            "goal": None if self.goal is None else str(self.goal),
            "met": self.met,
        }
