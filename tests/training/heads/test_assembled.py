"""Assembled heads: each property is read from what was chosen for it, and from nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from soil.properties import INDEX, NAMES, PROPERTIES, from_model_scale
from training.heads.assembled import MEAN, RATIOS, Part, assembled
from training.heads.gaussian_process import KernelHead
from training.heads.linear import LinearHead
from training.targets import TARGETS, TEXTURE, to_targets

FEATURES = torch.arange(6.0).reshape(2, 3) / 10
VIEWS = {"one": FEATURES, "two": 2 * FEATURES}


def head(seed: int) -> LinearHead:
    made = LinearHead(3, len(TARGETS))
    drawn = torch.randn(3, len(TARGETS), generator=torch.Generator().manual_seed(seed))
    made.weights.copy_(0.2 * drawn)
    made.intercepts.fill_(1.5)
    return made


@pytest.fixture
def parts() -> dict[str, Part]:
    return {"a": Part("one", head(0)), "b": Part("two", head(1)), "unused": Part("one", head(2))}


def everywhere(**weights: float) -> dict[str, dict[str, float]]:
    return dict.fromkeys(NAMES, weights)


def test_a_property_is_the_weighted_sum_about_the_mean(parts) -> None:
    centre = np.linspace(0.5, 1.5, 9)
    heads = assembled(parts, everywhere(a=0.75, b=0.5), centre)
    a, b = head(0)(FEATURES)[:, :9], head(1)(2 * FEATURES)[:, :9]
    wanted = torch.from_numpy(centre).float()
    wanted = wanted + 0.75 * (a - wanted) + 0.5 * (b - wanted)
    assert heads(VIEWS).numpy() == pytest.approx(from_model_scale(wanted.numpy()), rel=1e-4)


def test_what_nobody_uses_is_left_out_and_the_strategy_is_named(parts) -> None:
    weights = everywhere(a=1.0) | {"clay": {"b" + RATIOS: 0.25, "a": 0.5}}
    heads = assembled(parts, weights, np.zeros(9))
    assert heads.names == ("a", "b")
    assert heads.strategy()["ph_h2o"] == "a"
    assert heads.strategy()["clay"] == "0.50 a + 0.25 b ILR"


def test_a_property_that_no_rival_tells_is_the_mean(parts) -> None:
    centre = np.full(9, 1.5)
    heads = assembled(parts, everywhere(a=1.0) | {"ph_h2o": {}}, centre)
    assert heads.strategy()["ph_h2o"] == MEAN
    assert heads(VIEWS)[:, INDEX["ph_h2o"]].tolist() == [1.5, 1.5]


def test_texture_through_ratios_makes_a_whole_and_gives_back_what_went_in() -> None:
    properties = np.full((1, 9), 3.0)
    properties[0, [INDEX[name] for name in TEXTURE]] = 22.0, 31.0, 47.0
    said = LinearHead(1, len(TARGETS))
    said.intercepts.copy_(torch.from_numpy(to_targets(properties)[0]))
    weights = {name: {"x" + (RATIOS if name in TEXTURE else ""): 1.0} for name in NAMES}
    heads = assembled({"x": Part("one", said)}, weights, np.zeros(9))
    assert heads({"one": torch.zeros(1, 1)}).numpy() == pytest.approx(properties, rel=1e-4)


def test_kernels_are_looked_at_for_what_is_used_alone() -> None:
    kernel = KernelHead([slice(0, 3)], 4, len(TARGETS))
    weights = everywhere(a=1.0) | {"ph_h2o": {"k": 1.0}, "silt": {"k" + RATIOS: 0.5, "a": 0.5}}
    parts = {"a": Part("one", head(0)), "k": Part("one", kernel)}
    used = assembled(parts, weights, np.zeros(9)).heads[1]
    assert used.kept == [INDEX["ph_h2o"], 9, 10]
    # By itself it is a rival still, and says all that it said.
    assert kernel.kept == list(range(len(TARGETS)))


def test_a_wild_head_is_out_of_range_and_no_further() -> None:
    for wild in (1000.0, -1000.0):
        head = LinearHead(3, len(TARGETS))
        head.intercepts.fill_(wild)
        said = assembled({"wild": Part("one", head)}, everywhere(wild=1.0), np.zeros(9))(VIEWS)
        assert torch.isfinite(said).all()
        for p, value in zip(PROPERTIES, said[0].tolist(), strict=True):
            assert value > p.highest if wild > 0 else value < p.lowest
        assert float(said.abs().max()) < 1000
