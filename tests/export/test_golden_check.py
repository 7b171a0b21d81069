"""The last look before a bundle is written: the graphs give what the trained model gave."""

from __future__ import annotations

import pytest

from contract.bundle import open_bundle
from export.errors import GoldenMismatchError
from export.golden_check import check_golden


@pytest.fixture(scope="module")
def graphs(exported) -> dict[str, bytes]:
    bundle = open_bundle(exported.path)
    return {name: bundle.files[members["fp32"]] for name, members in bundle.manifest.graphs}


def test_the_exported_graphs_pass_with_room(graphs, quick_checkpoint, exported) -> None:
    share = check_golden(graphs, quick_checkpoint.golden, quick_checkpoint.card.golden)
    assert share == exported.golden_share
    assert 0.0 <= share <= 1.0


@pytest.mark.parametrize("name", ["properties", "latent", "mir"])
def test_one_value_that_is_off_is_enough(graphs, quick_checkpoint, name: str) -> None:
    wrong = quick_checkpoint.golden[name].copy()
    wrong[3, 2] += 0.1 + 0.1 * abs(wrong[3, 2])
    with pytest.raises(GoldenMismatchError, match=f"golden {name}"):
        check_golden(graphs, {**quick_checkpoint.golden, name: wrong}, quick_checkpoint.card.golden)
