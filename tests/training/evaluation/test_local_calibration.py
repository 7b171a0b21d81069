from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from training.evaluation import local_calibration
from training.evaluation.accuracy import resampled
from training.evaluation.local_calibration import FOLDS, SOILS_MIN, folds, local_rivals, ridge


def test_no_block_is_learnt_from_and_asked() -> None:
    block = np.random.default_rng(0).integers(0, 12, size=100)
    split = folds(block, seed=1)
    assert len(split) == FOLDS
    for learn, test in split:
        assert not set(block[learn]) & set(block[test])
    assert sorted(np.concatenate([test for _, test in split])) == list(range(100))


@pytest.mark.parametrize(("blocks", "expected"), [(1, 0), (2, 2), (4, 4)])
def test_few_blocks_give_few_folds_and_one_gives_none(blocks: int, expected: int) -> None:
    assert len(folds(np.arange(40) % blocks, seed=0)) == expected


def test_ridge_finds_what_is_linear() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 5))
    observed = np.tile(50 + features @ [[1], [2], [0], [0], [3]], 9)
    observed[:, [0, 1, 2, 3, 5]] = np.expm1(0.02 * observed[:, [0, 1, 2, 3, 5]])
    found = ridge(features[:200], observed[:200])(features[200:])
    assert_allclose(found[:, 6], observed[200:, 6], rtol=1e-3)
    assert_allclose(found[:, 0], observed[200:, 0], rtol=1e-3)


def test_no_prediction_is_outside_what_a_soil_can_have() -> None:
    features = np.linspace(-1, 1, 50)[:, None]
    observed = np.tile(50 + 50 * features, 9)
    found = ridge(features, np.where(np.arange(9) >= 6, observed, np.nan))(10 * features)
    assert (found[:, 6:] >= 0).all()
    assert (found[:, 6:] <= 100).all()


def test_a_property_of_too_few_soils_is_not_learnt() -> None:
    features = np.random.default_rng(0).normal(size=(40, 3))
    observed = np.ones((40, 9)) + features[:, :1] ** 2
    observed[SOILS_MIN - 1 :, 4] = np.nan
    found = ridge(features, observed)(features)
    assert np.isnan(found[:, 4]).all()
    assert np.isfinite(np.delete(found, 4, axis=1)).all()


def test_rivals_know_what_can_be_learnt_and_nothing_of_the_soils_they_are_asked(
    make_readings,
) -> None:
    readings = make_readings(soils=120)
    once = np.ones((1, 120), dtype=int)
    rivals = local_rivals(readings, seed=0)
    assert set(rivals) == {"local NIR-ridge", "local NIR-SSL-ridge"}
    for rival in rivals.values():
        found = resampled(readings.observed[:, 6], rival.values[:, 6], readings.soil, once)
        assert found["ccc"][0] > 0.8


def test_a_model_never_saw_a_soil_of_the_site_that_it_is_asked(
    make_readings, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = make_readings(soils=40)
    block = readings.block()
    seen: list[tuple[set, set]] = []

    def spy(features: np.ndarray, observed: np.ndarray):
        rows = [
            int(np.flatnonzero(readings.observed[:, 6] == value)[0]) for value in observed[:, 6]
        ]
        learnt = {int(block[row]) for row in rows}

        def predict(asked: np.ndarray) -> np.ndarray:
            scans = [
                int(np.flatnonzero((readings.latent == row).all(axis=1))[0]) for row in asked[:, :6]
            ]
            seen.append((learnt, {int(block[readings.soil[scan]]) for scan in scans}))
            return np.ones((len(asked), 9))

        return predict

    monkeypatch.setattr(local_calibration, "ridge", spy)
    rivals = local_rivals(readings, seed=0)
    assert all(np.isfinite(rival.values).all() for rival in rivals.values())
    assert len(seen) == 2 * FOLDS
    assert not any(learnt & asked for learnt, asked in seen)
