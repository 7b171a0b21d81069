"""`loamscan evaluate`: a checkpoint, soils that it has not seen, a report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import training.evaluation.report
from small_libraries import gathered
from soil.axis import Axis
from soil.errors import AxisError
from training.axes import NIR_AXIS
from training.errors import CheckpointError, LibraryError
from training.evaluation.commands import evaluate
from training.evaluation.strategy_readings import NO_MIR
from training.heads.assembled import RATIOS
from training.libraries import folder
from training.libraries.library import Library, Samples
from training.libraries.library import Scans as LibraryScans
from training.strategies import STRATEGIES
from training.synthetic.soils import Scans, SoilSet, draw_soils


def call(*arguments: object):
    return CliRunner().invoke(evaluate, [str(argument) for argument in arguments])


def write_library(
    where: Path, soils: int = 30, name: str = "North farms", axis: Axis = NIR_AXIS, first: int = 0
):
    """A library in our own layout, of soils that two scanners have seen."""
    drawn = draw_soils(77, SoilSet.DEMONSTRATION, soils, nir=Scans(2, 2), nir_axis=NIR_AXIS)
    names = np.array([f"soil-{first + i}" for i in range(soils)])
    bands = slice(None) if axis is NIR_AXIS else slice(0, len(axis))
    scans = LibraryScans(
        axis, drawn.nir.reshape(2 * soils, -1)[:, bands], np.repeat(names, 2),
        np.char.add("scanner-", drawn.nir_device.reshape(-1).astype(str)),
        np.full(2 * soils, ""),
    )  # fmt: skip
    samples = Samples(names, drawn.properties, drawn.site.astype(str), np.full(soils, ""))
    folder.write(Library(name, "CC-BY-4.0", samples, {"nir": scans}), where)
    return where


def test_synthetic_soils_give_a_page_and_the_same_numbers_as_json(
    quick_folder: Path, tmp_path: Path
) -> None:
    ran = call(quick_folder, "--synthetic", 40, "--boot", 400, "--out", tmp_path, "--json")
    assert ran.exit_code == 0, ran.output
    assert (tmp_path / "report.json").read_text() == ran.stdout
    found = json.loads(ran.stdout)
    assert found["test_set"]["independence"]["status"] == "by construction"
    assert (found["test_set"]["soils"], found["test_set"]["scans"]) == (40, 160)
    assert found["bootstrap"]["resamples"] == 400
    html = (tmp_path / "report.html").read_text()
    assert html.index("SYNTHETIC") < html.index("<h2>")
    ccc = found["strategies"]["model"]["mean_ccc"]["value"]
    assert f"{ccc:.3f}" in html
    assert "drawing" in ran.stderr
    every = [name + way for name in STRATEGIES for way in ("", RATIOS)]
    assert set(found["strategies"]) == {"model", "local NIR-ridge", "local NIR-SSL-ridge", *every}
    for name in STRATEGIES:
        assert found["strategies"][name]["mean_ccc"]["lower"] is not None
        assert f"{name}: figures per property" in html
    ratios = found["strategies"]["NIR-PLSR ILR"]["properties"]
    assert {item for item, row in ratios.items() if row["figures"]} == {"clay", "silt", "sand"}


def test_the_same_call_leaves_the_same_files(quick_folder: Path, tmp_path: Path) -> None:
    for out in ("one", "other"):
        call(quick_folder, "--synthetic", 20, "--boot", 400, "--out", tmp_path / out)
    for name in ("report.html", "report.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_a_library_is_evaluated_on_the_model_s_axis(quick_folder: Path, tmp_path: Path) -> None:
    library = write_library(tmp_path / "library")
    ran = call(
        quick_folder, library, "--format", "loamscan", "--boot", 400, "--out", tmp_path / "out"
    )
    assert ran.exit_code == 0, ran.output
    assert "on North farms" in ran.stdout
    assert "30 soils of" in ran.stdout
    assert "60 scans by 2 scanners" in ran.stdout
    assert "is your word" in ran.stdout
    found = json.loads((tmp_path / "out" / "report.json").read_text())
    assert found["test_set"]["independence"]["shared_soils"] is None
    assert found["test_set"]["synthetic"] is False
    mir = found["strategies"]["MIR-PLSR"]["properties"]["clay"]
    assert mir["left_out"] == f"this strategy {NO_MIR}"


def test_soils_that_the_model_learnt_from_are_counted_and_said(
    quick_folder: Path, tmp_path: Path
) -> None:
    tested, learnt = write_library(tmp_path / "a"), write_library(tmp_path / "b", first=20)
    ran = call(
        quick_folder, tested, "--format", "loamscan", "--trained-on", learnt, "--boot", 400,
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert "NOT INDEPENDENT: 10 of 30 soils" in ran.stdout
    assert "NOT INDEPENDENT: 10 of 30 soils" in (tmp_path / "out" / "report.html").read_text()
    other = write_library(tmp_path / "c", first=100)
    ran = call(
        quick_folder, tested, "--format", "loamscan", "--trained-on", other, "--boot", 400,
        "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    independence = json.loads(ran.stdout)["test_set"]["independence"]
    assert (independence["status"], independence["shared_soils"]) == ("checked by name", 0)


def test_a_library_that_the_card_names_is_not_independent(
    quick_folder: Path, tmp_path: Path
) -> None:
    library = write_library(tmp_path / "library", name="synthetic NIR-MIR pairs")
    ran = call(
        quick_folder, library, "--format", "loamscan", "--boot", 400, "--out", tmp_path / "out"
    )
    assert "NOT INDEPENDENT: the model learnt from a library of this name" in ran.stdout


def test_an_axis_that_does_not_cover_the_model_s_is_refused(
    quick_folder: Path, tmp_path: Path
) -> None:
    short = Axis("nm", NIR_AXIS.values[:200])
    library = write_library(tmp_path / "library", axis=short)
    ran = call(quick_folder, library, "--format", "loamscan", "--out", tmp_path / "out")
    assert isinstance(ran.exception, AxisError)
    assert "does not cover" in str(ran.exception)
    assert not (tmp_path / "out").exists()


def test_too_few_soils_are_refused(quick_folder: Path, tmp_path: Path) -> None:
    library = write_library(tmp_path / "library", soils=9)
    ran = call(quick_folder, library, "--format", "loamscan", "--out", tmp_path / "out")
    assert isinstance(ran.exception, LibraryError)
    assert "9 soils with NIR scans and laboratory values" in str(ran.exception)


def test_a_library_without_nir_is_refused(quick_checkpoint) -> None:
    from training.evaluation.sources import of_library

    samples = gathered(["a"]).samples[0]
    library = Library("MIR alone", "CC0-1.0", samples, {})
    with pytest.raises(LibraryError, match="no NIR scans"):
        of_library(library, quick_checkpoint.card, [], None)


def test_what_was_dropped_from_a_library_is_in_the_report(
    quick_folder: Path, tmp_path: Path
) -> None:
    library = write_library(tmp_path / "library")
    text = (library / "library.toml").read_text()
    assert "samples.parquet" in text
    table = "sample,clay\n" + "".join(f"soil-{i},{430 if i == 3 else 20 + i}\n" for i in range(30))
    (library / "samples.csv").write_text(table)
    (library / "library.toml").write_text(text.replace("samples.parquet", "samples.csv"))
    ran = call(
        quick_folder, library, "--format", "loamscan", "--boot", 400, "--out", tmp_path / "out"
    )
    assert ran.exit_code == 0, ran.output
    html = (tmp_path / "out" / "report.html").read_text()
    assert "clay outside 0 to 100 %" in html
    assert "left out: analysed of 0 soils" in ran.stdout
    found = json.loads((tmp_path / "out" / "report.json").read_text())
    assert found["test_set"]["soils"] == 29


def test_an_interrupt_leaves_no_half_report(
    quick_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(training.evaluation.report, "page", interrupted)
    ran = call(quick_folder, "--synthetic", 20, "--boot", 400, "--out", tmp_path / "out")
    assert ran.exit_code != 0
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "name the files of a library, or --synthetic N"),
        (["--synthetic", 20, "--trained-on", "."], "--trained-on is for libraries"),
        (["."], "say with --format"),
        ([".", "--format", "loamscan", "--synthetic", 20], "name the files of a library, or"),
    ],
)
def test_a_call_that_does_not_say_what_to_test_on_is_refused(
    quick_folder: Path, tmp_path: Path, options: list, said: str
) -> None:
    ran = call(quick_folder, *options, "--out", tmp_path)
    assert ran.exit_code == 2
    assert said in ran.stderr


def test_a_folder_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    ran = call(tmp_path, "--synthetic", 20, "--out", tmp_path / "out")
    assert isinstance(ran.exception, CheckpointError)
