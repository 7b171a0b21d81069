"""Targets: model scale, and texture as log-ratios that have no bounds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from soil.properties import INDEX, NAMES, to_model_scale
from training.targets import LEAST_PCT, TARGETS, TEXTURE, as_they_are, through_ratios, to_targets

COLUMNS = [INDEX[name] for name in TEXTURE]


def soil(clay: float, silt: float) -> np.ndarray:
    properties = np.full((1, len(NAMES)), 2.0)
    properties[0, COLUMNS] = clay, silt, 100 - clay - silt
    return properties


@given(st.floats(1, 49), st.floats(1, 49))
def test_there_and_back(clay, silt) -> None:
    properties = soil(clay, silt)
    targets = torch.from_numpy(to_targets(properties))
    assert targets.shape == (1, len(TARGETS))
    assert through_ratios(targets).numpy() == pytest.approx(to_model_scale(properties), abs=1e-6)
    assert as_they_are(targets).numpy() == pytest.approx(to_model_scale(properties), abs=1e-12)


def test_no_clay_at_all_is_as_little_as_can_be_seen() -> None:
    found = through_ratios(torch.from_numpy(to_targets(soil(0, 40))))[0, COLUMNS]
    assert found[0] == pytest.approx(LEAST_PCT, rel=0.01)
    assert found.sum() == pytest.approx(100)


def test_texture_not_analysed_stays_unknown() -> None:
    properties = soil(20, 30)
    properties[0, INDEX["silt"]] = np.nan
    targets = to_targets(properties)
    assert np.isnan(targets[0, len(NAMES) :]).all()
    assert np.isfinite(targets[0, INDEX["clay"]])
