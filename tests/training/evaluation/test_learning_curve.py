from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.evaluation.learning_curve import REPEATS, learning_curve
from training.evaluation.local_calibration import FOLDS, ridge


def ccc_of_clay(readings):
    def score(predicted: np.ndarray) -> float:
        return float(np.corrcoef(readings.observed[readings.soil, 6], predicted[:, 6])[0, 1])

    return score


def test_more_soils_are_better_where_there_is_something_to_learn(make_readings) -> None:
    readings = make_readings(soils=120)
    curve = learning_curve(
        ridge, readings, readings.preprocessed, readings.observed, ccc_of_clay(readings), seed=0
    )
    assert [point.soils for point in curve] == [20, 40, 80]
    assert curve[-1].mean > curve[0].mean
    assert all(point.lowest <= point.mean <= point.highest for point in curve)


def test_a_larger_set_of_soils_holds_the_smaller_ones(make_readings) -> None:
    readings, learnt = make_readings(soils=60), []

    def spy(features: np.ndarray, observed: np.ndarray):
        learnt.append(set(observed[:, 6]))
        return lambda asked: np.ones((len(asked), 9))

    learning_curve(spy, readings, readings.latent, readings.observed, lambda _: 0.5, seed=0)
    small, large = learnt[: REPEATS * FOLDS], learnt[REPEATS * FOLDS : 2 * REPEATS * FOLDS]
    assert {len(soils) for soils in small} == {20}
    assert {len(soils) for soils in large} == {40}
    assert all(few <= many for few, many in zip(small, large, strict=True))


def test_every_scan_is_asked_once_in_a_repeat(make_readings) -> None:
    readings = make_readings(soils=60)

    def score(predicted: np.ndarray) -> float:
        assert np.isfinite(predicted).all()
        return float(len(predicted))

    curve = learning_curve(ridge, readings, readings.latent, readings.observed, score, seed=0)
    assert {point.mean for point in curve} == {len(readings.soil)}


def test_a_size_without_a_score_is_left_out(make_readings) -> None:
    readings = make_readings(soils=120)
    observed = readings.observed.copy()
    observed[np.arange(120) % 3 > 0, 6] = np.nan
    curve = learning_curve(
        ridge, readings, readings.latent, observed, ccc_of_clay(readings), seed=0
    )
    assert curve
    assert curve[0].soils > 20


def test_a_small_set_or_a_single_site_has_no_curve(make_readings) -> None:
    few, one_site = make_readings(soils=20), make_readings(soils=60)
    one_site = replace(one_site, site=np.full(60, "the same"))
    for readings in (few, one_site):
        assert learning_curve(
            ridge, readings, readings.latent, readings.observed, lambda _: 0.5, seed=0
        ) == []  # fmt: skip
