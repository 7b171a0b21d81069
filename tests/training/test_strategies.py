"""The strategies of the article: each sees what its name says and learns from what it may."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from soil.properties import NAMES
from training.fitting import reproducible
from training.stages import later_stages, mir_stage
from training.strategies import STRATEGIES, Head, View, compare, views
from training.synthetic.libraries import synthetic_libraries


@pytest.fixture(scope="module")
def run(quick_settings) -> Iterator[tuple]:
    with reproducible(0):
        libraries = synthetic_libraries(quick_settings)
        autoencoder = mir_stage(quick_settings, libraries.mir, lambda _: None)
        yield libraries, later_stages(quick_settings, libraries, autoencoder, lambda _: None)


def test_the_names_say_what_the_heads_see() -> None:
    view: dict[str, View] = {"MIR": "MIR", "NIR": "NIR", "NIR2MIR": "converted"}
    for name, strategy in STRATEGIES.items():
        scanned, *ssl, head = name.split("-")
        assert strategy.head == head
        assert strategy.view == (f"{scanned} latent" if ssl else view[scanned])
    article = [name for name, strategy in STRATEGIES.items() if strategy.head != "ridge"]
    heads: tuple[Head, ...] = ("PLSR", "MLP")
    assert sorted(article) == sorted(
        f"{seen}-{head}"
        for seen in ("MIR", "MIR-SSL", "NIR", "NIR-SSL", "NIR2MIR")
        for head in heads
    )


def test_each_view_has_its_own_shape(run) -> None:
    libraries, trained = run
    scans = libraries.pairs.nir.shape[1]
    found = views(trained, libraries.pairs, mir=False)
    assert {name: tuple(view.shape[1:]) for name, view in found.items()} == {
        "NIR": (scans, 229), "NIR latent": (scans, 32), "converted": (scans, 1701),
    }  # fmt: skip
    with torch.no_grad():
        alone = trained.model.mir_decoder(found["NIR latent"][:, 0])
    torch.testing.assert_close(found["converted"][:, 0], alone)


def test_all_strategies_are_judged_on_the_same_soils_and_labels_of_the_test_are_not_seen(
    run, quick_settings
) -> None:
    libraries, trained = run
    tables = compare(quick_settings, libraries, trained, lambda _: None)
    assert list(tables) == list(STRATEGIES)
    assert all(list(table) == list(NAMES) for table in tables.values())
    assert tables["MIR-PLSR"]["clay"]["ccc"] > 0.8
    shuffled = np.random.default_rng(0).permutation(libraries.test.properties)
    blind = replace(libraries, test=replace(libraries.test, properties=shuffled))
    again = compare(quick_settings, blind, trained, lambda _: None)
    assert max(abs(table["clay"]["ccc"]) for table in again.values()) < 0.3
