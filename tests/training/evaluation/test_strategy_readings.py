"""What every strategy of a checkpoint says of a test set."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from soil.properties import INDEX, NAMES, from_model_scale
from training.axes import MIR_AXIS
from training.checkpoint import load
from training.evaluation.sources import of_library, on_model_axis, synthetic_soils
from training.evaluation.strategy_readings import NO_MIR, mir_strategies, nir_strategies
from training.heads.assembled import RATIOS, rival_names
from training.libraries.library import Library, Samples, Scans
from training.strategies import MIR_STRATEGIES, NIR_STRATEGIES
from training.targets import TEXTURE


@pytest.fixture(scope="module")
def scanned(quick_checkpoint):
    return synthetic_soils(12, 3, quick_checkpoint.card)


@pytest.fixture(scope="module")
def in_nir(quick_checkpoint, scanned):
    sight = quick_checkpoint.model.pipeline.sight
    reflectance = on_model_axis(scanned, quick_checkpoint.card)
    return nir_strategies(quick_checkpoint.strategies, sight, reflectance)


def test_each_nir_strategy_is_asked_every_scan_both_ways(in_nir) -> None:
    assert set(in_nir) == {name + way for name in NIR_STRATEGIES for way in ("", RATIOS)}
    others = [INDEX[name] for name in NAMES if name not in TEXTURE]
    for name, said in in_nir.items():
        assert said.values.shape == (48, 9)
        texture = said.values[:, [INDEX[item] for item in TEXTURE]]
        assert texture.sum(axis=1) == pytest.approx(100)
        assert np.isnan(said.values[:, others]).all() == name.endswith(RATIOS)


def test_a_checkpoint_that_was_written_and_read_says_the_same(
    quick_folder, scanned, in_nir
) -> None:
    loaded = load(quick_folder)
    reflectance = on_model_axis(scanned, loaded.card)
    again = nir_strategies(loaded.strategies, loaded.model.pipeline.sight, reflectance)
    for name, said in in_nir.items():
        np.testing.assert_array_equal(again[name].values, said.values)


def test_the_model_is_the_blend_of_what_its_strategies_say(quick_checkpoint, scanned) -> None:
    model, strategies = quick_checkpoint.model, quick_checkpoint.strategies
    reflectance = torch.from_numpy(on_model_axis(scanned, quick_checkpoint.card))
    heads = model.pipeline.heads
    with torch.no_grad():
        said = strategies.said(model.pipeline.sight(reflectance))
    rivals = np.stack([said[name] for name in rival_names(heads.names)])
    blend = heads.intercepts.numpy() + (rivals * heads.weights.numpy()[:, None, :]).sum(axis=0)
    np.testing.assert_allclose(
        from_model_scale(blend), model.outputs(reflectance)["properties"], rtol=2e-3, atol=2e-3
    )


def test_mir_strategies_see_the_soil_and_not_the_scan(quick_checkpoint, scanned) -> None:
    mir = scanned.mir.copy()
    mir[4] = np.nan
    found = mir_strategies(quick_checkpoint.strategies, mir, scanned.soil)
    assert set(found) == {name + way for name in MIR_STRATEGIES for way in ("", RATIOS)}
    values = found["MIR-PLSR"].values
    assert np.isnan(values[scanned.soil == 4]).all()
    for soil in range(12):
        own = values[scanned.soil == soil]
        np.testing.assert_array_equal(own, own[:1].repeat(4, axis=0))
    assert np.isfinite(np.delete(values, np.flatnonzero(scanned.soil == 4), axis=0)).all()


def test_soils_without_mir_leave_them_nothing_to_say(quick_checkpoint, scanned) -> None:
    nothing = np.full_like(scanned.mir, np.nan)
    found = mir_strategies(quick_checkpoint.strategies, nothing, scanned.soil)
    assert set(found) == set(rival_names(MIR_STRATEGIES))
    assert {said.silent for said in found.values()} == {NO_MIR}
    assert all(np.isnan(said.values).all() for said in found.values())


def test_mir_scans_of_a_library_are_averaged_by_soil_and_an_axis_too_short_is_said(
    quick_checkpoint, scanned
) -> None:
    names = np.array([f"s{i:02}" for i in range(12)])
    samples = Samples(names, scanned.observed, scanned.site, np.full(12, ""))
    unsaid = np.full(len(scanned.soil), "")
    nir = Scans(scanned.axis, scanned.reflectance, names[scanned.soil], scanned.scanner, unsaid)
    twice = np.concatenate([scanned.mir + 0.1, scanned.mir - 0.1])[:-1]
    mir = Scans(
        MIR_AXIS, twice, np.concatenate([names, names])[:-1], np.full(23, "m"), np.full(23, "")
    )
    library = Library("both", "CC0-1.0", samples, {"nir": nir, "mir": mir})
    found = of_library(library, quick_checkpoint.card, [], None)
    np.testing.assert_allclose(found.mir[:-1], scanned.mir[:-1], atol=1e-5)
    np.testing.assert_allclose(found.mir[-1], scanned.mir[-1] + 0.1, atol=1e-5)
    short = Scans(
        type(MIR_AXIS)("cm-1", MIR_AXIS.values[:900]),
        twice[:, :900],
        mir.sample,
        mir.device,
        mir.preparation,
    )
    partly = Library("both", "CC0-1.0", samples, {"nir": nir, "mir": short})
    found = of_library(partly, quick_checkpoint.card, [], None)
    assert np.isnan(found.mir).all()
    assert "MIR scans not used" in found.about.dropped[-1]
