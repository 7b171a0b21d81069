"""Folds hold blocks together, and judge on every row once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.errors import SettingsError
from training.heads.examples import folds, rarest_first


@given(st.lists(st.integers(0, 9), min_size=2, max_size=60), st.integers(2, 6), st.integers(0, 5))
def test_every_row_is_judged_on_once_by_others_than_its_block(blocks, k, seed) -> None:
    block = np.array(blocks)
    if len(set(blocks)) < 2:
        with pytest.raises(SettingsError, match="one block"):
            list(folds(block, k, seed))
        return
    found = list(folds(block, k, seed))
    assert len(found) == min(k, len(set(blocks)))
    assert sorted(np.concatenate([rows for _, rows in found]).tolist()) == list(range(len(block)))
    for learn, judged in found:
        assert len(learn) + len(judged) == len(block)
        assert not set(block[learn]) & set(block[judged])
        assert len(learn)


@given(seed=st.integers(0, 5), most=st.integers(8, 60))
def test_of_many_rows_those_are_drawn_that_know_what_few_know(seed, most) -> None:
    rng = np.random.default_rng(seed)
    targets = rng.normal(size=(60, 3))
    targets[8:, 1] = np.nan
    targets[:8, 0] = np.nan
    rows = rarest_first(targets, most, rng)
    assert set(range(8)) <= set(rows.tolist())
    assert len(rows) == most
    assert rows.tolist() == sorted(set(rows.tolist()))
