"""A library whose kind is wrong holds possible values; its bands of water point the wrong way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from soil.axis import Axis
from training.axes import MIR_AXIS, NIR_AXIS
from training.libraries.checking import checked
from training.libraries.gathered import Gathered
from training.libraries.library import Samples, Scans
from training.libraries.upright import turned_over
from training.synthetic.soils import Scans as Scanned
from training.synthetic.soils import SoilSet, draw_soils


@pytest.fixture(scope="module")
def both() -> dict[str, Scans]:
    drawn = draw_soils(1, SoilSet.PAIRS, 60, nir=Scanned(2, 1), mir=Scanned(1, 1))
    names = np.array([f"s{i}" for i in range(60)])
    unsaid = np.full(60, "")
    return {
        "nir": Scans(NIR_AXIS, drawn.nir[:, 0], names, unsaid, unsaid),
        "mir": Scans(MIR_AXIS, drawn.mir[:, 0], names, unsaid, unsaid),
    }


def other_kind(which: str, scans: Scans) -> Scans:
    turned = -np.log10(scans.values) if which == "nir" else 10.0**-scans.values
    return replace(scans, values=turned.astype(np.float32))


@pytest.mark.parametrize("which", ["nir", "mir"])
def test_a_wrong_kind_is_told_and_a_right_one_is_not(both, which) -> None:
    for scans, wrong in ((both[which], False), (other_kind(which, both[which]), True)):
        names, nothing = scans.sample, np.full((60, 9), np.nan)
        found = Gathered("a test", "CC0")
        found.samples.append(Samples(names, nothing, np.full(60, ""), np.full(60, "")))
        found.scans.append((which, scans))
        library, report = checked(found)
        assert any("look at the kind" in line for line in report.lines()) == wrong
        assert len(library.scans[which]) == 60, "strange as they are, nobody knows"


def test_scans_that_do_not_reach_the_band_say_nothing(both) -> None:
    short = NIR_AXIS.values > 2000
    cut = other_kind("nir", both["nir"])
    cut = replace(cut, axis=Axis("nm", NIR_AXIS.values[short]), values=cut.values[:, short])
    assert not turned_over("nir", cut)
    assert not turned_over("nir", both["nir"][np.zeros(60, dtype=bool)])
