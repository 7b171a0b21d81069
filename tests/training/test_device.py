"""Where a run computes. What needs a GPU is tried where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch.overrides import TorchFunctionMode

from training.commands import train
from training.device import chosen_device, computing_on, device_in_use, placed
from training.errors import SettingsError
from training.fitting import Descent, Schedule, generator, reproducible
from training.heads.perceptron import ScannedSoils, fit_perceptron
from training.mir_autoencoder import train_mir_autoencoder
from training.networks import MirDecoder
from training.nir_encoder import train_nir_encoder
from training.scan_repeats import ScanRepeats

SCHEDULE = Schedule(epochs=2, batch=8, step=1e-2, patience=2)
ROWS = torch.arange(20)

CREATED_ANYWHERE = {
    torch.arange,
    torch.rand,
    torch.randn,
    torch.randint,
    torch.randperm,
    torch.zeros,
}


def three_fits() -> list[Any]:
    rng = generator(0, 9)
    mir, nir, latent = (torch.randn(20, 2, k, generator=rng) for k in (12, 6, 3))
    properties = 1 + torch.rand(20, 9, generator=rng, dtype=torch.float64)
    decoder = MirDecoder([3, 5, 12], rng)
    pairs, whole = (nir, mir[:, 0], latent[:, 0]), (slice(None),)
    soils = ScannedSoils(latent, properties.double().numpy())
    return [
        train_mir_autoencoder(ScanRepeats.dense(mir), ROWS, ROWS, (5,), 3, SCHEDULE, 0, silent),
        train_nir_encoder(nir, whole, *pairs[1:], pairs, decoder, (5,), SCHEDULE, 0, silent),
        fit_perceptron(soils, soils, (5,), SCHEDULE, 0, silent, "heads"),
        decoder,
    ]


def test_auto_is_the_processor_where_there_is_no_gpu(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert chosen_device("auto") == chosen_device("cpu") == "cpu"
    with pytest.raises(SettingsError, match="no GPU"):
        chosen_device("cuda")


def test_auto_is_a_gpu_where_there_is_one(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert chosen_device("auto") == chosen_device("cuda") == "cuda"
    assert chosen_device("cpu") == "cpu"


def test_modules_come_back_to_the_processor_also_after_a_fault() -> None:
    moved: list[str] = []

    class Module:
        def to(self, device: str) -> None:
            moved.append(device)

    assert device_in_use() == "cpu"
    with computing_on("somewhere"), placed(Module()) as device:
        assert device == device_in_use() == "somewhere"
    assert moved == ["somewhere", "cpu"]
    moved.clear()
    with pytest.raises(ZeroDivisionError), computing_on("somewhere"), placed(Module()):
        1 / 0  # noqa: B018
    assert moved == ["somewhere", "cpu"]
    assert device_in_use() == "cpu"


def test_inside_a_fit_nothing_is_created_without_saying_where(monkeypatch) -> None:
    """A tensor made on the processor by default is what breaks first on a GPU."""
    created: list[tuple[str, Any]] = []

    class Watch(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            kwargs = kwargs or {}
            if func in CREATED_ANYWHERE:
                created.append((func.__name__, kwargs.get("device")))
            return func(*args, **kwargs)

    whole = Descent.batches, Descent.check

    def watched_batches(descent: Descent):
        with Watch():
            yield from list(whole[0](descent))

    def watched_check(descent: Descent) -> None:
        with Watch():
            whole[1](descent)

    monkeypatch.setattr(Descent, "batches", watched_batches)
    monkeypatch.setattr(Descent, "check", watched_check)
    with reproducible(0):
        three_fits()
    assert {"randperm", "randint", "randn"} <= {name for name, _ in created}
    assert [name for name, device in created if device is None] == []


@pytest.mark.parametrize("device", ["cpu"] + ["cuda"] * torch.cuda.is_available())
def test_a_device_gives_the_same_bits_twice_and_networks_on_the_processor(device) -> None:
    weights = []
    for _ in range(2):
        with reproducible(0, device):
            parts = three_fits()
        weights.append([w for part in parts for w in part.state_dict().values()])
    assert all(w.device.type == "cpu" for w in weights[0])
    assert all(torch.equal(one, other) for one, other in zip(*weights, strict=True))


def silent(line: str) -> None:
    pass


def test_a_gpu_with_too_little_memory_is_no_traceback(monkeypatch, tmp_path: Path) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("training.train.train_synthetic", full)
    ran = CliRunner().invoke(train, ["--synthetic", "--quick", "--out", str(tmp_path / "made")])
    assert isinstance(ran.exception, SettingsError)
    assert "--device cpu" in str(ran.exception)
