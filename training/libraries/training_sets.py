"""From a checked library to the sets of a training run: soils dealt whole, scans on the model's axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.manifest import TrainingData
from soil.axis import Axis
from training.axes import MIR_AXIS, NIR_AXIS
from training.errors import LibraryError
from training.libraries.deal import Flags, inner_blocks, sound_deal
from training.libraries.library import Library, Range, Samples, Scans
from training.libraries.splits import Block
from training.soil_spectra import SoilSpectra
from training.training_sets import TrainingSets

SCANS_MAX: Final = 8
"""Scans of a soil that are learnt from; a soil with fewer has its own again. Ours."""

USUAL: Final = 0.95
"""Share of the soils that have all their scans learnt from, if they are not above `SCANS_MAX`. Ours."""

Axes = Mapping[Range, Axis]


def training_sets(
    library: Library, block: Block, seed: int, nir_axis: Axis = NIR_AXIS
) -> TrainingSets:
    """Deal the soils of ``library`` into sets, blocks whole, NIR on ``nir_axis``.

    Stage 1 gets every soil with MIR that is not held out, the later stages those with NIR too. Of
    `DEALS` the first is taken that leaves every set enough for what it is for.
    Raises `LibraryError` where there is no NIR or no MIR, where a range is not covered, where MIR is
    of several preparations, or where too few soils are left.
    """
    axes: Axes = {"nir": nir_axis, "mir": MIR_AXIS}
    for which in axes:
        if which not in library.scans:
            raise LibraryError(
                f"{library.name} has no {which.upper()} scans",
                "training needs soils with both: add the files of the other range",
            )
        _check_covered(library, which, axes[which])
    if len(np.unique(library.scans["mir"].preparation)) > 1:
        raise LibraryError(
            f"{library.name} has MIR scans of several preparations",
            "keep those of one: the NIR of a soil is paired with its MIR, whatever it was scanned as",
        )
    deal = sound_deal(library, block, seed)
    rng = np.random.default_rng(seed)
    block_of = _numbered_anew(inner_blocks(library.samples, block, deal.pairs), rng)
    return TrainingSets(
        mir=_soils(library, deal.mir, ("mir",), block_of, axes, rng),
        pairs=_soils(library, deal.pairs, ("nir", "mir"), block_of, axes, rng),
        domain=_each_scan(library, deal.domain, block_of, axes),
        intervals=_one_preparation_each(
            _soils(library, deal.intervals, ("nir",), block_of, axes, rng), rng
        ),
        test=_soils(library, deal.test, ("nir", "mir"), block_of, axes, rng),
    )


def _check_covered(library: Library, which: Range, onto: Axis) -> None:
    axis = library.scans[which].axis
    if axis.missing_nm(onto):
        raise LibraryError(
            f"the {which.upper()} scans of {library.name} are at {axis}, which does not cover the "
            f"{onto} that a model takes",
            "look at the unit of their bands; with --axis a model learns for another scanner's NIR",
        )


def training_data(library: Library, sets: TrainingSets) -> list[TrainingData]:
    """What a card says of ``sets``."""
    return [
        TrainingData(
            name=f"{library.name}, {what}",
            description=f"{_counted(soils)}; scans repeated or left out to {scans} each.",
            licence=library.licence or "not stated",
            synthetic=False,
            samples=soils.soils,
        )
        for what, soils, scans in (
            ("MIR", sets.mir, sets.mir.mir.shape[1]),
            ("pairs of NIR and MIR", sets.pairs, sets.pairs.nir.shape[1]),
        )
    ]


def _counted(soils: SoilSpectra) -> str:
    if len(soils) == soils.soils:
        return f"{len(soils)} soils"
    return f"{soils.soils} soils in {len(soils)} preparations"


def _numbered_anew(group: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """The same groups in an order of chance: some stages stop by the first of them."""
    drawn: NDArray[np.int64] = rng.permutation(group.max() + 1)[group]
    return drawn


def _one_preparation_each(soils: SoilSpectra, rng: np.random.Generator) -> SoilSpectra:
    """Each soil in one of its preparations: an interval counts on soils that err apart."""
    drawn = rng.permutation(len(soils))
    return soils[np.sort(drawn[np.unique(soils.soil[drawn], return_index=True)[1]])]


def _soils(
    library: Library,
    wanted: Flags,
    ranges: tuple[Range, ...],
    block_of: NDArray[np.int64],
    axes: Axes,
    rng: np.random.Generator,
) -> SoilSpectra:
    """The soils that are ``wanted``, with their scans of ``ranges``.

    With NIR, a soil is there once in each preparation that it was scanned in: the mean of an air-dry
    and a moist spectrum is that of no soil.
    """
    samples = library.samples
    soil = np.flatnonzero(wanted)
    nir = np.empty((len(soil), 0, len(axes["nir"])), np.float32)
    device = np.empty((len(soil), 0), np.int64)
    if "nir" in ranges:
        scans = library.scans["nir"]
        soil, row = _in_each_preparation(scans, _sample_rows(scans, samples), wanted)
        nir, device = _dense(row, len(soil), scans, axes["nir"], rng)
    mir = np.empty((len(soil), 0, len(axes["mir"])), np.float32)
    if "mir" in ranges:
        scans, own = library.scans["mir"], np.unique(soil)
        of_scan = _sample_rows(scans, samples)
        row = np.where(wanted[of_scan], np.searchsorted(own, of_scan), -1)
        mir = _dense(row, len(own), scans, axes["mir"], rng)[0][np.searchsorted(own, soil)]
    return SoilSpectra(
        soil=soil,
        properties=samples.properties[soil],
        site=block_of[soil],
        nir=nir,
        nir_device=device,
        mir=mir,
    )


def _sample_rows(scans: Scans, samples: Samples) -> NDArray[np.int64]:
    """The row in ``samples`` of what each scan is of."""
    row = {name: i for i, name in enumerate(samples.name.tolist())}
    return np.array([row[name] for name in scans.sample.tolist()], dtype=np.int64)


def _in_each_preparation(
    scans: Scans, soil: NDArray[np.int64], wanted: Flags
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """``soil`` once for each preparation, where ``wanted``; and which of these each scan is of, or -1."""
    own = np.flatnonzero(wanted[soil])
    preparation = np.unique(scans.preparation[own], return_inverse=True)[1]
    pair, of_scan = np.unique(np.stack([soil[own], preparation]), axis=1, return_inverse=True)
    row = np.full(len(scans), -1)
    row[own] = of_scan.ravel()
    return pair[0], row


def _dense(
    row: NDArray[np.int64], rows: int, scans: Scans, onto: Axis, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Scans ``[rows, s, bands]`` on the axis ``onto`` and their devices ``[rows, s]``.

    ``row`` ``[m]`` is that of each of the ``scans``, below 0 for none; every row has some.
    """
    # Of a soil the first scan, or the first few, stand for it in places: they are of any scanner.
    own = rng.permutation(np.flatnonzero(row >= 0))
    order = np.argsort(row[own], kind="stable")
    count = np.bincount(row[own], minlength=rows)
    first = np.cumsum(count) - count
    # One soil of many scans shall not make all others' be held as often.
    usual = np.quantile(count, USUAL, method="higher") if rows else 0
    repeats = min(int(usual), SCANS_MAX)
    turn = np.arange(repeats)[None, :] % count[:, None]
    taken = own[order][first[:, None] + turn]
    device = np.unique(scans.device, return_inverse=True)[1]
    values = np.empty((rows, repeats, len(onto)), np.float32)
    for column in range(repeats):
        values[:, column] = scans.axis.resample(scans.values[taken[:, column]], onto)
    return values, device[taken].astype(np.int64)


def _each_scan(
    library: Library, wanted: Flags, block_of: NDArray[np.int64], axes: Axes
) -> SoilSpectra:
    """Every NIR scan of the soils that are ``wanted``, as a soil of its own."""
    samples, scans = library.samples, library.scans["nir"]
    soil = _sample_rows(scans, samples)
    own = np.flatnonzero(wanted[soil])
    return SoilSpectra(
        soil[own],
        samples.properties[soil[own]],
        block_of[soil[own]],
        scans.axis.resample(scans.values[own], axes["nir"]).astype(np.float32)[:, None],
        np.unique(scans.device, return_inverse=True)[1][own][:, None],
        np.empty((len(own), 0, len(axes["mir"])), np.float32),
    )
