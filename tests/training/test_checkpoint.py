from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from training.checkpoint import (
    CARD,
    DOMAIN,
    GOLDEN,
    QUANTISATION,
    STRATEGIES,
    WEIGHTS,
    load,
    prepared,
    save,
)
from training.errors import CheckpointDamagedError, CheckpointError, CheckpointUnsupportedError


@pytest.fixture
def folder(quick_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(quick_folder, tmp_path / "copy"))


def edit(folder: Path, **changes) -> None:
    card = json.loads((folder / CARD).read_bytes())
    (folder / CARD).write_text(json.dumps({**card, **changes}))


def test_round_trip_to_the_byte(quick_checkpoint, folder: Path, tmp_path: Path) -> None:
    loaded = load(folder)
    weights = quick_checkpoint.model.state_dict()
    assert all(torch.equal(weights[k], v) for k, v in loaded.model.state_dict().items())
    assert np.array_equal(loaded.domain.q.components, quick_checkpoint.domain.q.components)
    assert np.array_equal(loaded.domain.gh.whitening, quick_checkpoint.domain.gh.whitening)
    save(loaded, tmp_path / "again")
    for name in (CARD, WEIGHTS, STRATEGIES, DOMAIN, GOLDEN, QUANTISATION):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_golden_outputs_are_those_of_the_loaded_model(folder: Path) -> None:
    loaded = load(folder)
    outputs = loaded.model.outputs(loaded.golden["reflectance"])
    for name in ("properties", "latent", "mir"):
        assert np.allclose(outputs[name], loaded.golden[name], rtol=1e-4, atol=1e-4)
    assert len(loaded.golden["reflectance"]) == 16


def test_a_folder_without_a_card_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"card\.json can't be read"):
        load(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "loamscan.bundle/1"}', "[" * 100_000])
def test_a_foreign_card_is_refused(folder: Path, text: str) -> None:
    (folder / CARD).write_text(text)
    with pytest.raises(CheckpointError, match=r"card\.json"):
        load(folder)


def test_another_format_version_is_refused(folder: Path) -> None:
    edit(folder, schema="loamscan.checkpoint/1")
    with pytest.raises(CheckpointUnsupportedError, match=r"reads loamscan\.checkpoint/2"):
        load(folder)


def test_a_faulty_field_is_named(folder: Path) -> None:
    edit(folder, version="one")
    with pytest.raises(CheckpointError, match="version"):
        load(folder)


@pytest.mark.parametrize("name", [WEIGHTS, STRATEGIES, DOMAIN, GOLDEN, QUANTISATION])
def test_a_changed_byte_is_damage(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[-1] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(CheckpointDamagedError, match=name):
        load(folder)


def test_parts_that_do_not_fit_are_refused(folder: Path) -> None:
    card = json.loads((folder / CARD).read_bytes())
    sizes = card["architecture"]
    first, *others = sizes["heads"]
    wider = {**first, "sizes": [size + 1 for size in first["sizes"]]}
    edit(folder, architecture={**sizes, "heads": [wider, *others]})
    with pytest.raises(CheckpointError, match="don't fit"):
        load(folder)
    edit(folder, architecture=sizes, axis={"unit": "nm", "values": [1400.0, 1500.0]})
    with pytest.raises(CheckpointError, match="axis has a length of 2"):
        load(folder)


def test_a_checkpoint_may_do_without_its_strategies(folder: Path) -> None:
    (folder / STRATEGIES).unlink()
    with pytest.raises(CheckpointError, match=f"{STRATEGIES} can't be read"):
        load(folder)
    edit(folder, strategies=None)
    assert load(folder).strategies is None


def test_a_strategy_that_nobody_knows_is_refused(folder: Path) -> None:
    strategies = json.loads((folder / CARD).read_bytes())["strategies"]
    first, *others = strategies["heads"]
    edit(folder, strategies={**strategies, "heads": [{**first, "name": "$\\evil$"}, *others]})
    with pytest.raises(CheckpointError, match="is no strategy of this version"):
        load(folder)


@pytest.mark.parametrize("field", ["mir_encoder", "heads"])
@pytest.mark.parametrize("size", [0, 3, 10**19])
def test_strategies_of_other_sizes_are_refused(folder: Path, field: str, size: int) -> None:
    strategies = json.loads((folder / CARD).read_bytes())["strategies"]
    if field == "heads":
        strategies["heads"][0]["sizes"][0] = size
    else:
        strategies["mir_encoder"][0] = size
    edit(folder, strategies=strategies)
    with pytest.raises(CheckpointError, match="don't fit"):
        load(folder)


def test_a_place_that_is_no_folder_is_found_out_first(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="can't be made"), prepared(tmp_path / "file"):
        pass


def test_a_folder_that_was_made_for_nothing_is_gone_again_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    for name, left in (("own", True), ("new", False)):
        with pytest.raises(ZeroDivisionError), prepared(tmp_path / name):
            1 / 0  # noqa: B018
        assert (tmp_path / name).exists() == left
    with prepared(tmp_path / "kept"):
        (tmp_path / "kept" / "file").write_text("")
    assert (tmp_path / "kept" / "file").exists()
