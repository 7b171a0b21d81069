"""Moist soils: what is asked is not learnt from, and water makes soils darker where it absorbs."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from benchmarks import moisture
from benchmarks.moisture import DAMP, DRY, STATES, WET, MoistSoils, carbon_said
from soil.axis import Axis
from training.fitting import Schedule
from training.heads.examples import folds
from training.heads.kinds import Effort

SMALL = Effort(5, 60, 5, 2, Schedule(20, 128, 6e-3, 20))
SOILS = 40
AXIS = Axis("nm", np.arange(1400.0, 2400.0, 10.0))


@pytest.fixture(scope="module")
def soils() -> MoistSoils:
    rng = np.random.default_rng(0)
    carbon = rng.uniform(0.2, 2.0, SOILS)
    band = np.exp(-0.5 * ((AXIS.values - 2200) / 40) ** 2)
    level = 0.3 + 0.01 * rng.normal(size=(SOILS, 1))
    dry = 10 ** -(
        level + 0.05 * carbon[:, None] * band + 1e-4 * rng.normal(size=(SOILS, len(AXIS)))
    )
    water = 0.1 * np.exp(-0.5 * ((AXIS.values - 2150) / 60) ** 2)
    share = rng.uniform(0.5, 1.5, (SOILS, 1))
    spectra = {DRY: dry, DAMP: dry * 10 ** (-share * water), WET: dry * 10 ** (-4 * share * water)}
    return MoistSoils(AXIS, {s: v.astype(np.float32) for s, v in spectra.items()}, carbon)


def test_a_model_of_dry_soils_fails_on_wet_ones_and_some_scanned_moist_mend_it(soils) -> None:
    dry, mended = (carbon_said(soils, "PLSR", n, None, SMALL) for n in (0, 10))
    off = {
        name: {state: np.sqrt(np.mean((said[state] - soils.carbon) ** 2)) for state in STATES}
        for name, said in (("dry", dry), ("mended", mended))
    }
    assert off["dry"][WET] > 3 * off["dry"][DRY]
    assert off["mended"][WET] < 0.5 * off["dry"][WET]


def test_what_is_asked_is_not_seen(soils) -> None:
    _, judged = next(folds(soils.soils, moisture.FOLDS, 0))
    carbon = soils.carbon.copy()
    carbon[judged] = 50.0
    wet = soils.reflectance[WET].copy()
    wet[judged] = 0.5
    others = (
        soils._replace(carbon=carbon),
        soils._replace(reflectance={**soils.reflectance, WET: wet}),
    )
    water = moisture.simulated_water(AXIS)
    for moistened, moisten in ((5, None), (SOILS, None), (0, water)):
        once = carbon_said(soils, "PLSR", moistened, moisten, SMALL)
        for other in others:
            again = carbon_said(other, "PLSR", moistened, moisten, SMALL)
            for state in (DRY, DAMP):
                assert np.array_equal(once[state][judged], again[state][judged])


def test_simulated_water_darkens_most_where_water_absorbs(soils) -> None:
    dry = soils.reflectance[DRY]
    wet = moisture.simulated_water(AXIS)(dry, np.random.default_rng(0))
    ratio = np.median(wet / dry, axis=0)
    at = {nm: ratio[int(np.argmin(abs(AXIS.values - nm)))] for nm in (1660, 1930)}
    assert np.all((wet > 0) & (wet < 1))
    assert at[1930] < 0.9 * at[1660] < 0.9


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """A file with the header of the real one; its values are made up."""
    at = range(1340, 2501, 5)
    with gzip.open(tmp_path / moisture.FILE, "wt") as file:
        out = csv.writer(file)
        out.writerow(["sample", "state", "soilC", *at])
        for sample in (3, 1, 2):
            for number, state in enumerate((WET, DRY, DAMP)):
                out.writerow(
                    [sample, state, sample / 10, *[f"{0.1 * sample + number}" for _ in at]]
                )
    monkeypatch.setenv("LOAMSCAN_REAL_SPECTRA", str(tmp_path))
    return tmp_path


def test_the_file_is_read_by_sample_and_state(folder: Path) -> None:
    found = moisture.moist_soils()
    assert np.allclose(found.carbon, np.log1p([0.1, 0.2, 0.3]))
    for number, state in enumerate((WET, DRY, DAMP)):
        expected = 10 ** -(np.array([0.1, 0.2, 0.3]) + number)
        assert np.allclose(found.reflectance[state][:, 0], expected, rtol=1e-4)


def test_without_the_file_synthetic_soils_are_left_and_a_word(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("LOAMSCAN_REAL_SPECTRA", str(tmp_path))
    heard: list[str] = []
    rows = {row.name: row for row in moisture.measure(True, heard.append)}
    assert rows
    assert all(name.startswith("SYNTHETIC") for name in rows)
    assert "LOAMSCAN_REAL_SPECTRA" in heard[-1]
    dry, wet = (rows[f"SYNTHETIC, {water} g/g, mean CCC"].value for water in ("0", "0.15"))
    assert wet < 0.6 * dry
    assert rows["SYNTHETIC, 0.15 g/g, flagged"].value > 95
