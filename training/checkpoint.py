"""A checkpoint folder: weights, domain model, golden spectra and card, without a pickle anywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from calibration.domain import DomainModel, GhModel, QModel
from contract.whole_file import write_whole
from soil.properties import NAMES
from training.building import model_of, strategies_of
from training.card import Card, read_card
from training.errors import CheckpointDamagedError, CheckpointError
from training.every_strategy import EveryStrategy
from training.pipeline import Model
from training.preprocessing import preprocessed_bands
from training.quantisation_spectra import check_arrays

WEIGHTS: Final = "weights.safetensors"
STRATEGIES: Final = "strategies.safetensors"
DOMAIN: Final = "domain.safetensors"
GOLDEN: Final = "golden.safetensors"
QUANTISATION: Final = "quantisation.safetensors"
CARD: Final = "card.json"

GOLDEN_ARRAYS: Final = ("reflectance", "properties", "latent", "mir")


@dataclass(frozen=True)
class Checkpoint:
    """What a training run leaves.

    ``golden`` holds float32 arrays `GOLDEN_ARRAYS`, ``[n, ...]`` each: spectra and the outputs that
    torch gave for them once, at training. ``strategies`` are for the evaluation alone, and
    ``quantisation``, arrays as `training.quantisation_spectra` makes them, for an export in fewer
    bits: a checkpoint may do without either.
    """

    card: Card
    model: Model
    domain: DomainModel
    golden: dict[str, NDArray[np.float32]]
    strategies: EveryStrategy | None = None
    quantisation: dict[str, NDArray[Any]] | None = None


@contextmanager
def prepared(folder: Path) -> Iterator[None]:
    """Have ``folder`` inside, so that a place that can't be written is found out before the work.

    Where nothing was left in one that was made for it, it is gone again. Raises `CheckpointError`.
    """
    found = folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(
            f"{folder} can't be made: {error.strerror}", "name another folder"
        ) from error
    try:
        yield
    finally:
        if not found:
            with suppress(OSError):
                folder.rmdir()


def check_free(folder: Path) -> None:
    """Raise `CheckpointError` where ``folder`` holds a checkpoint: hours of somebody's work."""
    if (folder / CARD).exists():
        raise CheckpointError(
            f"{folder} holds a finished checkpoint",
            "name another --out, or add --restart to train in its place",
        )


def save(checkpoint: Checkpoint, folder: Path) -> Card:
    """Write ``checkpoint`` into ``folder``, the card last; returns the card with its digests."""
    q, gh = checkpoint.domain.q, checkpoint.domain.gh
    domain = {
        "q_mean": q.mean,
        "q_components": q.components,
        "gh_mean": gh.mean,
        "gh_whitening": gh.whitening,
    }
    files = {
        WEIGHTS: _weights(checkpoint.model),
        DOMAIN: safetensors.numpy.save(_contiguous(domain)),
        GOLDEN: safetensors.numpy.save(_contiguous(checkpoint.golden)),
    }
    if checkpoint.strategies is not None:
        files[STRATEGIES] = _weights(checkpoint.strategies)
    if checkpoint.quantisation is not None:
        files[QUANTISATION] = safetensors.numpy.save(_contiguous(checkpoint.quantisation))
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    card = checkpoint.card.model_copy(update={"files": digests})
    try:
        for name, content in files.items():
            write_whole(folder / name, content)
        write_whole(folder / CARD, card.to_json())
    except OSError as error:
        raise CheckpointError(
            f"the checkpoint can't be written to {folder}: {error.strerror}", "name another folder"
        ) from error
    return card


