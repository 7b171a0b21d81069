"""Whatever happens in the other process, this one goes on and can say what happened."""

from __future__ import annotations

import os
import signal
import sys
import time
from functools import partial

import pytest

from edge.engines.own_process import in_own_process
from edge.errors import EngineError

soon = partial(in_own_process, "TensorRT", timeout_s=60.0)


def double(number, tell):
    tell("doubling")
    sys.stdout.write("noise\n")
    return 2 * number


def fail(_tell):
    raise EngineError("the graph is odd", "use another")


def break_down(_tell):
    raise ImportError("libnvinfer.so.10: not found")


def crash(_tell):
    os.kill(os.getpid(), signal.SIGSEGV)


def leave(_tell):
    sys.exit(3)


def leave_at_once(_tell):
    os._exit(4)


class Dying:
    """Ends the process that takes it in, before it has read what comes behind."""

    def __reduce__(self):
        return os._exit, (9,)


def give_a_function(_tell):
    return lambda: None


def tell_its_number(tell):
    tell(str(os.getpid()))
    time.sleep(60)


def hang(tell):
    tell("hanging")
    time.sleep(60)


def be_interrupted(_tell):
    os.kill(os.getpid(), signal.SIGINT)
    return "still here"


def test_a_result_comes_back_and_so_does_what_is_told() -> None:
    told: list[str] = []
    assert soon(double, 21, tell=told.append) == 42
    assert told == ["doubling"]


def test_an_error_of_an_engine_comes_back_as_it_was() -> None:
    with pytest.raises(EngineError) as raised:
        soon(fail)
    assert (raised.value.what, raised.value.remedy) == ("the graph is odd", "use another")


@pytest.mark.parametrize(
    ("work", "fault"),
    [
        (break_down, r"TensorRT does not work here: ImportError: libnvinfer\.so\.10"),
        (crash, r"TensorRT crashes when it is used \(signal 11\)"),
        (leave, r"TensorRT ends its process when it is used \(exit status 3\)"),
        (leave_at_once, r"ends its process when it is used \(exit status 4\)"),
    ],
)
def test_a_broken_installation_is_a_fault_in_words(work, fault: str) -> None:
    with pytest.raises(EngineError, match=fault):
        soon(work)


def test_one_that_dies_with_much_still_to_read_does_not_hold_this_one_up() -> None:
    with pytest.raises(EngineError, match=r"TensorRT ends its process .*\(exit status 9\)"):
        soon(double, Dying(), bytes(5_000_000))


def test_an_interpreter_that_does_not_start_is_a_fault_in_words(monkeypatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(EngineError, match="no process can be started for TensorRT"):
        soon(double, 21)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(EngineError, match=r"ends its process .*\(exit status 1\)"):
        soon(double, 21)


def test_a_result_that_can_t_be_handed_over_is_a_fault_in_words() -> None:
    with pytest.raises(EngineError, match=r"ends its process .*\(exit status 1\)"):
        soon(give_a_function)


def test_one_that_hangs_is_given_up() -> None:
    began_s = time.monotonic()
    with pytest.raises(EngineError, match=r"TensorRT did not answer within 3 s"):
        in_own_process("TensorRT", hang, timeout_s=3.0)
    assert time.monotonic() - began_s < 30


def test_ctrl_c_is_for_the_one_that_waits() -> None:
    assert soon(be_interrupted) == "still here"


def test_waiting_can_be_interrupted() -> None:
    def interrupt(_line: str) -> None:
        raise KeyboardInterrupt

    began_s = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        soon(hang, tell=interrupt)
    assert time.monotonic() - began_s < 30


def test_no_process_is_left_behind() -> None:
    numbers: list[int] = []
    with pytest.raises(EngineError, match="did not answer"):
        in_own_process(
            "TensorRT", tell_its_number, timeout_s=3.0, tell=lambda line: numbers.append(int(line))
        )
    with pytest.raises(ProcessLookupError):
        os.kill(numbers[0], 0)
