"""What tests of updates tell of attacks and faults, for docs/update-faults.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.updates.state import UpdateState

PAGE = Path(__file__).parents[1] / "docs" / "update-faults.md"


@dataclass
class Row:
    """What the page says of a test."""

    name: str
    outcome: str = ""
    state: str = ""
    runs: str = ""
    later: str = ""
    kills: str = ""
    with_daemon: bool = False

    @classmethod
    def of(cls, test: str) -> Row:
        """Named in a test's words."""
        name, _, parameters = test.removeprefix("test_").partition("[")
        which = parameters.rstrip("]").partition("-update.")[0].removeprefix("spoil_").strip("/")
        of = f" ({which})" if which else ""
        return cls(name.replace("__", ": ").replace("_", " ") + of)


ROWS: list[Row] = []


def state_name(state: UpdateState) -> str:
    """What the state is called."""
    if state.probation is not None:
        return "probation"
    return state.candidate.step if state.candidate else "idle"


def write_page() -> None:
    """Write what the tests told."""
    PAGE.write_text("\n".join(_page()) + "\n", encoding="utf-8")


def _page() -> Iterator[str]:
    yield "# Updates, attacks and faults\n"
    yield (
        "Written by `LOAMSCAN_WRITE_DOCS=1 make test-faults`, from the tests of `tests/edge/updates` and "
        "`tests/integration/test_updates.py`: a device that runs version 1.1.0 is offered 1.2.0, and "
        "somebody or something stands in the way. After each a bundle that reproduces its golden spectra "
        "runs, the state is one of those named, and the reason is among the device's events. In the last "
        "column: whether the device takes the update once what is served is honest again.\n"
    )
    yield "| attack or fault | reported as | state after | runs | afterwards |"
    yield "|---|---|---|---|---|"
    for row in ROWS:
        if not row.kills and not row.with_daemon:
            yield f"| {row.name} | {row.outcome} | {row.state} | {row.runs} | {row.later} |"
    yield "\n## With a daemon at work\n"
    yield (
        "A daemon that scans, an updater and a broker, each a process of its own; the bundle in the package "
        "is 1.0.0. The readings' `seq` has no gap.\n"
    )
    yield "| what happens | events that the broker has | state after | readings are made with |"
    yield "|---|---|---|---|"
    for row in ROWS:
        if row.with_daemon:
            yield f"| {row.name} | {row.outcome} | {row.state} | {row.runs} |"
    yield "\n## SIGKILL\n"
    yield (
        "The updater and all that it started are killed; what runs afterwards is whole to the byte, and "
        "the next run goes on to the end.\n"
    )
    yield "| when | kills | states found |"
    yield "|---|---|---|"
    yield from (row.kills for row in ROWS if row.kills)
