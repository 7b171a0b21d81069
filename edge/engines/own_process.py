"""Work in a process of its own: whatever a broken library does there, this process goes on."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from edge.errors import EngineError

Tell = Callable[[str], None]
Result = TypeVar("Result")

_JOIN_S = 5.0


def in_own_process(
    name: str,
    work: Callable[..., Result],
    *given: Any,
    timeout_s: float,
    tell: Tell = lambda _: None,
) -> Result:
    """``work(*given, tell)`` in a fresh Python; arguments, result and what it tells are pickled.

    Raises the `EngineError` that it raises, and an `EngineError` that names ``name`` where it raises
    anything else, crashes, or has no result after ``timeout_s``.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, work, given), daemon=True)
    process.start()
    theirs.close()
    until_s = time.monotonic() + timeout_s
    try:
        while ours.poll(max(0.0, until_s - time.monotonic())):
            kind, *content = ours.recv()
            if kind == "told":
                tell(content[0])
            elif kind == "done":
                result: Result = content[0]
                process.join(_JOIN_S)
                return result
            elif kind == "failed":
                raise EngineError(*content)
            else:
                raise EngineError(f"{name} does not work here: {content[0]}")
    except EOFError:
        process.join(_JOIN_S)
        raise EngineError(_ended(name, process.exitcode)) from None
    finally:
        process.kill()
        process.join(_JOIN_S)
        ours.close()
    raise EngineError(f"{name} did not answer within {timeout_s:g} s")


def _ended(name: str, exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"{name} crashes when it is used (signal {-exit_code})"
    return f"{name} ends its process when it is used (exit status {exit_code})"


def _work(pipe: Connection, work: Callable[..., Any], given: tuple[Any, ...]) -> None:
    # Ctrl-C reaches every process of a terminal; the one that waits decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        answer = ("done", work(*given, lambda line: pipe.send(("told", line))))
    except EngineError as error:
        answer = ("failed", error.what, error.remedy)  # type: ignore[assignment]
    except Exception as error:  # noqa: BLE001 - a broken installation raises what it likes
        answer = ("broken", f"{type(error).__name__}: {error}")
    pipe.send(answer)
