"""The ensemble: it learns what no line can, from whole blocks, the same way each time."""

from __future__ import annotations

import numpy as np
import torch

from training.fitting import Schedule, reproducible
from training.heads.ensemble import HELD_SHARE, Ensemble, _held, fit_ensemble
from training.heads.examples import Examples

SHORT = Schedule(epochs=150, batch=512, step=6e-3, patience=150, weight_decay=1e-2)
ALL = slice(0, 3)


def examples(n: int, seed: int) -> Examples:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(n, 3))
    y = np.stack([x[:, 0] * x[:, 1], 10 + x[:, 2]], axis=1)
    return Examples(x.astype(np.float32), y, np.arange(n))


def fitted(given: Examples, seen: slice = ALL) -> Ensemble:
    with reproducible(0):
        return fit_ensemble(given, seen, 0, lambda _: None, "ensemble", 4, SHORT)


def say(head: Ensemble, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return head(torch.from_numpy(x)).numpy()


def test_a_product_is_learnt_through_gaps() -> None:
    told, fresh = examples(600, 0), examples(300, 1)
    told.targets[::4, 0] = np.nan
    found = say(fitted(told), fresh.features)
    off = np.mean((found - fresh.targets) ** 2, axis=0) / np.var(fresh.targets, axis=0)
    assert np.all(off < 0.2)


def test_the_same_seed_gives_the_same_bits() -> None:
    told = examples(80, 2)
    assert np.array_equal(say(fitted(told), told.features), say(fitted(told), told.features))


def test_columns_that_it_does_not_see_change_nothing() -> None:
    told = examples(80, 3)
    head = fitted(told, slice(0, 2))
    other = told.features.copy()
    other[:, 2] = 9.0
    assert np.array_equal(say(head, told.features), say(head, other))


def test_each_member_goes_without_whole_blocks_of_its_own() -> None:
    block = np.repeat(np.arange(40), 5)
    held = _held(Examples(np.zeros((200, 1), np.float32), np.zeros((200, 1)), block), 6, 0)
    assert all(len(set(member[block == b])) == 1 for member in held for b in range(40))
    assert set(held.sum(axis=1)) == {5 * round(HELD_SHARE * 40)}
    assert len({member.tobytes() for member in held}) == 6
