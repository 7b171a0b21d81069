"""The benchmarks run and tell in the design's one shape. No test asserts a time."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import accuracy, engines, latents, realism, training
from benchmarks.__main__ import BENCHMARKS
from benchmarks.interleaving import interleave
from benchmarks.report import section, table, write_section
from benchmarks.rows import Goal, Row
from contract.bundle import open_bundle
from edge.config import REFERENCE_BUNDLE
from small_libraries import write_csv
from training.checkpoint import load
from training.strategies import STRATEGIES
from training.synthetic.soils import Scans, SoilSet, draw_soils

ROOT = Path(__file__).parents[2]
KEYS = ["name", "value", "unit", "floor", "ratio_to_floor", "peers", "goal", "met"]


def command(*arguments):
    return [sys.executable, "-m", "benchmarks", *arguments]


def run(*arguments):
    return subprocess.run(
        command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=120
    )


def test_the_list_names_every_benchmark():
    listed = run()
    assert listed.returncode == 0
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(BENCHMARKS)


def test_an_unknown_name_is_one_message():
    unknown = run("speed")
    assert unknown.returncode == 1
    assert unknown.stderr.count("\n") == 1
    assert "latency" in unknown.stderr


@pytest.mark.parametrize("name", ["latency", "memory", "startup"])
def test_a_quick_run_gives_rows_and_writes_them(name, tmp_path):
    document = tmp_path / "benchmarks.md"
    ran = run(name, "--quick", "--json", "--write", str(document))
    assert ran.returncode == 0, ran.stderr
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    assert rows
    for row in rows:
        assert list(row) == KEYS
        assert math.isfinite(row["value"])
        assert row["floor"] > 0
        assert row["ratio_to_floor"] == pytest.approx(row["value"] / row["floor"])
        assert (row["goal"] is None) == (row["met"] is None)
        assert f"| {row['name']} |" in document.read_text()
    if name == "latency":
        judged = [row for row in rows if row["goal"]]
        assert len(judged) == 2
        for row in judged:
            assert row["goal"] == "ratio_to_floor <= 1.5"
            assert row["met"] == (row["ratio_to_floor"] <= 1.5)


def test_synthetic_soils_are_inside_their_own_domain_and_foreign_spectra_are_not(
    tmp_path, monkeypatch
):
    nm = realism.NIR_AXIS.values
    soils = draw_soils(0, SoilSet.TEST, 200, nir=Scans(20, 1)).nir[:, 0]
    foreign = np.tile(0.4 + 0.1 * np.sin(nm / 20), (5, 1))
    for name, spectra in (
        ("geeves_visnir_391.csv.gz", soils),
        ("nirsoil_825.csv.gz", -np.log10(foreign)),
    ):
        header = ["label", *(f"{at:g}" for at in nm)]
        rows = [[str(i), *(f"{value:.6f}" for value in row)] for i, row in enumerate(spectra)]
        write_csv(tmp_path / name, header, rows)
    monkeypatch.setenv(realism.FOLDER, str(tmp_path))
    rows = {row.name: row for row in realism.measure(True, lambda _: None)}
    assert rows["inside, Geeves"].value > 90
    assert rows["inside, Chimiometrie"].value == 0
    assert rows["Q, Chimiometrie"].value > 10 * rows["Q, Geeves"].value
    assert [row.met for row in rows.values() if row.goal and "Geeves" in row.name] == [True] * 3


def test_every_strategy_is_a_row_beside_the_article_s_figure_if_it_has_one():
    rows = {row.name: row for row in accuracy.measure(True, lambda _: None)}
    for name in STRATEGIES:
        after = "" if name.startswith("MIR") else ", 100 pairs"
        row = rows[f"{name}{after}"]
        assert row.peers["lowest"] <= row.value <= row.peers["highest"]
        assert "without" in rows[f"{name} ILR, texture alone{after}"].peers
    assert rows["MIR-SSL-MLP"].peers["article"] == 0.91
    assert "article" not in rows["NIR-ridge, 100 pairs"].peers
    chosen, simple = rows["chosen, 100 pairs"], ("NIR-PLSR", "NIR-ridge")
    assert chosen.floor == max(rows[f"{name}, 100 pairs"].value for name in simple)
    behind = rows["chosen behind the best simple rival, 100 pairs"]
    assert (behind.value == 1) == (chosen.value < chosen.floor)
    assert behind.peers["of seeds"] == 1
    assert 0 <= behind.peers["properties"] <= behind.peers["of"] == 9


def test_a_rival_is_held_against_what_is_chosen_seed_by_seed_and_property_by_property():
    chosen, first, second = (
        [{"clay": {"ccc": clay}, "sand": {"ccc": sand}} for clay, sand in seeds]
        for seeds in (
            [(0.5, 0.5), (0.5, 0.5)],
            [(0.6, 0.1), (0.4, 0.4)],
            [(0.1, 0.1), (0.6, 0.45)],
        )
    )
    behind = accuracy._behind(chosen, [first, second], "")
    assert behind.value == 1  # the second rival on the second seed
    assert behind.peers == {"of seeds": 2, "properties": 2, "of": 4}
    assert behind.met is False


def test_numpy_computes_what_the_decoder_does_and_every_engine_takes_part(monkeypatch):
    model = load(engines.CHECKPOINT).model
    bundle = open_bundle(REFERENCE_BUNDLE)
    latent = bundle.array(bundle.manifest.golden.latent)
    golden = bundle.array(bundle.manifest.golden.mir)
    assert engines._numpy_decoder(model.mir_decoder)(latent) == pytest.approx(golden, abs=1e-3)
    monkeypatch.setattr(engines, "_export", lambda: Row("export, every precision", 2.0, "s", 1.0))
    rows = {row.name: row for row in engines.measure(True, lambda _: None)}
    for name in ("pipeline", "MIR decoder"):
        one = rows[f"{name}, batch 1, tight, predictor"]
        assert {"fp16", "int8", "torch eager"} <= set(one.peers)
        assert one.met == (one.ratio_to_floor <= engines.OVERHEAD_MAX)
        assert rows[f"{name}, batch 256, int8"].value > 0
        assert 0 < rows[f"{name}, size, int8"].ratio_to_floor < 1
    assert "numpy" in rows["MIR decoder, batch 256, int8"].peers


def test_what_an_export_spends_in_libraries_is_counted(monkeypatch, tmp_path):
    spent = {"there": 0.0}
    module = SimpleNamespace(call=lambda seconds: time.sleep(seconds))
    with engines._counted(spent, "there", module, "call"):
        module.call(0.05)
        module.call(0.05)
    assert spent["there"] >= 0.1
    module.call(0.05)
    assert spent["there"] < 0.15


def test_every_step_from_mir_down_to_nir_is_a_row():
    rows = {row.name: row for row in latents.measure(True, lambda _: None)}
    steps = ("MIR components", "MIR latent", "NIR latent", "NIR latent, cross-fitted")
    past = ("NIR latent by a GP, cross-fitted", "NIR components")
    told = ("R2 of the latent, stage 2", "R2 of the latent, a GP")
    assert set(rows) == {f"{name}, 100 pairs" for name in (*steps, *past, *told)}
    assert all(row.value <= 1 for row in rows.values())


def test_stage_1_is_measured_with_its_floor_its_peer_and_its_memory(monkeypatch):
    monkeypatch.setattr(training, "_QUICK", training._Effort((600, 1200), 1))
    rows = {row.name: row for row in training.measure(True, lambda _: None)}
    for size in ("600", "1,200"):
        row = rows[f"{size} spectra, cpu"]
        assert row.value > 0
        assert row.floor > 0
        assert set(row.peers) == {"DataLoader", "arithmetic peak"}
        assert row.met == (row.ratio_to_floor >= 0.85)
    larger, smaller = rows["1,200 spectra, cpu"], rows["600 spectra, cpu"]
    ahead = rows["1,200 spectra to DataLoader, cpu"].value
    assert ahead == pytest.approx(larger.value / larger.peers["DataLoader"])
    cost = rows["cost at 1,200 to 600 spectra, cpu"].value
    assert cost == pytest.approx(smaller.value / larger.value)
    assert 0 < rows["peak memory beside 1,200 spectra"].value < 1000


def test_without_real_spectra_there_are_no_rows_and_a_word(tmp_path, monkeypatch):
    monkeypatch.setenv(realism.FOLDER, str(tmp_path))
    said = []
    assert realism.measure(True, said.append) == []
    assert realism.FOLDER in said[0]


def test_ctrl_c_ends_with_one_word():
    process = subprocess.Popen(
        command("startup"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "startup" in process.stderr.readline()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    assert err.splitlines()[-1] == "Stopped."
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("value", "goal", "met"),
    [
        (15.0, Goal("<=", 1.5), True),
        (15.1, Goal("<=", 1.5), False),
        (9.0, Goal(">=", 0.9), True),
        (0.95, Goal(">=", 0.9, "value"), True),
        (math.nan, Goal("<=", 1.5), False),
        (15.0, None, None),
    ],
)
def test_met_is_computed(value, goal, met):
    assert Row("x", value, "us", floor=10.0, goal=goal).met is met


def test_a_goal_on_a_ratio_is_not_met_without_a_floor():
    assert Row("x", 1.0, "us", goal=Goal("<=", 1.5)).met is False


def test_contestants_take_turns():
    calls = []
    contestants = {name: lambda name=name: calls.append(name) or 0.0 for name in "ab"}
    took = interleave(contestants, blocks=2, size=2)
    assert "".join(calls) == "aabbbbaa"
    assert {name: len(seconds) for name, seconds in took.items()} == {"a": 4, "b": 4}


def test_writing_a_section_keeps_the_others(tmp_path):
    document = tmp_path / "docs" / "benchmarks.md"
    first, second = Row("old", 1.0, "us", floor=1.0), Row("new", 2.0, "us", floor=1.0)
    for name, row in (("a", first), ("b", first), ("a", second)):
        write_section(document, name, section(name, f"What {name} is.", [row]))
    text = document.read_text()
    assert text.startswith("# Benchmarks\n")
    assert text.index("## a") < text.index("| new |") < text.index("## b") < text.index("| old |")
    assert text.count("| old |") == 1


def test_the_table_says_no_in_bold():
    row = Row("x", 20.0, "us", floor=10.0, peers={"other": 1234.0}, goal=Goal("<=", 1.5))
    assert "| x | 20 us | 10 | 2.00 | other: 1,234 | ratio <= 1.5 | **no** |" in table([row])
