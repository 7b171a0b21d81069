"""TensorRT is asked for in a process of its own: nothing that happens there ends this one."""

from __future__ import annotations

import pytest

from edge.engines.probe import Probed, probe_tensorrt


def test_a_version_is_given() -> None:
    found = probe_tensorrt("import json; print('noise'); print(json.dumps({'version': '10.3.0'}))")
    assert found == Probed("10.3.0", None)


@pytest.mark.parametrize(
    ("question", "fault"),
    [
        ("raise ModuleNotFoundError(\"No module named 'tensorrt'\")", "not installed"),
        ("raise ImportError('libnvinfer.so.10: not found')", "libnvinfer.so.10"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", r"crashes .*signal 11"),
        ("print('10.3.0')", "no version"),
        ("import sys; sys.exit(3)", "gave no reason"),
        ("", "no version"),
    ],
)
def test_a_broken_installation_is_a_fault_in_words(question: str, fault: str) -> None:
    found = probe_tensorrt(question)
    assert found.version is None
    with pytest.raises(AssertionError, match=fault):
        raise AssertionError(found.fault)


def test_one_that_hangs_is_given_up() -> None:
    found = probe_tensorrt("import time; time.sleep(60)", timeout_s=0.5)
    assert found == Probed(None, "TensorRT did not answer within 0.5 s")


def test_this_machine_gives_an_answer() -> None:
    found = probe_tensorrt()
    assert (found.version is None) != (found.fault is None)
