"""What was dropped or changed on a library's way in, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """``count`` things of one kind and what was done with them, with the names of a few."""

    what: str
    count: int
    examples: tuple[str, ...]


@dataclass
class Report:
    """Findings in the order in which they were made."""

    findings: list[Finding] = field(default_factory=list)

    def note(self, what: str, names: Iterable[object]) -> None:
        """Add a finding about ``names``, unless there are none."""
        found = [str(name) for name in names]
        if found:
            self.findings.append(Finding(what, len(found), tuple(dict.fromkeys(found))[:EXAMPLES]))

    def lines(self) -> list[str]:
        """A line a finding, for people."""
        return [
            f"{finding.count:>7}  {finding.what}: {', '.join(finding.examples)}"
            + (", ..." if finding.count > len(finding.examples) else "")
            for finding in self.findings
        ]

    def as_json(self) -> list[dict[str, Any]]:
        """The findings for scripts."""
        return [
            {"what": finding.what, "count": finding.count, "examples": list(finding.examples)}
            for finding in self.findings
        ]
