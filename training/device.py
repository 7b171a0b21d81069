"""Where a training run computes: the processor, or a GPU where there is one.

Spectra and networks are the processor's everywhere else. A fit brings its own to the device and
its networks back, so that what is saved, evaluated and exported never depends on it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Literal

import torch

from training.errors import SettingsError

DeviceName = Literal["auto", "cpu", "cuda"]

_CUBLAS_WORKSPACE: Final = ":4096:8"
"""One of the two that cuBLAS is reproducible with, says its documentation."""

_IN_USE: ContextVar[str] = ContextVar("device", default="cpu")


def chosen_device(name: DeviceName) -> str:
    """``auto`` is a GPU where there is one. Raises `SettingsError` for a GPU that is not there."""
    present = torch.cuda.is_available()
    if name == "cuda" and not present:
        raise SettingsError("torch finds no GPU", "use --device cpu, or a torch built for CUDA")
    return ("cuda" if present else "cpu") if name == "auto" else name


@contextmanager
def computing_on(device: str) -> Iterator[None]:
    """Every fit inside computes on ``device``."""
    if device == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", _CUBLAS_WORKSPACE)
    token = _IN_USE.set(device)
    try:
        yield
    finally:
        _IN_USE.reset(token)


def device_in_use() -> str:
    """The device of the run that this is called in; the processor outside of one."""
    return _IN_USE.get()


@contextmanager
def placed(*modules: Any) -> Iterator[str]:
    """``modules`` are on the device inside, whose name is given, and on the processor afterwards."""
    device = device_in_use()
    for module in modules:
        module.to(device)
    try:
        yield device
    finally:
        for module in modules:
            module.to("cpu")