def load(folder: Path) -> Checkpoint:
    """Read and check the checkpoint in ``folder``.

    Raises `CheckpointError` (no checkpoint, or one whose parts don't fit), `CheckpointDamagedError`
    (a file is not the one that the card was written with), `CheckpointUnsupportedError`.
    """
    try:
        card = read_card(_read(folder / CARD))
        weights = _tensors(folder, WEIGHTS, card, safetensors.torch.load)
        domain = _tensors(folder, DOMAIN, card, safetensors.numpy.load)
        golden = _tensors(folder, GOLDEN, card, safetensors.numpy.load)
        rivals = (
            _tensors(folder, STRATEGIES, card, safetensors.torch.load) if card.strategies else {}
        )
        spectra = None
        if QUANTISATION in card.files:
            spectra = _tensors(folder, QUANTISATION, card, safetensors.numpy.load)
        try:
            model = model_of(card.architecture, weights)
            strategies = strategies_of(card.strategies, rivals) if card.strategies else None
            domain_model = _domain(card, domain)
            arrays = {name: golden[name] for name in GOLDEN_ARRAYS}
            _check_sizes(card, domain_model, arrays)
            if strategies is not None:
                _try(strategies, model, arrays)
            if spectra is not None:
                check_arrays(spectra, card.architecture.bands)
        # What is in a card may be of any size, and none of it need fit.
        except (RuntimeError, LookupError, TypeError, ValueError, ArithmeticError) as error:
            raise CheckpointError(
                f"the files don't fit the card: {str(error).splitlines()[0]}", "train again"
            ) from error
    except CheckpointError as error:
        raise type(error)(f"{folder}: {error.what}", error.remedy) from error
    return Checkpoint(card, model, domain_model, arrays, strategies, spectra)


def _domain(card: Card, arrays: dict[str, NDArray[np.float32]]) -> DomainModel:
    q, gh = card.domain.q_residual, card.domain.gh
    return DomainModel(
        QModel(arrays["q_mean"], arrays["q_components"], q.caution, q.reject),
        GhModel(arrays["gh_mean"], arrays["gh_whitening"], gh.caution, gh.reject),
    )


def _check_sizes(card: Card, domain: DomainModel, golden: dict[str, NDArray[np.float32]]) -> None:
    sizes = card.architecture
    latent, mir_bands = sizes.mir_decoder[0], sizes.mir_decoder[-1]
    wanted = {
        "axis": (len(card.axis.values), sizes.bands),
        "mir_axis": (len(card.mir_axis.values), mir_bands),
        "the NIR encoder's input": (sizes.nir_encoder[0], sum(sizes.scores)),
        "Q's mean": (domain.q.mean.size, preprocessed_bands(sizes.bands)),
        "Q's components": (domain.q.components.shape[1], preprocessed_bands(sizes.bands)),
        "GH's mean": (domain.gh.mean.size, latent),
        "GH's whitening": (domain.gh.whitening.shape[1], latent),
        "golden reflectance": (golden["reflectance"].shape[1], sizes.bands),
        "golden latent": (golden["latent"].shape[1], latent),
        "golden mir": (golden["mir"].shape[1], mir_bands),
    }
    for what, (found, expected) in wanted.items():
        if found != expected:
            raise CheckpointError(
                f"{what} has a length of {found}, the networks want {expected}", "train again"
            )


def _try(strategies: EveryStrategy, model: Model, golden: dict[str, NDArray[np.float32]]) -> None:
    """Ask every strategy once; raises `RuntimeError` where one does not fit what it sees."""
    with torch.no_grad():
        views = model.pipeline.sight(torch.from_numpy(golden["reflectance"][:1]))
        views |= strategies.seen_in_mir(torch.from_numpy(golden["mir"][:1]))
    for name, said in strategies.said(views).items():
        if said.shape != (1, len(NAMES)):
            raise RuntimeError(f"{name} says {said.shape[1]} properties")


def _tensors(folder: Path, name: str, card: Card, parse: Any) -> dict[str, Any]:
    content = _read(folder / name)
    if hashlib.sha256(content).hexdigest() != card.files.get(name):
        raise CheckpointDamagedError(
            f"{name} is not the file that card.json was written with", "copy the folder again"
        )
    try:
        tensors: dict[str, Any] = parse(content)
    except SafetensorError as error:
        raise CheckpointDamagedError(f"{name} is no safetensors file", "train again") from error
    return tensors


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"{path.name} can't be read: {error.strerror}", "name a folder `loamscan train` made"
        ) from error


def _weights(module: Any) -> bytes:
    weights = {name: w.contiguous() for name, w in module.state_dict().items()}
    content: bytes = safetensors.torch.save(weights)
    return content


def _contiguous(arrays: dict[str, Any]) -> dict[str, Any]:
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}
