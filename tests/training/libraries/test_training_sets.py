"""From a library to a training run: soils dealt whole, and a library that can't be trained on says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from soil.axis import Axis
from soil.errors import LoamscanError
from soil.properties import INDEX
from training.axes import MIR_AXIS, NIR_AXIS, NIR_INSTRUMENT_AXIS
from training.card import read_card
from training.checkpoint import CARD
from training.commands import train
from training.errors import SettingsError
from training.evaluation.sources import of_library
from training.libraries import folder
from training.libraries.library import Library, Samples, Scans
from training.libraries.training_sets import SCANS_MAX, training_sets
from training.soil_spectra import SoilSpectra
from training.synthetic.soils import Scans as Scanned
from training.synthetic.soils import SoilSet, draw_soils

SETS = ("mir", "pairs", "domain", "intervals", "test")


def library_of(soils: SoilSpectra, axis: Axis) -> Library:
    names = np.array([f"soil {i:03d}" for i in range(len(soils))])
    places = np.array([f"site {site}" for site in soils.site])
    samples = Samples(names, soils.properties, places, np.full(len(soils), "Utopia"))

    def scans(axis: Axis, values: np.ndarray, device: np.ndarray) -> Scans:
        repeats = values.shape[1]
        flat = values.reshape(-1, values.shape[2])
        sample = np.repeat(names, repeats)
        return Scans(axis, flat, sample, device.ravel(), np.full(len(sample), ""))

    mir_device = np.full(soils.mir.shape[:2], "ftir")
    return Library("small", "CC-BY-4.0", samples, {
        "nir": scans(axis, soils.nir, soils.nir_device.astype(str)),
        "mir": scans(MIR_AXIS, soils.mir, mir_device),
    })  # fmt: skip


@pytest.fixture(scope="module")
def library() -> Library:
    drawn = draw_soils(
        3, SoilSet.PAIRS, 300, nir=Scanned(3, 4), mir=Scanned(1, 2), nir_axis=NIR_INSTRUMENT_AXIS
    )
    return library_of(drawn, NIR_INSTRUMENT_AXIS)


def soils_in(soils: SoilSpectra) -> set[bytes]:
    """A soil is known by its laboratory values."""
    return {row.tobytes() for row in soils.properties}


def test_no_two_sets_share_a_soil_and_every_soil_is_in_one(library) -> None:
    sets = training_sets(library, "sample", 0)
    found = [soils_in(getattr(sets, name)) for name in SETS[1:]]
    assert sum(map(len, found)) == len(set().union(*found)) == 300
    assert soils_in(sets.mir) == soils_in(sets.pairs)
    assert len(sets.pairs) > 2 * len(sets.test) > 2 * len(sets.intervals)


def test_no_two_sets_share_a_site_where_sites_are_held_together(library) -> None:
    sets = training_sets(library, "site", 0)
    found = [set(getattr(sets, name).site.tolist()) for name in SETS[1:]]
    assert sum(map(len, found)) == len(set().union(*found))


def test_spectra_are_on_the_axes_of_the_model(library) -> None:
    sets = training_sets(library, "sample", 0)
    assert sets.pairs.nir.shape[1:] == (4, len(NIR_AXIS))
    assert sets.pairs.mir.shape[1:] == (2, len(MIR_AXIS))
    row = int(
        np.flatnonzero((library.samples.properties == sets.pairs.properties[5]).all(axis=1))[0]
    )
    own = library.scans["nir"].values[library.scans["nir"].sample == library.samples.name[row]]
    expected = NIR_INSTRUMENT_AXIS.resample(own, NIR_AXIS)
    assert in_order(sets.pairs.nir[5]) == pytest.approx(in_order(expected), abs=1e-6)


def test_a_soil_with_fewer_scans_has_its_own_again_and_one_with_many_is_cut(library) -> None:
    nir = library.scans["nir"]
    many = np.concatenate([np.arange(len(nir)), np.zeros(20, dtype=int)])
    few = many[nir.sample[many] != "soil 001"]
    few = np.append(few, np.flatnonzero(nir.sample == "soil 001")[0])
    uneven = replace(library, scans={**library.scans, "nir": nir[few]})
    sets = training_sets(uneven, "sample", 0)
    assert sets.pairs.nir.shape[1] == 4
    scans_of = [len(np.unique(scans, axis=0)) for scans in sets.pairs.nir]
    assert sum(count == 4 for count in scans_of) >= len(scans_of) - 2
    assert len(sets.domain) == np.isin(nir.sample[few], names_of(uneven, sets.domain)).sum()


def test_a_soil_is_there_once_in_each_preparation_and_in_one_set_alone(library) -> None:
    nir = library.scans["nir"]
    moist = replace(nir, values=0.5 * nir.values, preparation=np.full(len(nir), "moist"))
    moist = moist[np.isin(moist.sample, library.samples.name[:150])]
    dry = replace(nir, preparation=np.full(len(nir), "air-dry"))
    both = Scans(
        nir.axis,
        *(np.concatenate([getattr(of, name) for of in (dry, moist)])
          for name in ("values", "sample", "device", "preparation")),
    )  # fmt: skip
    sets = training_sets(replace(library, scans={**library.scans, "nir": both}), "sample", 0)
    once = training_sets(library, "sample", 0)
    for name in ("pairs", "intervals", "test"):
        found, plain = getattr(sets, name), getattr(once, name)
        assert soils_in(found) == soils_in(plain)
        assert found.soils == plain.soils == len(plain)
        dry_row = {soil: row for row, soil in reversed(list(enumerate(found.soil.tolist())))}
        twice = [row for row in range(len(found)) if dry_row[found.soil[row]] != row]
        # An interval counts on soils that err apart: each stands there in one preparation.
        assert len(twice) == (0 if name == "intervals" else (plain.soil < 150).sum())
        for row in twice:
            other = dry_row[found.soil[row]]
            assert in_order(found.nir[row]) == pytest.approx(0.5 * in_order(found.nir[other]))
            assert found.mir[row].tobytes() == found.mir[other].tobytes()
            assert found.properties[row].tobytes() == found.properties[other].tobytes()
            assert found.site[row] == found.site[other]
    assert len(sets.mir) == len(once.mir)
    assert len(sets.domain) > len(once.domain)


def in_order(scans: np.ndarray) -> np.ndarray:
    return scans[np.argsort(scans[:, 0])]


def test_no_scanner_is_preferred_by_the_order_of_the_file(library) -> None:
    nir = library.scans["nir"]
    by_scanner = nir[np.argsort(nir.device, kind="stable")]
    many = replace(
        by_scanner,
        values=np.repeat(by_scanner.values, 4, axis=0) + 1e-4 * np.arange(4 * len(nir))[:, None] % 1e-3,
        sample=np.repeat(by_scanner.sample, 4), device=np.repeat(by_scanner.device, 4),
        preparation=np.repeat(by_scanner.preparation, 4),
    )  # fmt: skip
    sets = training_sets(replace(library, scans={**library.scans, "nir": many}), "sample", 0)
    assert sets.pairs.nir.shape[1] == SCANS_MAX
    share = np.bincount(nir.device.astype(int)) / len(nir)
    for seen in (
        sets.pairs.nir_device,
        sets.test.nir_device[:, :1],
        sets.intervals.nir_device[:, :1],
    ):
        found = np.bincount(seen.ravel(), minlength=3) / seen.size
        assert found == pytest.approx(share, abs=0.2)


def test_choices_hold_sites_together_where_they_are_known(library) -> None:
    by_sample = training_sets(library, "sample", 0).pairs
    assert len(np.unique(by_sample.site)) <= 25
    assert by_sample.site.tolist() != sorted(by_sample.site.tolist())
    nowhere = training_sets(nameless_sites(library), "sample", 0).pairs
    assert len(np.unique(nowhere.site)) == len(nowhere)


def names_of(library: Library, soils: SoilSpectra) -> list[str]:
    known = soils_in(soils)
    own = [row.tobytes() in known for row in library.samples.properties]
    return library.samples.name[own].tolist()


def without(which: str) -> Callable[[Library], Library]:
    return lambda of: replace(of, scans={k: v for k, v in of.scans.items() if k != which})


def unanalysed(of: Library) -> Library:
    properties = of.samples.properties.copy()
    properties[10:, INDEX["cec"]] = np.nan
    return replace(of, samples=replace(of.samples, properties=properties))


def of_one_value(of: Library) -> Library:
    properties = of.samples.properties.copy()
    properties[:, INDEX["cec"]] = 12.0
    return replace(of, samples=replace(of.samples, properties=properties))


def few_soils(of: Library) -> Library:
    rows = np.arange(40)
    names = of.samples.name[rows]
    scans = {which: own[np.isin(own.sample, names)] for which, own in of.scans.items()}
    return replace(of, samples=of.samples[rows], scans=scans)


def one_scan_each(of: Library) -> Library:
    nir = of.scans["nir"]
    return replace(of, scans={**of.scans, "nir": nir[np.unique(nir.sample, return_index=True)[1]]})


def nameless_sites(of: Library) -> Library:
    return replace(of, samples=replace(of.samples, site=np.full(300, "")))


def mir_in_two_ways(of: Library) -> Library:
    mir = of.scans["mir"]
    ways = np.where(np.arange(len(mir)) % 2, "ground", "sieved")
    return replace(of, scans={**of.scans, "mir": replace(mir, preparation=ways)})


def short_axis(of: Library) -> Library:
    nir = of.scans["nir"]
    cut = replace(nir, axis=Axis("nm", nir.axis.values[40:]), values=nir.values[:, 40:])
    return replace(of, scans={**of.scans, "nir": cut})


@pytest.mark.parametrize(("spoil", "block", "why"), [
    (without("mir"), "sample", "no MIR scans"),
    (without("nir"), "sample", "no NIR scans"),
    (one_scan_each, "sample", r"leaves \d+ NIR scans for the limits"),
    (unanalysed, "sample", r"cec was analysed of \d of the \d+ soils"),
    (of_one_value, "sample", r"cec is 12 of all \d+ soils to learn from"),
    (few_soils, "sample", r"leaves \d+ soils with NIR and MIR"),
    (nameless_sites, "site", "of 300 samples the site is not known"),
    (mir_in_two_ways, "sample", "MIR scans of several preparations"),
    (lambda of: of, "country", "1 blocks .by country., too few"),
    (short_axis, "sample", "cover"),
])  # fmt: skip
def test_a_library_that_cannot_be_trained_on_says_why(library, spoil, block, why) -> None:
    with pytest.raises(LoamscanError, match=why):
        training_sets(spoil(library), block, 0)


def test_the_command_trains_on_a_library_and_the_card_says_so(library, tmp_path: Path) -> None:
    source, out = tmp_path / "library", tmp_path / "made"
    folder.write(library, source)
    call = [str(source), "--format", "loamscan", "--quick", "--block", "site", "--out", str(out)]
    result = CliRunner().invoke(train, call)
    assert result.exit_code == 0, (result.output, result.exception)
    card = read_card((out / CARD).read_bytes())
    assert not card.synthetic
    assert "SYNTHETIC" not in result.output
    assert card.evaluation["test_set"] == "soils of small that no other set has, held out by site"
    assert [data.licence for data in card.training_data] == ["CC-BY-4.0"] * 2
    assert card.domain.gh.reject_quantile == pytest.approx(
        card.domain.gh.calibrated_on / (card.domain.gh.calibrated_on + 1)
    )
    assert "wet_soil_alarms" not in card.evaluation
    few = training_sets(library, "site", 0).domain.soils
    assert f"the limits of the domain rest on {few} soils" in result.output
    assert of_library(library, card, [], None).about.independence.status == "not independent"
    other = replace(library, name="smal")
    assert of_library(other, card, [], None).about.independence.status == "your word"


@pytest.mark.parametrize("call", [
    ["--synthetic", "."], ["--synthetic", ".", "--format", "loamscan"], ["."], [],
])  # fmt: skip
def test_what_to_learn_from_must_be_named_once(call, tmp_path: Path) -> None:
    result = CliRunner().invoke(train, [*call, "--out", str(tmp_path / "made")])
    assert isinstance(result.exception, SettingsError)
