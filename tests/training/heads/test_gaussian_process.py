"""The kernel head: it bends where a line is not enough, and says nothing that is not asked."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.gaussian_process.kernels import Matern

from training.heads.examples import Examples
from training.heads.gaussian_process import (
    KernelHead,
    fit_gaussian_process,
    matern,
    squared_distance,
)

PARTS = (slice(0, 2), slice(2, 4))


def soils(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(seed).uniform(-1, 1, size=(n, 4))
    return x.astype(np.float32), np.stack([np.sin(3 * x[:, 0]) + x[:, 2] ** 2, x[:, 1]], axis=1)


def say(head: KernelHead, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return head(torch.from_numpy(x)).numpy()


def line(head: KernelHead, x: np.ndarray) -> np.ndarray:
    return ((torch.from_numpy(x) - head.centre) @ head.slopes + head.intercepts).numpy()


def test_the_kernel_is_the_one_that_scikit_learn_calls_matern_5_2() -> None:
    x, _ = soils(20, 0)
    ours = matern(squared_distance(torch.from_numpy(x), torch.from_numpy(x)), torch.tensor(0.7))
    assert ours.numpy() == pytest.approx(Matern(0.7, nu=2.5)(x), abs=1e-5)


def test_a_curved_law_is_learnt_through_gaps() -> None:
    (x, y), (asked, wanted) = soils(200, 1), soils(200, 2)
    told = y.copy()
    told[::3, 0] = np.nan
    found = say(fit_gaussian_process(Examples(x, told, np.arange(200)), PARTS, 0), asked)
    assert np.sqrt(np.mean((found - wanted) ** 2, axis=0)) == pytest.approx([0, 0], abs=0.1)


def test_far_from_every_soil_only_the_line_is_left() -> None:
    x, y = soils(150, 3)
    head = fit_gaussian_process(Examples(x, y, np.arange(150)), PARTS, 0)
    far = np.full((1, 4), 1e6, dtype=np.float32)
    assert say(head, far) == pytest.approx(line(head, far), rel=1e-4)


def test_what_is_not_kept_costs_no_kernel_and_the_rest_is_as_before() -> None:
    x, y = soils(60, 4)
    head = fit_gaussian_process(Examples(x, y, np.arange(60)), PARTS, 0)
    before = say(head, x)
    asked = head.keeping([0])
    assert np.array_equal(say(asked, x)[:, 0], before[:, 0])
    assert say(asked, x)[:, 1] == pytest.approx(line(head, x)[:, 1], abs=1e-5)
    assert np.array_equal(say(head, x), before)


def test_noise_is_taken_for_noise() -> None:
    rng = np.random.default_rng(5)
    (x, _), (fresh, _) = soils(150, 5), soils(150, 6)
    noise = rng.normal(size=(150, 1))
    head = fit_gaussian_process(Examples(x, noise, np.arange(150)), PARTS, 0)
    assert np.std(say(head, fresh)) < 0.4 * np.std(noise)
