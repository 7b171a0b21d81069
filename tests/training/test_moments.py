from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.moments import level_and_spread, mean_and_deviation, principal_components, upright


def spectra(n: int, bands: int, seed: int) -> torch.Tensor:
    return 3 + torch.randn(n, bands, generator=torch.Generator().manual_seed(seed))


@given(n=st.integers(2, 600), part=st.integers(1, 700), seed=st.integers(0, 9))
def test_mean_and_deviation_are_those_of_the_whole_however_it_is_cut(n, part, seed) -> None:
    whole = spectra(n, 5, seed)
    mean, deviation = mean_and_deviation(whole.split(part))
    assert mean.numpy() == pytest.approx(whole.numpy().mean(axis=0), abs=1e-5)
    assert deviation.numpy() == pytest.approx(whole.numpy().std(axis=0, ddof=1), rel=1e-4)


def test_a_band_that_never_varies_has_no_deviation_and_no_nan() -> None:
    whole = spectra(40, 3, 0)
    whole[:, 1] = 0.1
    deviation = mean_and_deviation(whole.split(7))[1]
    assert deviation[1] == pytest.approx(0, abs=1e-6)
    assert torch.isfinite(mean_and_deviation(whole[:1].split(7))[1]).all()


def test_level_and_spread_are_means_over_spectra() -> None:
    whole = spectra(50, 8, 1)
    level, spread = level_and_spread(whole.split(9))
    assert level == pytest.approx(float(whole.mean()), rel=1e-5)
    assert spread == pytest.approx(float(whole.numpy().std(axis=1).mean()), rel=1e-5)


def test_principal_components_are_those_of_a_singular_value_decomposition() -> None:
    whole = spectra(200, 3, 2) @ torch.randn(3, 12, generator=torch.Generator().manual_seed(3))
    whole = whole - whole.mean(dim=0)
    deviations, directions = principal_components(whole.split(64), 3)
    _, values, rows = np.linalg.svd(whole.numpy(), full_matrices=False)
    assert deviations.numpy() == pytest.approx(values[:3] / np.sqrt(200), rel=1e-4)
    overlap = np.abs((directions.numpy() * rows[:3].T).sum(axis=0))
    assert overlap == pytest.approx(np.ones(3), rel=1e-4)


def test_each_component_points_where_it_is_largest() -> None:
    directions = upright(torch.tensor([[-0.8, 0.6, 0.0], [0.6, 0.8, 0.0]]))
    assert directions.tolist() == [
        pytest.approx([0.8, 0.6, 0.0]),
        pytest.approx([-0.6, 0.8, 0.0]),
    ]


def test_spectra_that_are_all_the_same_have_components_that_are_numbers() -> None:
    deviations, directions = principal_components(torch.zeros(10, 6).split(4), 3)
    assert torch.isfinite(directions / deviations).all()


def test_components_that_nothing_is_left_for_blow_nothing_up() -> None:
    line = torch.randn(30, 1) @ torch.randn(1, 6)
    deviations, directions = principal_components(line.split(10), 8)
    assert deviations.shape == (8,)
    assert directions.shape == (6, 8)
    assert (deviations[1:6] >= 9e-5 * deviations[0]).all()
    assert torch.isfinite(directions / deviations).all()
    assert not directions[:, 6:].any()
