"""Work in a process of its own: whatever a broken library does there, this process goes on."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, Final, TypeVar

from edge.errors import EngineError, OwnProcessError
from soil.errors import LoamscanError

Tell = Callable[[str], None]
Result = TypeVar("Result")

_LEAVING_S: Final = 5.0
"""How long a process that has given its result may take to end: libraries clean up. Ours."""

# Ctrl-C reaches every process of a terminal; the one that waits decides.
_CHILD: Final = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
import json, sys
sys.path[:] = json.loads(sys.argv[2])
from edge.engines.own_process import serve
serve(int(sys.argv[1]))
"""


def in_own_process(
    name: str,
    work: Callable[..., Result],
    *given: Any,
    timeout_s: float,
    tell: Tell = lambda _: None,
) -> Result:
    """``work(*given, tell)`` in a fresh Python; arguments, result and what it tells are pickled.

    Raises the error that it raises as an `EngineError`; an `OwnProcessError` that names ``name`` where it
    raises what is none of ours (no memory, say), crashes, or has no result in time.
    """
    until_s = time.monotonic() + timeout_s
    ours, theirs = Pipe()
    paths = json.dumps([str(Path(path).absolute()) for path in sys.path])
    child: subprocess.Popen[bytes] | None = None
    try:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", _CHILD, str(theirs.fileno()), paths],
            pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            # Python looks for modules where it is started: not among a stranger's files.
            cwd="/",
        )  # fmt: skip
        theirs.close()
        # One that dies or hangs before it listens would leave this side writing forever.
        if not ours.poll(timeout_s) or ours.recv() != "ready":
            raise _LateError
        ours.send((work, given))
        while ours.poll(max(0.0, until_s - time.monotonic())):
            kind, *content = ours.recv()
            if kind == "told":
                tell(content[0])
            elif kind == "done":
                _left(child)
                result: Result = content[0]
                return result
            elif kind == "failed":
                raise EngineError(*content)
            else:
                raise OwnProcessError(f"{name} does not work here: {content[0]}")
        raise _LateError
    except _LateError:
        raise OwnProcessError(f"{name} did not answer within {timeout_s:g} s") from None
    except (EOFError, OSError) as error:
        raise OwnProcessError(_ended(name, child, error)) from error
    finally:
        theirs.close()
        if child is not None:
            child.kill()
            child.wait()
        ours.close()


def serve(descriptor: int) -> None:
    """The other process's part: do what comes through the pipe ``descriptor``, and answer."""
    pipe = Connection(descriptor)
    pipe.send("ready")
    answer: tuple[Any, ...]
    try:
        work, given = pipe.recv()
        answer = ("done", work(*given, lambda line: pipe.send(("told", line))))
    except LoamscanError as error:
        answer = ("failed", error.what, error.remedy)
    except Exception as error:  # noqa: BLE001 - a broken installation raises what it likes
        answer = ("broken", f"{type(error).__name__}: {error}")
    pipe.send(answer)


class _LateError(Exception):
    """Nothing came in time."""


def _left(child: subprocess.Popen[bytes]) -> int | None:
    try:
        return child.wait(_LEAVING_S)
    except subprocess.TimeoutExpired:
        return None


def _ended(name: str, child: subprocess.Popen[bytes] | None, error: Exception) -> str:
    if child is None:
        return f"no process can be started for {name}: {error}"
    status = _left(child)
    if status is not None and status < 0:
        return f"{name} crashes when it is used (signal {-status})"
    return f"{name} ends its process when it is used (exit status {status})"
