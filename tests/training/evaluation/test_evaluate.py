"""From readings to the document."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import numpy as np
import pytest
from numpy.testing import assert_allclose

from soil.metrics import metrics
from soil.properties import INDEX, NAMES
from training.evaluation.document import Evaluation
from training.evaluation.evaluate import evaluate
from training.evaluation.local_calibration import local_rivals
from training.evaluation.readings import Predicted, Readings


@pytest.fixture
def document(model, tested_on):
    def make(readings: Readings, rivals: dict[str, Predicted] | None = None) -> Evaluation:
        rivals = local_rivals(readings, 0) if rivals is None else rivals
        return evaluate(readings, rivals, model, tested_on, 400, 0, lambda line: None)

    return make


def without(readings: Readings, name: str, known: int) -> Readings:
    """The same, with ``known`` laboratory values of a property."""
    observed = readings.observed.copy()
    observed[known:, INDEX[name]] = np.nan
    return replace(readings, observed=observed)


def test_it_follows_its_own_schema(document, make_readings) -> None:
    found = json.loads(document(make_readings()).to_json())
    assert found["schema"] == "loamscan.evaluation/1"
    jsonschema.validate(found, Evaluation.model_json_schema(by_alias=True, mode="serialization"))
    assert Evaluation.model_validate(found).to_json() == document(make_readings()).to_json()


def test_its_figures_are_those_of_the_model(document, make_readings) -> None:
    readings = make_readings()
    rows = document(readings).strategies["model"].properties
    assert list(rows) == list(NAMES)
    for i, name in enumerate(NAMES):
        expected = metrics(readings.observed[readings.soil, i], readings.model.values[:, i])
        assert_allclose(rows[name].figures["rmse"].value, expected.rmse)
        assert (rows[name].soils, rows[name].scans) == (60, 240)


def test_the_mean_ccc_is_that_of_the_rows(document, make_readings) -> None:
    strategy = document(make_readings()).strategies["local NIR-ridge"]
    values = [row.figures["ccc"].value for row in strategy.properties.values()]
    assert_allclose(strategy.mean_ccc.value, np.mean(values))
    assert strategy.mean_ccc.lower < strategy.mean_ccc.value < strategy.mean_ccc.upper


@pytest.mark.parametrize("known", [0, 1, 2])
def test_a_property_that_was_hardly_analysed_is_left_out_and_said(
    document, make_readings, known: int
) -> None:
    found = document(without(make_readings(), "cec", known))
    row = found.strategies["model"].properties["cec"]
    assert (row.soils, row.figures) == (known, {})
    assert row.left_out == f"analysed of {known} soils; 3 are the least"
    assert found.comparisons["cec"] == []
    assert found.strategies["model"].mean_ccc.value is not None
    assert "cec" not in found.learning_curve.properties
    assert all(feature[INDEX["cec"]] is None for feature in found.xi.values)


def test_three_values_are_enough_for_the_model_and_not_for_a_rival(document, make_readings) -> None:
    found = document(without(make_readings(), "cec", 3)).strategies
    assert found["model"].properties["cec"].figures
    assert "learn from" in found["local NIR-ridge"].properties["cec"].left_out


def test_a_property_of_one_value_is_left_out(document, make_readings) -> None:
    readings = make_readings()
    readings.observed[:, INDEX["silt"]] = 20.0
    row = document(readings).strategies["model"].properties["silt"]
    assert row.left_out == "all soils have the same value"


def test_one_value_throughout_costs_the_learning_curve_that_property_alone(
    document, make_readings
) -> None:
    readings = make_readings()
    observed = readings.observed.copy()
    observed[:, INDEX["cec"]] = 12.0
    curve = document(replace(readings, observed=observed)).learning_curve
    assert curve.properties == [name for name in NAMES if name != "cec"]


def test_the_better_of_two_strategies_is_named(document, make_readings) -> None:
    readings = make_readings()
    noise = np.random.default_rng(0).normal(size=readings.model.values.shape)
    worse = Predicted("worse", readings.model.values + 5 * readings.observed.std(axis=0) * noise)
    perfect = Predicted("perfect", readings.observed[readings.soil])
    found = document(readings, {"worse": worse, "perfect": perfect, "itself": readings.model})
    for rows in found.comparisons.values():
        assert [(row.rival, row.verdict) for row in rows] == [
            ("worse", "model better"),
            ("perfect", "rival better"),
            ("itself", "no difference shown"),
        ]


def test_a_strategy_is_judged_on_the_soils_that_it_says_something_of(
    document, make_readings
) -> None:
    readings = make_readings()
    values = readings.model.values.copy()
    values[readings.soil >= 40] = np.nan
    found = document(readings, {"partial": Predicted("partial", values, "was not asked")})
    row = found.strategies["partial"].properties["clay"]
    known = readings.soil < 40
    expected = metrics(readings.observed[readings.soil[known], 6], values[known, 6])
    assert (row.soils, row.scans) == (40, 160)
    assert_allclose(row.figures["rmse"].value, expected.rmse)
    (compared,) = found.comparisons["clay"]
    assert compared.squared_error_difference.value == 0


def test_a_strategy_for_some_properties_alone_has_no_mean_and_says_why(
    document, make_readings
) -> None:
    readings = make_readings()
    values = np.full_like(readings.model.values, np.nan)
    values[:, INDEX["silt"]] = readings.model.values[:, INDEX["silt"]]
    found = document(readings, {"silt alone": Predicted("", values, "says silt alone")})
    strategy = found.strategies["silt alone"]
    assert strategy.mean_ccc is None
    assert strategy.properties["silt"].figures
    assert strategy.properties["clay"].left_out == "this strategy says silt alone"
    assert [name for name, rows in found.comparisons.items() if rows] == ["silt"]


def test_a_figure_says_what_was_drawn_for_its_interval(document, make_readings) -> None:
    readings = make_readings()
    found = document(without(readings, "cec", 12), {"itself": readings.model})
    rows = found.strategies["model"].properties
    # Twelve soils are of three sites.
    assert (rows["clay"].drawn, rows["cec"].drawn) == ("sites", "soils")
    assert [row.drawn for row in found.comparisons["cec"]] == ["soils"]
    nowhere = document(replace(readings, site=np.full(60, "")), {})
    assert {row.drawn for row in nowhere.strategies["model"].properties.values()} == {"soils"}


def test_a_property_of_one_site_is_no_proof_of_a_difference(document, make_readings) -> None:
    """Sites drawn whole would give the same difference every time, and a p of nothing."""
    readings = without(make_readings(), "clay", 4)
    other = Predicted("", make_readings(seed=2, error=0.3).model.values)
    twin = readings.model.values + 0.0
    twin[:, INDEX["clay"]] += np.where(np.arange(240) % 2, 0.4, -0.4)
    found = document(readings, {"twin": Predicted("", twin), "other": other})
    row = next(row for row in found.comparisons["clay"] if row.rival == "twin")
    assert row.soils == 4
    assert row.squared_error_difference.lower < row.squared_error_difference.upper


def test_a_strategy_that_was_asked_of_few_soils_is_not_ranked(document, make_readings) -> None:
    readings = make_readings()
    values = readings.observed[readings.soil].copy()
    values[readings.soil >= 6] = np.nan
    found = document(readings, {"few": Predicted("", values)}).strategies["few"]
    assert found.properties["clay"].soils == 6
    assert found.mean_ccc is None
    values[readings.soil >= 2] = np.nan
    found = document(readings, {"two": Predicted("", values, "is not this")}).strategies["two"]
    said = found.properties["clay"].left_out
    assert said == (
        "of the soils that this strategy could be asked of: analysed of 2 soils; 3 are the least"
    )


def test_a_perfect_strategy_has_no_number_that_json_lacks(document, make_readings) -> None:
    readings = make_readings()
    perfect = replace(readings, model=Predicted("perfect", readings.observed[readings.soil]))
    found = document(perfect)
    figures = found.strategies["model"].properties["clay"].figures
    assert figures["ccc"].value == pytest.approx(1)
    assert "NaN" not in found.to_json().decode()
    assert "Infinity" not in found.to_json().decode()


def test_spread_stands_beside_rmse(document, make_readings) -> None:
    found = document(make_readings(soils=200))
    # All error of these readings is from scan to scan.
    for name in NAMES:
        assert found.spread.repeatability_over_rmse[name] == pytest.approx(1, abs=0.1)
    alone = document(make_readings(scanners=1, replicates=1)).spread
    assert alone.repeatability is alone.reproducibility is None
    assert alone.repeatability_left_out
    assert alone.reproducibility_left_out


def test_preparations_are_told_apart(document, make_readings) -> None:
    readings = make_readings()
    assert document(readings).preparations == []
    moist = np.tile([False, True], len(readings.soil) // 2)
    values = readings.model.values + 2.0 * moist[:, None]
    both = replace(
        readings,
        model=Predicted("a model", values),
        preparation=np.where(moist, "moist", "air-dry"),
        flagged_in={name: {"any": 0.1, "any_reject": 0.0} for name in ("air-dry", "moist")},
    )
    found = document(both)
    dry, wet = found.preparations
    assert (dry.name, wet.name) == ("air-dry", "moist")
    assert dry.soils == wet.soils == 60
    assert dry.scans == wet.scans == 120
    for i, name in enumerate(NAMES):
        for of, rows in ((dry, ~moist), (wet, moist)):
            expected = metrics(both.observed[both.soil[rows], i], values[rows, i])
            assert_allclose(of.figures[name]["ccc"], expected.ccc)
            assert_allclose(of.figures[name]["bias"], expected.bias)


def test_a_soil_in_two_preparations_is_no_repeat(document, make_readings) -> None:
    readings = make_readings(replicates=2)
    moist = np.tile([False, True], len(readings.soil) // 2)
    both = replace(
        readings,
        preparation=np.where(moist, "moist", "air-dry"),
        flagged_in={name: {"any": 0.1, "any_reject": 0.0} for name in ("air-dry", "moist")},
    )
    assert document(readings).spread.replicated_soils == 60
    assert document(both).spread.replicated_soils == 0


def test_coverage_is_near_what_was_promised(document, make_readings) -> None:
    for rows in document(make_readings(soils=200)).coverage.values():
        (row,) = rows
        assert (row.level, row.soils) == (0.9, 200)
        assert row.covered.lower < 0.9 < row.covered.upper


def test_a_reader_is_warned(document, make_readings, model, tested_on) -> None:
    readings = make_readings(soils=20)
    readings.flagged["any_reject"] = 0.31
    plain = document(readings, {}).warnings
    assert plain[0] == tested_on.independence.text
    assert "refused 31%" in plain[1]
    synthetic = evaluate(
        readings, {}, model.model_copy(update={"synthetic": True}),
        tested_on.model_copy(update={"synthetic": True}), 100, 0, lambda line: None,
    ).warnings  # fmt: skip
    assert ["SYNTHETIC" in text for text in synthetic[:2]] == [True, True]


def test_a_small_set_says_why_it_has_no_learning_curve(document, make_readings) -> None:
    found = document(make_readings(soils=12))
    assert found.learning_curve.points == []
    assert "too few" in found.learning_curve.left_out
