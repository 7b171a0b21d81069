"""`loamscan library`: what is in a library, what was dropped, and the same in one form."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from small_libraries import zenodo_mir, zenodo_nir
from training.libraries.commands import library


def call(*arguments: object):
    return CliRunner().invoke(library, [str(argument) for argument in arguments])


def test_a_library_is_summed_up_with_what_was_dropped(tmp_path: Path) -> None:
    nir = zenodo_nir(
        tmp_path, [(1, "A", "s1", "Mali", {}), (2, "B", "s2", "Togo", {"clay_tot_psa": "430"})]
    )
    ran = call("check", nir, zenodo_mir(tmp_path, [1]), "--format", "zenodo-neospectra")
    assert ran.exit_code == 0
    assert "2 samples, 2 sites, 2 countries, 1 samples with both NIR and MIR" in ran.stdout
    assert "NIR: 2 scans of 2 samples, 2 devices" in ran.stdout
    assert "1  clay outside 0 to 100 %: taken as not analysed: 2 (430)" in ran.stdout


def test_the_same_for_scripts(tmp_path: Path) -> None:
    nir = zenodo_nir(tmp_path, [(1, "A", "s1", "Mali", {"ph_h2o": "NA"})])
    ran = call("check", nir, "--format", "zenodo-neospectra", "--json")
    found = json.loads(ran.stdout)
    assert (found["samples"], found["findings"], found["paired_samples"]) == (1, [], 0)
    assert found["properties"]["ph_h2o"] == {"analysed": 0}
    assert found["properties"]["clay"]["median"] == 23


def test_a_converted_library_is_the_same_library(tmp_path: Path) -> None:
    nir = zenodo_nir(tmp_path, [(1, "A", "s1", "Mali", {}), (2, "B", "s2", "Togo", {})])
    assert (
        call("convert", nir, "--format", "zenodo-neospectra", "--out", tmp_path / "l").exit_code
        == 0
    )
    one = call("check", nir, "--format", "zenodo-neospectra", "--json")
    other = call("check", tmp_path / "l", "--format", "loamscan", "--json")
    assert json.loads(one.stdout) == json.loads(other.stdout)
