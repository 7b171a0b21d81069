"""What a training run is made with. All sizes and schedules are ours."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from training.axes import SCANNERS, ScannerName
from training.errors import SettingsError
from training.fitting import Schedule
from training.heads.kinds import EFFORT, Effort

PAIRS_MIN = 60

MIR_SCHEDULE = Schedule(epochs=40, batch=128, step=3e-4, patience=8)
NIR_SCHEDULE = Schedule(epochs=150, batch=64, step=1e-3, patience=30, weight_decay=1e-4)
HEADS_SCHEDULE = Schedule(epochs=150, batch=64, step=1e-3, patience=30, weight_decay=1e-4)


@dataclass(frozen=True)
class Settings:
    """Sizes of the synthetic sets in soils, and schedules of the three stages.

    ``q_components``: ours; 30 hold 98.9 % of the variance of the held-out synthetic spectra of
    seed 0.
    """

    name: str = "my-neospectra"
    version: str = "0.1.0"
    scanner: ScannerName = "neospectra"
    seed: int = 0
    mir_soils: int = 6000
    mir_repeats: int = 3
    pairs: int = 2106
    nir_devices: int = 9
    nir_scans: int = 3
    held_out_devices: int = 40
    domain_scans: int = 10_000
    interval_soils: int = 5000
    test_soils: int = 4000
    missing_share: float = 0.05
    latent: int = 32
    q_components: int = 30
    mir_hidden: tuple[int, ...] = (256, 128)
    nir_hidden: tuple[int, ...] = (256, 128)
    heads_hidden: tuple[int, ...] = (128, 64)
    mir_schedule: Schedule = MIR_SCHEDULE
    nir_schedule: Schedule = NIR_SCHEDULE
    heads_schedule: Schedule = HEADS_SCHEDULE
    heads_effort: Effort = EFFORT
    choice_folds: int = 3

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", self.name):
            raise SettingsError(
                f"{self.name!r} is no bundle name", "use small letters, digits and hyphens"
            )
        if not re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", self.version):
            raise SettingsError(f"{self.version!r} is no version", "write it as 1.0.0")
        if self.scanner not in SCANNERS:
            raise SettingsError(
                f"no scanner is called {self.scanner!r}", f"known: {', '.join(SCANNERS)}"
            )
        if self.seed < 0:
            raise SettingsError(f"seed {self.seed} is negative", "use 0 or more")
        if self.pairs < PAIRS_MIN:
            raise SettingsError(
                f"{self.pairs} paired soils are too few", f"use at least {PAIRS_MIN}"
            )

    def quick(self) -> Settings:
        """The same run made tiny: for tests and for a first look, not for use."""
        return replace(
            self,
            mir_soils=240,
            mir_repeats=2,
            pairs=min(self.pairs, 240),
            nir_devices=3,
            nir_scans=2,
            held_out_devices=5,
            domain_scans=1200,
            interval_soils=200,
            test_soils=200,
            q_components=12,
            mir_schedule=Schedule(4, 32, 3e-4, 4),
            nir_schedule=Schedule(10, 32, 1e-3, 5),
            heads_schedule=Schedule(10, 32, 1e-3, 5),
            heads_effort=Effort(6, 80, 5, 2, Schedule(10, 128, 6e-3, 10)),
            choice_folds=2,
        )
