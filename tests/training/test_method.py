"""The strategies and the choice among them: each sees what its name says and learns from what it may."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from soil.properties import INDEX, NAMES
from training.choice import check_choosable, choose
from training.errors import SettingsError
from training.evaluation.card_figures import strategy_tables
from training.fitting import reproducible
from training.heads.blend import RIVALS_MAX
from training.method import mir_side, nir_side
from training.stages import heads_stage, seen_in_mir, seen_in_nir
from training.strategies import BELIEF, MIR_STRATEGIES, NIR_STRATEGIES, STRATEGIES
from training.synthetic.libraries import synthetic_libraries


def silent(line: str) -> None:
    pass


@pytest.fixture(scope="module")
def run(quick_settings) -> Iterator[tuple]:
    with reproducible(0):
        libraries = synthetic_libraries(quick_settings)
        mir = mir_side(quick_settings, libraries.mir, silent)
        yield libraries, mir, nir_side(quick_settings, mir, libraries.mir, libraries.pairs, silent)


def test_the_names_say_what_the_heads_see() -> None:
    own = {"MIR": ("MIR",), "NIR": ("NIR", "NIR treated", "NIR scores"), "NIR2MIR": ("converted",)}
    for name, strategy in STRATEGIES.items():
        scanned, *ssl, head = name.split("-")
        assert strategy.head == head
        infrared = scanned.split("+")[0]
        views = (f"{infrared} latent",) if ssl else own[scanned]
        assert strategy.view in views
    article = {name for name, strategy in STRATEGIES.items() if strategy.head in ("PLSR", "MLP")}
    assert article >= {
        f"{seen}-{head}"
        for seen in ("MIR", "MIR-SSL", "NIR", "NIR-SSL", "NIR2MIR")
        for head in ("PLSR", "MLP")
    }
    assert set(MIR_STRATEGIES) | set(NIR_STRATEGIES) == set(STRATEGIES)


def test_each_view_has_its_own_shape(run) -> None:
    libraries, mir, trained = run
    sight = trained.model.pipeline.sight
    scans = libraries.pairs.nir.shape[1]
    found = seen_in_nir(sight, libraries.pairs).views
    treated = sight.treatments.slices[-1].stop
    scores = sight.scores.slices[-1].stop
    assert {name: tuple(view.shape[1:]) for name, view in found.items()} == {
        "NIR": (scans, 229), "NIR treated": (scans, treated), "NIR scores": (scans, scores),
        "NIR latent": (scans, 32), "converted": (scans, 1701),
    }  # fmt: skip
    with torch.no_grad():
        alone = trained.model.mir_decoder(found["NIR latent"][:, 0])
    torch.testing.assert_close(found["converted"][:, 0], alone)
    in_mir = seen_in_mir(mir.autoencoder.encoder, libraries.mir).views
    assert [view.shape[2] for view in in_mir.values()] == [1701, 32]


def test_a_choice_that_would_end_the_run_late_ends_it_at_once(run, quick_settings) -> None:
    pairs = run[0].pairs
    check_choosable(quick_settings, pairs)
    told = pairs.properties.copy()
    told[pairs.site != pairs.site[0], INDEX["cec"]] = np.nan
    with pytest.raises(SettingsError, match=r"learn cec from \d+ soils of [01] sites"):
        check_choosable(quick_settings, replace(pairs, properties=told))
    few = np.isin(pairs.site, np.unique(pairs.site)[-4:])
    told[:, INDEX["cec"]] = np.where(few, pairs.properties[:, INDEX["clay"]], np.nan)
    with pytest.raises(SettingsError, match=r"learn cec from \d+ soils of [012] sites"):
        check_choosable(quick_settings, replace(pairs, properties=told))
    apart = pairs.properties.copy()
    apart[::2, INDEX["clay"]], apart[1::2, INDEX["silt"]] = np.nan, np.nan
    with pytest.raises(SettingsError, match="learn clay to silt from 0 soils of 0 sites"):
        check_choosable(quick_settings, replace(pairs, properties=apart))
    one_site = replace(pairs, site=np.zeros(len(pairs), dtype=np.int64))
    with pytest.raises(SettingsError, match="one block"):
        check_choosable(quick_settings, one_site)


def test_all_strategies_are_judged_on_the_same_soils_and_labels_of_the_test_are_not_seen(
    run, quick_settings
) -> None:
    libraries, _, trained = run
    tables = strategy_tables(trained, libraries.test)
    assert set(tables) == {name + way for name in STRATEGIES for way in ("", " ILR")}
    assert all(list(table) == list(NAMES) for table in tables.values())
    assert tables["MIR-PLSR"]["clay"]["ccc"] > 0.6
    shuffled = np.random.default_rng(0).permutation(libraries.test.properties)
    blind = strategy_tables(trained, replace(libraries.test, properties=shuffled))
    assert max(abs(table["clay"]["ccc"]) for table in blind.values()) < 0.3


def test_every_property_is_read_from_a_few_rivals(run) -> None:
    _, _, trained = run
    heads = trained.model.pipeline.heads
    counted = (heads.weights != 0).sum(dim=0)
    assert torch.all((counted >= 1) & (counted <= RIVALS_MAX + len(BELIEF)))
    assert set(heads.strategy()) == set(NAMES)


def test_a_strategy_that_knows_nothing_is_not_chosen(run, quick_settings, monkeypatch) -> None:
    """Heads that were shown the labels of other soils lose against those that were not."""
    import training.choice

    libraries, mir, _ = run
    honest = training.choice.heads_stage

    def sabotaged(settings, names, soils, mir_soils, progress):
        parts = honest(settings, names, soils, mir_soils, progress)
        shuffled = np.random.default_rng(0).permutation(soils.targets)
        blind = replace(soils, targets=shuffled)
        others = ("NIR-PLSR", "NIR-GP", "NIR-ensemble")
        return parts | honest(settings, others, blind, mir_soils, progress)

    monkeypatch.setattr(training.choice, "heads_stage", sabotaged)
    names = ("NIR-PLSR", "NIR-ridge", "NIR-GP", "NIR-ensemble")
    with reproducible(0):
        weights = choose(quick_settings, names, libraries.pairs, mir.autoencoder, None, silent)
    assert weights["cec"]["NIR-ridge"] > 0.8 * sum(weights["cec"].values())


def test_the_choice_leaves_gaps_out(run, quick_settings) -> None:
    libraries, mir, _ = run
    told = libraries.pairs.properties.copy()
    told[::2, INDEX["cec"]] = np.nan
    pairs = replace(libraries.pairs, properties=told)
    names = ("NIR-ridge", "NIR-GP")
    with reproducible(0):
        weights = choose(quick_settings, names, pairs, mir.autoencoder, None, silent)
    assert weights["cec"]
    assert all(np.isfinite(list(own.values())).all() for own in weights.values())


def test_heads_that_learn_from_mir_soils_too_see_no_site_that_is_judged(
    run, quick_settings
) -> None:
    libraries, mir, _ = run
    pairs = libraries.pairs
    assert not set(libraries.mir.soil.tolist()) & set(pairs.soil.tolist())
    assert not set(libraries.mir.site.tolist()) & set(pairs.site.tolist())
    # Soils of the same sites that have MIR alone, beside the pairs themselves.
    seen = seen_in_mir(mir.autoencoder.encoder, pairs)
    name = "NIR+MIR-SSL-MLP"
    shown: list[tuple[set[int], set[int]]] = []

    def watched(settings, names, soils, mir_soils, progress):
        shown.append((set(soils.site.tolist()), set(mir_soils.site.tolist())))
        return heads_stage(settings, names, soils, mir_soils, progress)

    with reproducible(0), pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.choice.heads_stage", watched)
        choose(quick_settings, (name,), pairs, mir.autoencoder, seen, silent)
    assert len(shown) == quick_settings.choice_folds
    for learnt, beside in shown:
        assert beside == learnt
