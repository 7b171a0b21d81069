"""Linear heads: the law is found, the better treatment is chosen, and noise is not learnt."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from training.errors import SettingsError
from training.heads.blend import PICK
from training.heads.examples import Examples
from training.heads.linear import fit_linear
from training.heads.plsr import COMPONENTS_MAX, plsr_path
from training.heads.ridge import ridge_path


def examples(x, y) -> Examples:
    return Examples(x.astype(np.float32), y, np.arange(len(x)))


@pytest.mark.parametrize("path", [ridge_path, plsr_path])
def test_a_linear_law_with_gaps_is_found(path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 6))
    y = 50 + x @ rng.normal(size=(6, 3))
    told = y.copy()
    told[::4, 1] = np.nan
    head = fit_linear(path, examples(x, told), [slice(0, 6)], 0)
    with torch.no_grad():
        assert head(torch.from_numpy(x).float()).numpy() == pytest.approx(y, abs=0.05)


@pytest.mark.parametrize("path", [ridge_path, plsr_path])
def test_the_treatment_that_tells_is_chosen_for_each_target(path) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 10))
    y = np.stack([x[:, 0] - x[:, 2], x[:, 5] + x[:, 9]], axis=1)
    head = fit_linear(path, examples(x, y), [slice(0, 5), slice(5, 10)], 0)
    used = (head.weights.numpy() != 0).astype(int)
    assert used[:5].sum(axis=0).tolist() == [5, 0]
    assert used[5:].sum(axis=0).tolist() == [0, 5]


def test_choices_are_made_on_blocks_that_were_held_out() -> None:
    """A treatment that tells rows of a block apart, and nothing else, must not win."""
    rng = np.random.default_rng(2)
    block = np.repeat(np.arange(30), 10)
    of_block = rng.normal(size=30)[block]
    fingerprint = np.eye(30)[block] + 0.01 * rng.normal(size=(300, 30))
    honest = of_block[:, None] + 1.0 * rng.normal(size=(300, 5))
    x = np.concatenate([fingerprint, honest], axis=1).astype(np.float32)
    told = Examples(x, of_block[:, None], block)
    head = fit_linear(ridge_path, told, [slice(0, 30), slice(30, 35)], 0)
    assert torch.all(head.weights[:30] == 0)
    assert torch.all(head.weights[30:] != 0)


def test_plsr_takes_no_more_components_than_held_out_soils_ask_for() -> None:
    rng = np.random.default_rng(3)
    scores, noise = rng.normal(size=(100, 1)), rng.normal(size=(100, 40))
    x, y = scores @ np.ones((1, 40)) + 0.5 * noise, scores + 0.5 * rng.normal(size=(100, 1))
    head = fit_linear(plsr_path, examples(x, y), [slice(0, 40)], 0)
    candidates = [slope for slope, _ in plsr_path(x.astype(np.float32).astype(float), y[:, 0])]
    assert len(candidates) == COMPONENTS_MAX
    chosen = min(range(30), key=lambda c: np.abs(candidates[c] - head.weights[:, 0].numpy()).max())
    assert chosen < 5


def test_candidates_that_err_alike_are_averaged_and_one_that_errs_more_counts_for_less() -> None:
    """Three rivals tell the target with errors of their own: the first two by 1, the third by 2."""
    rng = np.random.default_rng(6)
    y = 10 * rng.normal(size=4000)
    x = y[:, None] + rng.normal(size=(4000, 3)) * [1.0, 1.0, 2.0]
    parts = [slice(0, 1), slice(1, 2), slice(2, 3)]
    told = examples(x, y[:, None])
    pick = fit_linear(plsr_path, told, parts, 0).weights[:, 0]
    weighed = fit_linear(plsr_path, told, parts, 0, sharpness=2.0).weights[:, 0].numpy()
    assert sorted(pick.tolist())[:2] == [0.0, 0.0]
    assert weighed[:2] == pytest.approx([0.48, 0.48], abs=0.04)
    assert weighed[2] == pytest.approx(0.03, abs=0.01)


def test_a_mean_of_candidates_depends_less_on_the_deal_of_the_folds_than_a_pick_does() -> None:
    rng = np.random.default_rng(7)
    x = rng.normal(size=(160, 60)) @ rng.normal(size=(60, 60)) / 8
    y = (x[:, :6].sum(axis=1) + rng.normal(size=160))[:, None]
    parts = [slice(start, start + 20) for start in (0, 20, 40)]
    learnt, asked = examples(x[:60], y[:60]), torch.from_numpy(x[60:]).float()

    def between_deals(sharpness: float) -> float:
        heads = [
            fit_linear(plsr_path, learnt, parts, deal, sharpness=sharpness) for deal in range(8)
        ]
        with torch.no_grad():
            said = [head(asked)[:, 0].numpy() for head in heads]
        return float(np.std(said, axis=0).mean())

    assert between_deals(8.0) < 0.5 * between_deals(PICK)


@pytest.mark.parametrize("sharpness", [8.0, PICK])
def test_a_target_of_one_value_is_told_as_that_value(sharpness) -> None:
    x = np.random.default_rng(8).normal(size=(40, 6))
    head = fit_linear(
        plsr_path, examples(x, np.full((40, 1), 7.0)), [slice(0, 3), slice(3, 6)], 0,
        sharpness=sharpness,
    )  # fmt: skip
    with torch.no_grad():
        assert head(torch.from_numpy(x).float()).numpy() == pytest.approx(np.full((40, 1), 7.0))


def test_candidates_are_judged_as_asked() -> None:
    """Of two rivals one is better on the scale of logarithms, one where great values weigh."""
    rng = np.random.default_rng(4)
    y = rng.uniform(0, 6, size=400)
    great, off = y > 4.5, rng.normal(size=(2, 400))
    first = y + np.where(great, 0.5, 0.05) * off[0]
    second = y + np.where(great, 0.02, 0.4) * off[1]
    given = examples(np.stack([first, second], axis=1), y[:, None])
    parts = [slice(0, 1), slice(1, 2)]
    by_logarithm = fit_linear(ridge_path, given, parts, 0)
    in_units = fit_linear(ridge_path, given, parts, 0, np.expm1)
    assert (by_logarithm.weights[:, 0] != 0).tolist() == [True, False]
    assert (in_units.weights[:, 0] != 0).tolist() == [False, True]


def test_of_many_rows_a_large_site_is_not_all_that_is_judged_on() -> None:
    """A treatment that tells the soils of the large site alone, and no others, must not win."""
    rng = np.random.default_rng(5)
    block = np.concatenate([np.zeros(2000), 1 + np.arange(2000) // 20]).astype(np.int64)
    y, off = rng.normal(size=4000), rng.normal(size=4000)
    of_large = np.where(block == 0, y, 5 * off)
    given = Examples(
        np.stack([of_large, y + 0.3 * off], axis=1).astype(np.float32), y[:, None], block
    )
    head = fit_linear(ridge_path, given, [slice(0, 1), slice(1, 2)], 0)
    assert (head.weights[:, 0] != 0).tolist() == [False, True]


def test_a_target_hardly_known_is_refused() -> None:
    x, y = np.random.default_rng(0).normal(size=(20, 4)), np.full((20, 2), np.nan)
    y[:, 0], y[:2, 1] = np.arange(20), 1.0
    with pytest.raises(SettingsError, match="target 1 is known of 2 soils"):
        fit_linear(ridge_path, examples(x, y), [slice(0, 4)], 0)
