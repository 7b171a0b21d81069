from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import training.train
from soil.properties import NAMES
from training.axes import NIR_INSTRUMENT_AXIS
from training.card import read_card
from training.checkpoint import CARD, save
from training.commands import INTERRUPTED, soils, train
from training.errors import SettingsError
from training.report import report
from training.settings import Settings
from training.soils_file import soils_csv
from training.train import train_synthetic

ROOT = Path(__file__).parents[2]


def test_the_same_seed_gives_the_same_bits(
    quick_settings, quick_folder: Path, tmp_path: Path
) -> None:
    torch.rand(7)
    np.random.default_rng().random(3)
    save(train_synthetic(quick_settings, lambda line: None), tmp_path)
    for file in sorted(quick_folder.iterdir()):
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()


def test_the_card_says_what_it_is(quick_checkpoint) -> None:
    card = quick_checkpoint.card
    assert card.synthetic
    assert all(data.synthetic for data in card.training_data)
    assert set(card.metrics) == set(card.intervals.half_width) == set(NAMES)
    assert card.domain.q_residual.caution < card.domain.q_residual.reject
    found = card.evaluation
    assert isinstance(found["interval_coverage"], dict)
    assert found["ridge_on_nir_better_on"]
    for alarms in ("false_alarms", "wet_soil_alarms"):
        assert found[alarms]["any"] >= max(found[alarms]["q_caution"], found[alarms]["gh_caution"])
    assert "SYNTHETIC" in report(card)
    assert all(len(line) < 160 for line in report(card).splitlines())


def test_a_model_far_off_stands_in_columns_of_its_own(quick_checkpoint) -> None:
    card = quick_checkpoint.card.model_copy(deep=True)
    card.metrics["clay"]["r2"] = -1234.5678
    (line,) = (line for line in report(card).splitlines() if line.startswith("clay"))
    assert line.split()[3] == "-1234.568"


def test_the_command_trains_and_prints_figures(tmp_path: Path) -> None:
    out = tmp_path / "made"
    result = CliRunner().invoke(
        train, ["--synthetic", "--quick", "--pairs", "80", "--out", str(out), "--json"]
    )
    assert result.exit_code == 0, result.output
    assert set(json.loads(result.stdout)["metrics"]) == set(NAMES)
    assert "epoch" in result.stderr
    assert read_card((out / CARD).read_bytes()).seed == 0


def test_an_interrupt_ends_cleanly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*run):
        raise KeyboardInterrupt

    monkeypatch.setattr(training.train, "train_synthetic", interrupted)
    result = CliRunner().invoke(train, ["--synthetic", "--quick", "--out", str(tmp_path / "made")])
    assert result.exit_code == INTERRUPTED
    assert "no checkpoint was written" in result.stderr


def test_a_library_must_be_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(train, ["--out", str(tmp_path / "made")])
    assert isinstance(result.exception, SettingsError)


@pytest.mark.parametrize(
    "wrong", [{"name": "Über"}, {"version": "1.0"}, {"seed": -1}, {"pairs": 3}]
)
def test_impossible_settings_are_refused(wrong) -> None:
    with pytest.raises(SettingsError):
        Settings(**wrong)


def test_soils_file_holds_named_fractions_on_the_instrument_axis(tmp_path: Path) -> None:
    out = tmp_path / "soils.csv"
    result = CliRunner().invoke(soils, ["--out", str(out), "-n", "3", "--seed", "2"])
    assert result.exit_code == 0, result.output
    header, *rows = csv.reader(out.read_text().splitlines())
    assert header[0] == "sample_id"
    assert [float(nm) for nm in header[1:]] == NIR_INSTRUMENT_AXIS.values.tolist()
    assert [row[0] for row in rows] == ["synthetic-01", "synthetic-02", "synthetic-03"]
    values = np.array([[float(v) for v in row[1:]] for row in rows])
    assert np.all((values > 0.05) & (values < 1))


def test_the_demonstration_file_is_what_the_command_makes() -> None:
    made = (ROOT / "firmware_bridge" / "synthetic_soils.csv").read_text()
    kept, fresh = (list(csv.reader(text.splitlines())) for text in (made, soils_csv(24, 0)))
    assert kept[0] == fresh[0]
    assert [row[0] for row in kept] == [row[0] for row in fresh]
    # Another machine's exp and log may differ in the last of the six digits.
    numbers = [np.array([row[1:] for row in rows[1:]], dtype=float) for rows in (kept, fresh)]
    assert np.allclose(*numbers, atol=2e-6)


def test_no_soils_are_refused() -> None:
    with pytest.raises(SettingsError):
        soils_csv(0, 0)


def test_the_commands_load_no_torch() -> None:
    rooms = "training.commands, training.evaluation.commands, export.commands"
    code = f"import sys, {rooms}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(("call", "why"), [
    (["--synthetic", "--block", "site"], "--block is of libraries"),
    (["--format", "loamscan", "--pairs", "90", "."], "--pairs counts synthetic soils"),
])  # fmt: skip
def test_an_option_that_would_do_nothing_is_refused(call, why, tmp_path: Path) -> None:
    ran = CliRunner().invoke(train, [*call, "--out", str(tmp_path / "made")])
    assert isinstance(ran.exception, SettingsError)
    assert why in ran.exception.what
    assert not (tmp_path / "made").exists()
