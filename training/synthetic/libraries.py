"""The synthetic libraries of one training run: each set is used for one thing and nothing else."""

from __future__ import annotations

from contract.manifest import TrainingData
from training.settings import Settings
from training.synthetic.soils import Scans, SoilSet, draw_soils
from training.training_sets import TrainingSets

MIR_DEVICES = 3
"""Ours."""

WET_SOIL_WATER = 0.15
"""Added water in g/g of soils that the model must not take for dry ones. Ours: a moist field."""

LICENCE = "CC0-1.0"


def synthetic_libraries(settings: Settings) -> TrainingSets:
    """Draw all sets; no two share a site, a soil or a device."""
    seed, missing, others = settings.seed, settings.missing_share, settings.held_out_devices
    one_each, scanner = Scans(others, 1), settings.scanner
    return TrainingSets(
        mir=draw_soils(
            seed, SoilSet.MIR_LIBRARY, settings.mir_soils,
            mir=Scans(MIR_DEVICES, settings.mir_repeats), missing_share=missing,
        ),
        pairs=draw_soils(
            seed, SoilSet.PAIRS, settings.pairs,
            nir=Scans(settings.nir_devices, settings.nir_scans), scanner=scanner,
            mir=Scans(MIR_DEVICES, settings.mir_repeats), missing_share=missing,
        ),
        domain=draw_soils(
            seed, SoilSet.DOMAIN, settings.domain_scans, nir=one_each, scanner=scanner
        ),
        intervals=draw_soils(
            seed, SoilSet.INTERVALS, settings.interval_soils, nir=one_each, scanner=scanner,
            missing_share=missing,
        ),
        test=draw_soils(
            seed, SoilSet.TEST, settings.test_soils, nir=one_each, scanner=scanner,
            mir=Scans(MIR_DEVICES, 1),
        ),
        wet=draw_soils(
            seed, SoilSet.WET, settings.test_soils, nir=one_each, scanner=scanner,
            added_water=WET_SOIL_WATER,
        ),
    )  # fmt: skip


def training_cards(settings: Settings) -> list[TrainingData]:
    """Where a model trained on these sets has its knowledge from."""
    made = (
        "synthetic: drawn from composition, Kubelka-Munk mixing and simulated instruments; no soil"
    )
    return [
        TrainingData(
            name="synthetic MIR library",
            description=f"{made} was scanned. {settings.mir_repeats} scan repeats each.",
            licence=LICENCE,
            synthetic=True,
            samples=settings.mir_soils,
        ),
        TrainingData(
            name="synthetic NIR-MIR pairs",
            description=f"{made} was scanned. {settings.nir_scans} NIR scans each, "
            f"{settings.nir_devices} simulated scanners.",
            licence=LICENCE,
            synthetic=True,
            samples=settings.pairs,
        ),
    ]
