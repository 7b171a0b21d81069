"""Nested cross-validation on real sets: what is asked is not learnt from, and figures are what they say."""

from __future__ import annotations

import csv
import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import real_accuracy, real_blocked, real_latents
from benchmarks.nested import CHOICES, CHOSEN, FAMILIES, PICK, predicted
from benchmarks.real_targets import RealSet, present, real_set, rivals
from benchmarks.rows import Row
from training.fitting import Schedule
from training.heads.kinds import Effort

SMALL = Effort(5, 60, 5, 2, Schedule(20, 128, 6e-3, 20))
SOILS, BANDS = 80, 60


@pytest.fixture(scope="module")
def spectra() -> RealSet:
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(SOILS, 3))
    shapes = np.sin(np.linspace(0, 9, BANDS)[None, :] * np.array([[1], [2], [3]]))
    absorbance = 0.5 + 0.05 * hidden @ shapes + 0.001 * rng.normal(size=(SOILS, BANDS))
    values = {"clay": np.exp(1 + 0.5 * hidden[:, 0]), "oc_log1p": 2 + 0.5 * hidden[:, 1]}
    values["clay"][::7] = np.nan
    at = np.linspace(1350.0, 2498.0, BANDS)
    fold = np.arange(SOILS) % 5
    return RealSet("set", at, absorbance.astype(np.float32), np.arange(SOILS), fold, values)


def outer(spectra: RealSet) -> tuple[np.ndarray, np.ndarray]:
    return np.flatnonzero(spectra.fold != 0), np.flatnonzero(spectra.fold == 0)


def test_every_method_says_what_is_known_and_nothing_else(spectra) -> None:
    learn, asked = outer(spectra)
    found = predicted(spectra, (learn, asked), None, 0, SMALL)
    without_latents = [name for name, family in FAMILIES.items() if "latent" not in family.view]
    for target, methods in found.items():
        assert list(methods) == [*without_latents, CHOSEN, PICK]
        known = np.isfinite(spectra.values[target][asked])
        for said in methods.values():
            assert np.array_equal(np.isfinite(said), known)
        off = methods[CHOSEN][known] - spectra.values[target][asked][known]
        assert np.mean(off**2) < 0.3 * np.nanvar(spectra.values[target])


def test_values_of_what_is_asked_are_not_seen(spectra) -> None:
    learn, asked = outer(spectra)
    blind = {target: own.copy() for target, own in spectra.values.items()}
    for own in blind.values():
        own[asked] = np.where(np.isfinite(own[asked]), -50.0, np.nan)
    once, again = (
        predicted(of, (learn, asked), None, 0, SMALL)
        for of in (spectra, replace(spectra, values=blind))
    )
    for target, methods in once.items():
        for method, said in methods.items():
            assert np.array_equal(said, again[target][method], equal_nan=True)


def test_with_a_latent_its_heads_are_rivals_too(spectra) -> None:
    latent = np.random.default_rng(1).normal(size=(SOILS, 4)).astype(np.float32)
    one = replace(spectra, values={"clay": spectra.values["clay"]})
    found = predicted(one, outer(one), latent, 0, SMALL)["clay"]
    assert set(found) == {*FAMILIES, *CHOICES, PICK}


@pytest.fixture
def folders(tmp_path: Path, monkeypatch) -> Path:
    """Files with the headers of the real ones; their values are made up."""
    rng = np.random.default_rng(2)
    plans = {
        "kssl_mir_500": (["id", "cec_usda.a723_cmolc.kg", "oc_usda.c729_w.pct", "clay.tot_usda.a334_w.pct"],
                         np.arange(600, 680, 2)),
        "geeves_visnir_391": (["clay", "silt", "sand", "TotalCarbon"], np.arange(1345, 1400)),
        "nirsoil_825": (["Nt", "Ciso", "CEC", "train"], np.arange(1340, 1400, 2)),
    }  # fmt: skip
    with gzip.open(tmp_path / "folds.csv.gz", "wt") as folds:
        folds.write("dataset,row,id,group,fold,source\n")
        for name, (columns, positions) in plans.items():
            with gzip.open(tmp_path / f"{name}.csv.gz", "wt") as file:
                out = csv.writer(file)
                out.writerow([*columns, *positions])
                for row in range(10):
                    values = rng.uniform(1, 9, size=len(columns)).round(3)
                    out.writerow([*values, *rng.uniform(0.2, 0.9, size=len(positions)).round(4)])
                    folds.write(f"{name},{row},x,{row // 2},{row % 5},ours\n")
    with gzip.open(tmp_path / "predictions.csv.gz", "wt") as file:
        file.write("dataset,target,method,fold,row,observed,predicted\n")
        file.write("nirsoil_825,Nt,plsr,0,3,1.0,2.5\n")
    monkeypatch.setenv("LOAMSCAN_REAL_SPECTRA", str(tmp_path))
    monkeypatch.setenv("LOAMSCAN_REAL_RIVALS", str(tmp_path))
    return tmp_path


