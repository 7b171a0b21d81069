"""What was dropped or changed on a library's way in, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """What was done with things of one kind, and the name of each, in the order they were met."""

    what: str
    names: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many there were."""
        return len(self.names)

    @property
    def examples(self) -> tuple[str, ...]:
        """The first few, each once."""
        return tuple(dict.fromkeys(self.names))[:EXAMPLES]


@dataclass
class Report:
    """Findings in the order in which they were made."""

    findings: list[Finding] = field(default_factory=list)

    def note(self, what: str, names: Iterable[object]) -> None:
        """Add a finding about ``names``, unless there are none."""
        found = [str(name) for name in names]
        if found:
            self.findings.append(Finding(what, tuple(found)))

    def lines(self) -> list[str]:
        """A line a finding, for people."""
        return [
            f"{finding.count:>7}  {finding.what}: {', '.join(finding.examples)}"
            + (", ..." if len(set(finding.names)) > len(finding.examples) else "")
            for finding in self.findings
        ]

    def as_json(self) -> list[dict[str, Any]]:
        """The findings for scripts, with every name."""
        return [
            {"what": finding.what, "count": finding.count, "names": list(finding.names)}
            for finding in self.findings
        ]
