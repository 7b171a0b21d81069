"""Ways to run a bundle's graphs, one thread: torch eager, ONNX Runtime in each precision, numpy.

`pipeline` is the hot path, `MIR decoder` turns a latent into a MIR spectrum. At batch 1 the value is
the daemon's predictor, its floor the bare `session.run` of the same graph; `paced` leaves a tenth of a
second between calls, as a scanner does, so that caches are cold. At batch 256 the value is int8, its
floor fp32, in spectra per second. numpy computes the decoder alone: the pipeline has no form of it.
All take turns. `export` is one export of the reference checkpoint in every precision; its floor is the
time that it spends in `torch.onnx.export`, the quantiser and the checker, counted in the same run.
Sizes are of the graphs' files. Goals of twice the speed and 35 % of the size are for a model of which
every layer passes int8; of this one the Gaussian process and PLSR do not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from benchmarks.interleaving import Contestant, interleave
from benchmarks.rows import Goal, Row
from contract.bundle import Bundle, open_bundle
from edge.config import REFERENCE_BUNDLE
from edge.predictor import Predictor
from export import precision as narrowing
from export.pack import export_bundle
from export.running import session
from training.checkpoint import load

CHECKPOINT: Final = Path(REFERENCE_BUNDLE).parent / "reference-neospectra"
OVERHEAD_MAX: Final = 1.15
EXPORT_MAX: Final = 2.0
BATCH: Final = 256
PACE_S: Final = 0.1

Spectra = NDArray[np.float32]


def measure(quick: bool, tell: Callable[[str], None]) -> list[Row]:
    """Rows at batch 1, tight and paced, at batch 256, of sizes, and of the export."""
    torch.set_num_threads(1)
    bundle = open_bundle(REFERENCE_BUNDLE)
    rows = []
    for name in ("pipeline", "MIR decoder"):
        tell(f"{name}, batch 1, tight")
        rows.append(_one(name, bundle, "tight", 3 if quick else 40, 10, 0.0))
        tell(f"{name}, batch 1, paced")
        rows.append(_one(name, bundle, "paced", 2 if quick else 60, 1, 0.0 if quick else PACE_S))
        tell(f"{name}, batch {BATCH}")
        rows.append(_many(name, bundle, 2 if quick else 30))
        rows.append(_size(name, bundle))
    tell("export")
    return [*rows, _export()]


def _one(name: str, bundle: Bundle, how: str, blocks: int, size: int, pause_s: float) -> Row:
    given = _given(name, bundle)[:1]
    ways = _ways(name, bundle, given)
    predictor = Predictor(bundle)
    ask = predictor.predict if name == "pipeline" else predictor.convert
    ask(given)
    took = interleave({"predictor": _timed(lambda: ask(given)), **ways}, blocks, size, pause_s)
    us = {way: float(np.median(seconds)) * 1e6 for way, seconds in took.items()}
    return Row(
        f"{name}, batch 1, {how}, predictor", us.pop("predictor"), "us", us.pop("fp32"), us,
        Goal("<=", OVERHEAD_MAX),
    )  # fmt: skip


def _many(name: str, bundle: Bundle, blocks: int) -> Row:
    given = np.resize(_given(name, bundle), (BATCH, _given(name, bundle).shape[1]))
    took = interleave(_ways(name, bundle, given), blocks, 1)
    rate = {way: BATCH / float(np.median(seconds)) for way, seconds in took.items()}
    return Row(
        f"{name}, batch {BATCH}, int8", rate.pop("int8"), "spectra/s", rate.pop("fp32"), rate
    )


def _size(name: str, bundle: Bundle) -> Row:
    sizes = {
        precision: len(bundle.files[member]) / 1e6
        for precision, member in _members(name, bundle).items()
    }
    return Row(f"{name}, size, int8", sizes.pop("int8"), "MB", sizes.pop("fp32"), sizes)


def _ways(name: str, bundle: Bundle, given: Spectra) -> dict[str, Contestant]:
    """Every way to run the graph on ``given``, each called once so that it is warm."""
    ways: dict[str, Contestant] = {}
    for precision, member in _members(name, bundle).items():
        own = session(bundle.files[member])
        feed = {own.get_inputs()[0].name: given}
        outputs = [output.name for output in own.get_outputs()]
        ways[precision] = _timed(lambda s=own, o=outputs, f=feed: s.run(o, f))
    model = load(CHECKPOINT).model
    module = model.pipeline if name == "pipeline" else model.mir_decoder
    tensor = torch.from_numpy(given)

    def eager() -> None:
        with torch.no_grad():
            module(tensor)

    ways["torch eager"] = _timed(eager)
    if name != "pipeline":
        decode = _numpy_decoder(module)
        ways["numpy"] = _timed(lambda: decode(given))
    for once in ways.values():
        once()
    return ways


def _members(name: str, bundle: Bundle) -> dict[str, str]:
    graphs = bundle.manifest.graphs
    return dict(graphs.pipeline if name == "pipeline" else graphs.mir_decoder)


def _given(name: str, bundle: Bundle) -> Spectra:
    golden = bundle.manifest.golden
    return bundle.array(golden.reflectance if name == "pipeline" else golden.latent)


def _numpy_decoder(module: Any) -> Callable[[Spectra], Spectra]:
    layers = [
        (layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy())
        for layer in module.layers
        if isinstance(layer, torch.nn.Linear)
    ]
    straight = module.straight.weight.detach().numpy().T.copy()
    scale, centre = module.scale.numpy(), module.centre.numpy()

    def decode(latent: Spectra) -> Spectra:
        *hidden, (weight, bias) = layers
        passed = latent @ straight
        for inner, offset in hidden:
            latent = np.maximum(latent @ inner + offset, 0.0)
        return (latent @ weight + bias + passed) * scale + centre

    return decode


def _timed(call: Callable[[], object]) -> Contestant:
    def once() -> float:
        begun_s = time.perf_counter()
        call()
        return time.perf_counter() - begun_s

    return once


def _export() -> Row:
    """One export, and how much of it is the libraries' own."""
    spent = {"torch.onnx.export": 0.0, "quantiser": 0.0, "checker": 0.0}
    with (
        TemporaryDirectory() as folder,
        _counted(spent, "torch.onnx.export", torch.onnx, "export"),
        _counted(spent, "quantiser", narrowing, "quantize_static"),
        _counted(spent, "checker", onnx.checker, "check_model"),
    ):
        begun_s = time.perf_counter()
        export_bundle(CHECKPOINT, Path(folder))
        took_s = time.perf_counter() - begun_s
    return Row(
        "export, every precision", took_s, "s", sum(spent.values()), spent, Goal("<=", EXPORT_MAX)
    )


@contextmanager
def _counted(spent: dict[str, float], what: str, where: Any, name: str) -> Iterator[None]:
    honest = getattr(where, name)

    def counting(*args: Any, **kwargs: Any) -> Any:
        begun_s = time.perf_counter()
        try:
            return honest(*args, **kwargs)
        finally:
            spent[what] += time.perf_counter() - begun_s

    setattr(where, name, counting)
    try:
        yield
    finally:
        setattr(where, name, honest)
