"""A model can be made for each scanner: its bands lie inside what the scanner delivers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from soil.axis import Axis
from soil.errors import AxisError
from training.axes import NIR_AXES, SCANNERS, ScannerName
from training.commands import soils, train
from training.errors import SettingsError
from training.preprocessing import SAVGOL_WINDOW
from training.settings import Settings
from training.synthetic.bands import Band
from training.synthetic.end_members import END_MEMBERS, absorption
from training.synthetic.instrument import NIR
from training.synthetic.shortwave import SHORTWAVE
from training.synthetic.soils import Scans, SoilSet, draw_soils
from training.train import train_synthetic

OTHERS = tuple(scanner for scanner in SCANNERS if scanner != "neospectra")
NEOSPECTRA = NIR_AXES["neospectra"].delivered


def test_every_scanner_has_axes_and_an_instrument() -> None:
    assert set(NIR_AXES) == set(NIR) == set(SCANNERS)


@pytest.mark.parametrize("scanner", SCANNERS)
def test_what_a_model_takes_lies_inside_what_its_scanner_delivers(scanner: ScannerName) -> None:
    _, delivered, taken = NIR_AXES[scanner]
    shortest, longest = delivered.span_nm
    assert shortest < taken.span_nm[0] < taken.span_nm[1] < longest
    assert len(taken) > 5 * SAVGOL_WINDOW
    assert np.allclose(np.abs(np.diff(taken.values_in("nm"))), 5.0)
    delivered.resample(np.zeros((1, len(delivered)), np.float32), taken)


@pytest.mark.parametrize("scanner", SCANNERS)
def test_synthetic_soils_are_seen_by_every_scanner(scanner: ScannerName) -> None:
    seen = draw_soils(1, SoilSet.TEST, 30, nir=Scans(2, 2), scanner=scanner).nir
    assert seen.shape == (30, 2, len(NIR_AXES[scanner].taken))
    assert np.all((seen > 0.005) & (seen < 1.2))
    between_soils, between_scans = seen[:, 0].std(axis=0), (seen[:, 0] - seen[:, 1]).std(axis=0)
    assert np.median(between_soils / between_scans) > 1


def test_bands_below_1350_nm_change_nothing_for_a_neospectra(monkeypatch) -> None:
    at = NEOSPECTRA.values_in("cm-1")
    seen = absorption(at)
    monkeypatch.setattr("training.synthetic.end_members.SHORTWAVE", {})
    assert np.array_equal(seen, absorption(at))


def test_bands_below_1350_nm_are_seen_by_a_nano() -> None:
    at = NIR_AXES["nirscan-nano"].delivered.values_in("cm-1")
    wet = draw_soils(1, SoilSet.WET, 60, nir=Scans(2, 1), scanner="nirscan-nano", added_water=0.15)
    dry = draw_soils(1, SoilSet.WET, 60, nir=Scans(2, 1), scanner="nirscan-nano")
    nm = NIR_AXES["nirscan-nano"].taken.values
    darker = np.median(-np.log10(wet.nir[:, 0]) + np.log10(dry.nir[:, 0]), axis=0)
    within = (nm > 1100) & (nm < 1280)
    line = np.interp(nm[within], nm[within][[0, -1]], darker[within][[0, -1]])
    assert nm[within][np.argmax(darker[within] - line)] == pytest.approx(1190, abs=20)
    assert absorption(at).min() >= 0


def test_shortwave_bands_are_of_constituents_and_where_they_belong() -> None:
    assert set(SHORTWAVE) <= set(END_MEMBERS)
    bands: list[Band] = [band for own in SHORTWAVE.values() for band in own]
    assert all(1e7 / 1350 < band.centre_cm1 < 1e7 / 900 for band in bands)


@pytest.mark.parametrize("scanner", ["nirscan-nano", "nirone"])
def test_a_model_is_trained_for_another_axis(
    quick_settings: Settings, scanner: ScannerName
) -> None:
    card = train_synthetic(replace(quick_settings, scanner=scanner), lambda line: None).card
    assert card.scanner == scanner
    assert card.axis.axis() == NIR_AXES[scanner].taken
    assert f"{NIR_AXES[scanner].title}-like" in card.description


def test_a_scan_of_another_scanner_is_refused_with_the_missing_range() -> None:
    nano, neospectra = NIR_AXES["nirscan-nano"], NIR_AXES["neospectra"]
    scan = np.full((1, len(nano.delivered)), 0.4, np.float32)
    with pytest.raises(AxisError, match=r"1700.*2545"):
        nano.delivered.resample(scan, neospectra.taken)


def test_a_scanner_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(SettingsError, match="nirscan-nano"):
        Settings(scanner="microscope")
    result = CliRunner().invoke(train, ["--synthetic", "--axis", "microscope", "--out", "x"])
    assert result.exit_code == 2
    assert "nirscan-nano" in result.output


def test_soils_are_written_as_another_scanner_sees_them(tmp_path: Path) -> None:
    out = tmp_path / "soils.csv"
    result = CliRunner().invoke(soils, ["--out", str(out), "-n", "2", "--axis", "nirone-s20"])
    assert result.exit_code == 0, result.output
    header, *rows = out.read_text().splitlines()
    written = Axis("nm", np.array([float(nm) for nm in header.split(",")[1:]]))
    assert written == NIR_AXES["nirone-s20"].delivered
    assert len(rows) == 2
