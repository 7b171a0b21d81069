"""Where a test set comes from: a library, or synthetic soils; what a checkpoint makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calibration.intervals import IntervalModel
from soil.axis import Axis
from soil.coherence import coherent
from soil.errors import AxisError
from training.axes import MIR_AXIS
from training.card import Card
from training.checkpoint import WEIGHTS, Checkpoint
from training.errors import LibraryError, SettingsError
from training.evaluation.card_figures import alarms
from training.evaluation.document import Independence, ModelNamed, TestedOn
from training.evaluation.readings import Floats, Predicted, Readings
from training.libraries.library import Library, Text
from training.libraries.sources import read_library
from training.synthetic.libraries import LICENCE
from training.synthetic.soils import Scans, SoilSet, draw_soils

SOILS_MIN: Final = 10
"""Ours: with fewer, intervals by resampling are not worth printing."""

SYNTHETIC_SCANS: Final = Scans(devices=4, per_soil=4)
"""Scanners and scans of each soil of a synthetic test set, drawn so that most soils have scans of
several scanners and some have replicates. Ours."""

_CHUNK: Final = 1024
"""Scans at a time: the converted MIR of many would be large."""


@dataclass(frozen=True, eq=False)
class Scanned:
    """Soils and their NIR scans: ``reflectance`` ``[m, bands]`` on ``axis``, the rest as in `Readings`.

    ``mir`` ``[n, bands]`` is each soil's mean MIR absorbance on the model's MIR axis, NaN where it was
    not scanned so.
    """

    about: TestedOn
    axis: Axis
    reflectance: NDArray[np.float32]
    observed: Floats
    site: Text
    soil: NDArray[np.int64]
    scanner: Text
    preparation: Text
    mir: NDArray[np.float32]


def from_files(
    format_name: str, paths: Sequence[Path], trained_on: Sequence[Path], card: Card
) -> Scanned:
    """The library at ``paths``, its names held against those of the library at ``trained_on``, if any.

    Raises `LibraryError`.
    """
    library, report = read_library(format_name, paths)
    learnt = read_library(format_name, trained_on)[0].samples.name if trained_on else None
    return of_library(library, card, report.lines(), learnt)


def of_library(library: Library, card: Card, dropped: list[str], learnt: Text | None) -> Scanned:
    """The analysed soils of ``library`` that have NIR scans.

    ``learnt`` names the soils that the model learnt from, None where that was not said; ``dropped`` is
    what was left out on the way in. Raises `LibraryError` where too few soils remain.
    """
    scans = library.scans.get("nir")
    if scans is None:
        raise LibraryError(
            f"{library.name} has no NIR scans", "name a library of the scanner's spectra"
        )
    samples = library.samples
    analysed = samples.name[np.isfinite(samples.properties).any(axis=1)]
    scans = scans[np.isin(scans.sample, analysed)]
    names, soil = np.unique(scans.sample, return_inverse=True)
    if len(names) < SOILS_MIN:
        raise LibraryError(
            f"{library.name} has {len(names)} soils with NIR scans and laboratory values",
            f"use at least {SOILS_MIN}",
        )
    row = {name: i for i, name in enumerate(samples.name.tolist())}
    samples = samples[np.array([row[name] for name in names.tolist()])]
    mir, lost = _mean_mir(library, names, card.mir_axis.axis())
    about = TestedOn(
        name=library.name,
        licence=library.licence,
        synthetic=False,
        soils=len(samples),
        sites=_distinct(samples.site),
        scanners=_distinct(scans.device),
        scans=len(scans),
        independence=_independence(library.name, names, card, learnt),
        dropped=dropped + lost,
    )
    return Scanned(
        about, scans.axis, scans.values, samples.properties, samples.site, soil, scans.device,
        scans.preparation, mir,
    )  # fmt: skip


def _mean_mir(library: Library, names: Text, onto: Axis) -> tuple[NDArray[np.float32], list[str]]:
    """The mean MIR scan ``[n, bands]`` of each of the soils ``names``, and what could not be used."""
    mir = np.full((len(names), len(onto)), np.nan, dtype=np.float32)
    scans = library.scans.get("mir")
    if scans is None:
        return mir, []
    scans = scans[np.isin(scans.sample, names)]
    row = np.searchsorted(names, scans.sample)
    count = np.bincount(row, minlength=len(names))
    mir[count > 0] = 0.0
    try:
        for at in range(0, len(scans), _CHUNK):
            own = slice(at, at + _CHUNK)
            values = scans.axis.resample(scans.values[own], onto) / count[row[own], None]
            np.add.at(mir, row[own], values.astype(np.float32))
    except AxisError as error:
        mir[:] = np.nan
        return mir, [f"MIR scans not used: {error.what}"]
    return mir, []


def synthetic_soils(soils: int, seed: int, card: Card) -> Scanned:
    """``soils`` synthetic ones, of sites and devices that no training run has; raises `SettingsError`."""
    if soils < SOILS_MIN or seed < 0:
        raise SettingsError(
            f"{soils} soils from seed {seed} make no test set",
            f"use at least {SOILS_MIN} and a seed of 0 or more",
        )
    axis = card.axis.axis()
    drawn = draw_soils(
        seed, SoilSet.EVALUATION, soils, nir=SYNTHETIC_SCANS, mir=Scans(1, 1),
        scanner=card.scanner, nir_axis=axis,
    )  # fmt: skip
    per_soil = SYNTHETIC_SCANS.per_soil
    device = np.char.add("simulated-", drawn.nir_device.reshape(-1).astype(str))
    about = TestedOn(
        name=f"synthetic soils, seed {seed}",
        licence=LICENCE,
        synthetic=True,
        soils=soils,
        sites=len(np.unique(drawn.site)),
        scanners=_distinct(device),
        scans=soils * per_soil,
        independence=Independence(
            status="by construction",
            shared_soils=0,
            text="Soils, sites and simulated scanners are drawn anew: no training run has them.",
        ),
        dropped=[],
    )
    return Scanned(
        about,
        axis,
        drawn.nir.reshape(soils * per_soil, -1),
        drawn.properties,
        drawn.site.astype(str),
        np.repeat(np.arange(soils), per_soil),
        device,
        np.full(len(device), ""),
        MIR_AXIS.resample(drawn.mir[:, 0], card.mir_axis.axis()).astype(np.float32),
    )


def named(card: Card) -> ModelNamed:
    """The model by name."""
    return ModelNamed(
        name=card.name,
        version=card.version,
        synthetic=card.synthetic,
        weights_sha256=card.files[WEIGHTS],
        strategy=card.strategy,
    )


def on_model_axis(scanned: Scanned, card: Card) -> NDArray[np.float32]:
    """Reflectance ``[m, bands]`` as the model takes it; raises `AxisError` where its axis is not covered."""
    return scanned.axis.resample(scanned.reflectance, card.axis.axis()).astype(np.float32)


def read_out(
    checkpoint: Checkpoint, scanned: Scanned, reflectance: NDArray[np.float32]
) -> Readings:
    """What the checkpoint's model says of every scan, ``reflectance`` being on its axis."""
    parts = [
        checkpoint.model.outputs(reflectance[at : at + _CHUNK])
        for at in range(0, len(reflectance), _CHUNK)
    ]
    outputs = {
        name: np.concatenate([part[name] for part in parts])
        for name in ("properties", "latent", "preprocessed")
    }
    predicted = coherent(outputs["properties"])
    intervals = IntervalModel.of(checkpoint.card.intervals)
    own = {name: scanned.preparation == name for name in np.unique(scanned.preparation).tolist()}
    return Readings(
        observed=scanned.observed,
        site=scanned.site,
        soil=scanned.soil,
        scanner=scanned.scanner,
        preparation=scanned.preparation,
        model=Predicted("the model under test, as the device runs it", predicted),
        preprocessed=outputs["preprocessed"].astype(np.float64),
        latent=outputs["latent"].astype(np.float64),
        intervals={intervals.level: intervals.bounds(predicted)},
        flagged=alarms(outputs, checkpoint.domain),
        flagged_in={
            name: alarms({of: values[rows] for of, values in outputs.items()}, checkpoint.domain)
            for name, rows in own.items()
        },
    )


def _independence(name: str, soils: Text, card: Card, learnt: Text | None) -> Independence:
    if learnt is not None:
        shared = int(np.isin(soils, learnt).sum())
        if shared:
            return Independence(
                status="not independent",
                shared_soils=shared,
                text=f"NOT INDEPENDENT: {shared} of {len(soils)} soils bear the name of a soil that "
                "the model learnt from. The figures flatter it.",
            )
        return Independence(
            status="checked by name",
            shared_soils=0,
            text="No soil bears the name of one that the model learnt from. The same soil under "
            "another name would not be noticed.",
        )
    if any(data.name == name or data.name.startswith(f"{name}, ") for data in card.training_data):
        return Independence(
            status="not independent",
            shared_soils=None,
            text=f"NOT INDEPENDENT: the model learnt from a library of this name ({name}). The "
            "figures flatter it.",
        )
    return Independence(
        status="your word",
        shared_soils=None,
        text="That the model has not seen these soils is your word: the checkpoint does not name "
        "the soils that it learnt from.",
    )


def _distinct(names: Text) -> int:
    return len(np.unique(names[names != ""]))
