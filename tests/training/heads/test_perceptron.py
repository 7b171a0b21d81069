from __future__ import annotations

import numpy as np
import torch

from training.fitting import Schedule
from training.heads.perceptron import ScannedSoils, fit_perceptron, masked_squared_error


def test_unknown_values_weigh_nothing() -> None:
    out, wanted = torch.zeros(2, 9), torch.ones(2, 9)
    known = torch.zeros(2, 9, dtype=torch.bool)
    assert float(masked_squared_error(out, wanted, known)) == 0
    known[0, 0] = True
    assert float(masked_squared_error(out, wanted, known)) == 1


def test_it_learns_through_gaps_and_answers_in_the_units_of_its_targets() -> None:
    rng = np.random.default_rng(0)
    scans = rng.normal(size=(300, 1, 3)) + 0.05 * rng.normal(size=(300, 2, 3))
    features = torch.from_numpy(scans.astype(np.float32))
    targets = 20 + features.mean(dim=1).numpy().astype(float) @ rng.normal(size=(3, 4))
    told = targets.copy()
    told[::3, 2] = np.nan
    soils = ScannedSoils(features, told)
    schedule = Schedule(epochs=60, batch=32, step=1e-2, patience=60)
    head = fit_perceptron(soils, soils, (16,), schedule, 0, lambda _: None, "heads")
    with torch.no_grad():
        out = head(features.mean(dim=1)).numpy()
    assert np.mean((out - targets) ** 2) < 0.1 * np.var(targets)


def test_soils_of_two_libraries_have_as_many_scans_as_the_poorer() -> None:
    few = ScannedSoils(torch.zeros(3, 2, 5), np.zeros((3, 1)))
    many = ScannedSoils(torch.ones(4, 6, 5), np.ones((4, 1)))
    both = few.beside(many)
    assert tuple(both.features.shape) == (7, 2, 5)
    assert both.targets[:, 0].tolist() == [0, 0, 0, 1, 1, 1, 1]
