from __future__ import annotations

import pytest
import torch

from training.axes import NIR_AXIS
from training.preprocessing import SAVGOL_WINDOW, Preprocessing
from training.synthetic.soils import Scans, SoilSet, draw_soils


@pytest.fixture(scope="module")
def reflectance():
    return torch.from_numpy(draw_soils(1, SoilSet.PAIRS, 40, Scans(2, 1)).nir[:, 0])


@pytest.fixture(scope="module")
def preprocessing():
    return Preprocessing(len(NIR_AXIS))


def test_level_and_gain_of_absorbance_are_removed(preprocessing, reflectance) -> None:
    absorbance = -torch.log10(reflectance)
    before = preprocessing.shape(reflectance)
    changed = preprocessing.shape(10 ** -(1.4 * absorbance + 0.1))
    # The floor under the standard deviation leaves a trace of the gain.
    assert torch.allclose(before, changed, atol=0.02)
    assert torch.allclose(before, preprocessing.shape(0.8 * reflectance), atol=1e-3)


def test_fitted_scaling_standardises_its_library(reflectance) -> None:
    fitted = Preprocessing(len(NIR_AXIS))
    fitted.fit(reflectance)
    out = fitted(reflectance)
    assert torch.allclose(out.mean(dim=0), torch.zeros(out.shape[1]), atol=1e-4)
    assert torch.allclose(out.std(dim=0), torch.ones(out.shape[1]), atol=1e-4)
    assert out.shape[1] == len(NIR_AXIS) - SAVGOL_WINDOW + 1


@pytest.mark.parametrize("level", [0.0, -0.1, 0.4, 1.2])
def test_flat_and_impossible_spectra_stay_finite(preprocessing, level: float) -> None:
    assert torch.isfinite(preprocessing(torch.full((2, len(NIR_AXIS)), level))).all()
