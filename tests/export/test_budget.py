"""What goes into fewer bits: as much as the budget lets, never more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.domain import DomainModel, GhModel, QModel
from contract.manifest import Intervals
from export.budget import within
from export.losses import CHANGE_MAX, Judge, Loss, spectrum_loss
from soil.coherence import coherent
from soil.properties import NAMES

BUDGET = 0.005


def loss(ccc: float, change: float = 0.0, verdicts: float = 0.0) -> Loss:
    return Loss(dict.fromkeys(NAMES, ccc), dict.fromkeys(NAMES, change), verdicts)


def adding_up(costs: dict[str, float]):
    return lambda parts: loss(sum(costs[part] for part in parts))


@given(st.dictionaries(st.text("abcdef", min_size=1), st.floats(0, 0.01), max_size=7))
def test_what_is_taken_fits_together_and_nothing_that_fits_beside_it_is_left(costs) -> None:
    found = within(tuple(costs), adding_up(costs), BUDGET)
    together = sum(costs[part] for part in found.parts)
    assert together <= BUDGET
    assert set(found.alone) == set(costs)
    for part in set(costs) - set(found.parts):
        assert together + costs[part] > BUDGET
    assert (found.loss is None) == (not found.parts)


def test_a_part_that_costs_too_much_beside_another_stays_though_it_fits_by_itself() -> None:
    found = within(("a", "b"), adding_up({"a": 0.004, "b": 0.003}), BUDGET)
    assert found.parts == ("b",)
    assert found.loss == loss(0.003)


@pytest.mark.parametrize("costs", [{"a": 1e-4, "b": 2e-4}, {"a": 2e-4, "b": 1e-4}])
def test_what_is_taken_comes_in_the_order_of_the_model_whatever_costs_least(costs) -> None:
    assert within(("a", "b"), adding_up(costs), BUDGET).parts == ("a", "b")


def test_a_loss_says_what_is_beyond_the_budget() -> None:
    assert loss(BUDGET, CHANGE_MAX, BUDGET).beyond(BUDGET) is None
    assert "loses 0.0060 of its CCC" in str(loss(0.006).beyond(BUDGET))
    assert "half widths of its interval" in str(loss(0.0, CHANGE_MAX + 0.01).beyond(BUDGET))
    assert "another verdict" in str(loss(0.0, 0.0, 0.006).beyond(BUDGET))
    assert loss(float("inf")).beyond(1.0) is not None


def judge_and_outputs(n: int = 60) -> tuple[Judge, dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    raw = np.abs(rng.normal(10, 3, size=(n, 9)))
    latent, preprocessed = rng.normal(size=(n, 2)), rng.normal(size=(n, 4))
    domain = DomainModel(
        QModel(np.zeros(4), np.eye(1, 4), 3.0, 9.0), GhModel(np.zeros(2), np.eye(2), 1.0, 4.0)
    )
    intervals = Intervals(
        method="split-conformal",
        level=0.9,
        half_width=dict.fromkeys(NAMES, 2.0),
        calibrated_on=dict.fromkeys(NAMES, 100),
    )
    outputs = {"properties": raw, "latent": latent, "preprocessed": preprocessed}
    observed = coherent(raw) + rng.normal(size=(n, 9))
    observed[::3, 2] = np.nan
    return Judge(outputs, observed.astype(np.float32), intervals, domain), outputs


def test_the_same_outputs_lose_nothing() -> None:
    judge, outputs = judge_and_outputs()
    assert judge.loss(outputs) == loss(0.0)


def test_a_change_is_counted_in_half_widths_of_the_value_that_is_shown() -> None:
    judge, outputs = judge_and_outputs()
    raw = outputs["properties"].copy()
    ph = NAMES.index("ph_h2o")
    raw[:, ph] = 8.0
    raw[7, ph] = 9.0
    found = judge.loss({**outputs, "properties": raw})
    changed = np.abs(raw[:, ph] - coherent(outputs["properties"])[:, ph]).max() / 2.0
    assert abs(found.change["ph_h2o"] - changed) < 1e-3
    assert found.ccc["ph_h2o"] > 0.1
    assert found.ccc["cec"] == 0


def test_another_verdict_of_the_domain_check_is_a_loss() -> None:
    judge, outputs = judge_and_outputs()
    latent = outputs["latent"].copy()
    latent[:6] = 50.0
    found = judge.loss({**outputs, "latent": latent})
    assert 0 < found.verdicts <= 0.1


def test_outputs_that_are_no_numbers_lose_everything() -> None:
    judge, outputs = judge_and_outputs()
    raw = outputs["properties"].copy()
    raw[3] = np.nan
    assert judge.loss({**outputs, "properties": raw}).beyond(1.0) is not None


def test_a_latent_that_is_no_number_is_another_verdict_as_on_the_device() -> None:
    judge, outputs = judge_and_outputs()
    latent = np.full_like(outputs["latent"], np.nan)
    assert judge.loss({**outputs, "latent": latent}).verdicts > 0.5


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_converted_spectra_that_are_no_numbers_lose_everything(value: float) -> None:
    exact = np.random.default_rng(0).normal(size=(5, 40)).astype(np.float32)
    found = exact.copy()
    found[2, 3] = value
    assert spectrum_loss(exact, found) == np.inf


def test_a_converted_spectrum_loses_by_its_distance_from_the_exact_one() -> None:
    exact = np.random.default_rng(0).normal(size=(5, 40)).astype(np.float32)
    assert spectrum_loss(exact, exact) == 0.0
    assert 0 < spectrum_loss(exact, exact + np.float32(0.2)) < spectrum_loss(exact, -exact)
