"""Treatments and their scores: what calibration practice calls them, and nothing made up at the ends."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import savgol_filter

from training.scores import fit_scores
from training.treatments import (
    FIRST_WINDOW,
    ORDER,
    SECOND_WINDOW,
    TREATMENTS,
    Treatments,
    snv,
)


@pytest.fixture(scope="module")
def absorbance() -> torch.Tensor:
    rng = np.random.default_rng(0)
    smooth = np.cumsum(np.cumsum(rng.normal(size=(30, 80)), axis=1), axis=1) / 500
    return torch.from_numpy(smooth.astype(np.float32))


@pytest.mark.parametrize(("name", "window", "order"), [
    ("first derivative", FIRST_WINDOW, 1),
    ("first derivative, SNV", FIRST_WINDOW, 1),
    ("second derivative, SNV", SECOND_WINDOW, 2),
])  # fmt: skip
def test_derivatives_are_those_of_savitzky_and_golay(absorbance, name, window, order) -> None:
    treatments = Treatments(80)
    ours = treatments(absorbance)[:, treatments.slices[TREATMENTS.index(name)]]
    theirs = savgol_filter(absorbance.double().numpy(), window, ORDER, deriv=order, axis=1)
    inside = torch.from_numpy(theirs[:, window // 2 : -(window // 2)]).float()
    wanted = snv(inside) if name.endswith("SNV") else inside
    assert ours.numpy() == pytest.approx(wanted.numpy(), abs=2e-2 if order == 2 else 1e-3)


def test_snv_takes_level_and_gain_away(absorbance) -> None:
    assert snv(3 * absorbance + 0.7).numpy() == pytest.approx(snv(absorbance).numpy(), abs=1e-3)
    assert torch.equal(snv(torch.ones(2, 5)), torch.zeros(2, 5))


@pytest.mark.parametrize("soils", [30, 12])
def test_scores_hold_what_the_spectra_hold(absorbance, soils) -> None:
    """With as many components as there are soils but one, nothing is lost: wide sets and tall ones."""
    treatments = Treatments(80)
    treated = treatments(absorbance[:soils])
    scores = fit_scores(treated, treatments.slices, components=29)
    found = scores(treated)
    for part, columns in zip(treatments.slices, scores.slices, strict=True):
        between = torch.cdist(treated[:, part].double(), treated[:, part].double())
        kept = torch.cdist(found[:, columns].double(), found[:, columns].double())
        assert kept.numpy() == pytest.approx(between.numpy(), abs=2e-3 * float(between.max()))
        spread = found[:, columns].std(dim=0)
        assert torch.all(spread[:-1] >= spread[1:] - 1e-4)