def test_files_are_read_as_they_are_meant(folders: Path) -> None:
    assert present()
    kssl, geeves = real_set("kssl_mir_500"), real_set("geeves_visnir_391")
    assert (kssl.infrared, geeves.infrared) == ("MIR", "NIR")
    assert geeves.positions.tolist() == list(range(1350, 1400, 2))
    assert np.all(geeves.absorbance > 0)
    assert np.allclose(
        kssl.values["oc_usda.c729_w.pct_log1p"], np.log1p(kssl.values["oc_usda.c729_w.pct"])
    )
    assert kssl.group.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    found = rivals("nirsoil_825", "Nt", 10)["plsr"]
    assert found[3] == 2.5
    assert np.isnan(found).sum() == 9


def test_without_the_files_there_are_no_rows_and_a_word(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("LOAMSCAN_REAL_SPECTRA", str(tmp_path))
    heard: list[str] = []
    for each in (real_accuracy, real_blocked, real_latents):
        assert each.measure(True, heard.append) == []
    assert all("LOAMSCAN_REAL_SPECTRA" in line for line in heard)


def test_a_loss_is_counted_where_the_best_rival_is_surely_better(spectra, monkeypatch) -> None:
    values = spectra.values["clay"]
    known = np.isfinite(values)
    rng = np.random.default_rng(3)
    near, far = values + 0.05 * rng.normal(size=SOILS), values + 2.0 * rng.normal(size=SOILS)
    one = replace(spectra, values={"clay": values})
    theirs = {"auto_inner_pick": far, "mean_of_6": near}
    monkeypatch.setattr(real_accuracy, "rivals", lambda *_: theirs)
    for ours, losses in ((far, 1.0), (near, 0.0)):
        rows = rows_of(one, [ours])
        assert rows["losses, chosen"].value == losses
        assert rows["losses, chosen"].met == (losses == 0)
        ratio = np.sqrt(np.mean((ours - values)[known] ** 2) / np.mean((near - values)[known] ** 2))
        assert rows["RMSE, chosen"].value == pytest.approx(ratio)


def rows_of(one: RealSet, seeds: list[np.ndarray]) -> dict[str, Row]:
    """The rows of a set with clay alone, of which `CHOSEN` says one thing on each seed."""
    found = [{"set": {"clay": {CHOSEN: said}}} for said in seeds]
    return {row.name: row for row in real_accuracy._rows({"set": one}, found)}


def test_figures_are_means_over_seeds_and_the_worst_seed_counts_for_losses(
    spectra, monkeypatch
) -> None:
    values = spectra.values["clay"]
    rng = np.random.default_rng(3)
    near, far = values + 0.05 * rng.normal(size=SOILS), values + 2.0 * rng.normal(size=SOILS)
    one = replace(spectra, values={"clay": values})
    theirs = {"auto_inner_pick": far, "mean_of_6": near}
    monkeypatch.setattr(real_accuracy, "rivals", lambda *_: theirs)
    best, worst, both = (rows_of(one, seeds) for seeds in ([near], [far], [near, far]))
    ccc = [rows["mean CCC, chosen"].value for rows in (worst, best)]
    mean = both["mean CCC, chosen"]
    assert mean.value == pytest.approx(np.mean(ccc))
    assert [mean.peers["lowest"], mean.peers["highest"]] == pytest.approx(ccc)
    assert both["set clay"].value == mean.value
    assert both["losses, chosen"].value == 1.0
    ratios = [rows["RMSE, chosen"].value for rows in (worst, best)]
    assert both["RMSE, chosen"].value == pytest.approx(np.sqrt(np.prod(ratios)))


def test_blocked_folds_are_stretches_that_keep_groups_whole() -> None:
    group = np.repeat(np.arange(25), 2)
    fold = real_blocked.stretches(group)
    assert set(fold) == set(range(5))
    assert np.all(np.diff(fold) >= 0)
    assert all(len(set(fold[group == g])) == 1 for g in range(25))
