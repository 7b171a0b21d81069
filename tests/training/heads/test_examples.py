"""Folds hold blocks together, and judge on every row once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.errors import SettingsError
from training.heads.examples import folds


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
