"""What a library holds can be trusted, and what was wrong with the rest is told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from small_libraries import gathered
from soil.axis import Axis
from soil.properties import HIGHEST, INDEX, LOWEST
from training.errors import LibraryError
from training.libraries.checking import checked
from training.libraries.library import Library, Scans

SOUND = np.array([2.4, 0.6, 1.8, 0.17, 6.8, 14.2, 23.0, 41.0, 36.0])


def told(found: object) -> list[str]:
    return [finding.what for finding in found.findings]  # type: ignore[attr-defined]


def soils(**changes: float) -> np.ndarray:
    values = SOUND.copy()
    for name, value in changes.items():
        values[INDEX[name]] = value
    return values


def value(library: Library, name: str) -> float:
    return float(library.samples.properties[0, INDEX[name]])


def test_a_sound_library_is_taken_as_it_is() -> None:
    library, report = checked(gathered(["a", "a", "b"]))
    assert report.lines() == []
    assert library.samples.name.tolist() == ["a", "b"]
    assert library.scans["nir"].sample.tolist() == ["a", "a", "b"]


def test_a_value_that_can_not_be_is_not_trained_on() -> None:
    library, report = checked(gathered(["a"], properties=np.array([soils(clay=430)])))
    assert np.isnan(library.samples.properties[0, INDEX["clay"]])
    assert library.samples.properties[0, INDEX["ph_h2o"]] == 6.8
    (finding,) = report.findings
    assert finding.what == "clay outside 0 to 100 %: taken as not analysed"
    assert finding.examples == ("a (430)",)


def test_carbon_within_its_noise_below_zero_is_zero_and_further_below_is_nothing() -> None:
    rows = np.array([soils(organic_carbon=-0.03), soils(organic_carbon=-0.5)])
    library, report = checked(gathered(["a", "b"], properties=rows))
    found = library.samples.properties[:, INDEX["organic_carbon"]]
    assert found[0] == 0
    assert np.isnan(found[1])
    assert len(report.findings) == 2


def test_a_texture_that_does_not_add_up_is_left_out_whole() -> None:
    library, report = checked(gathered(["a"], properties=np.array([soils(sand=10)])))
    texture = [INDEX[name] for name in ("clay", "silt", "sand")]
    assert np.isnan(library.samples.properties[0, texture]).all()
    assert report.findings[0].examples == ("a (74)",)


def test_two_classes_of_a_texture_can_be_too_much() -> None:
    library, _ = checked(
        gathered(["a"], properties=np.array([soils(clay=np.nan, silt=100, sand=100)]))
    )
    assert np.isnan([value(library, "silt"), value(library, "sand")]).all()


@pytest.mark.parametrize("change", [
    {"organic_carbon": 4.8}, {"inorganic_carbon": 9.0}, {"total_nitrogen": 4.0},
])  # fmt: skip
def test_a_part_of_carbon_is_not_more_than_the_whole(change: dict[str, float]) -> None:
    library, report = checked(gathered(["a"], properties=np.array([soils(**change)])))
    assert np.isnan([value(library, name) for name in ("total_carbon", *change)]).all()
    assert any("above total carbon" in finding for finding in told(report))
    slightly, report = checked(gathered(["a"], properties=np.array([soils(organic_carbon=2.5)])))
    assert value(slightly, "organic_carbon") == 2.5
    assert told(report) == []


def test_scans_darker_than_any_soil_are_another_unit() -> None:
    values = 0.4 + 0.01 * np.arange(12).reshape(2, 6)
    values[1] /= 100
    library, report = checked(gathered(["a", "b"], values=values))
    assert library.scans["nir"].sample.tolist() == ["a"]
    assert "fractions among per cent" in told(report)[0]


def test_missing_values_stay_missing_and_cost_nothing_else() -> None:
    library, report = checked(gathered(["a"], properties=np.array([soils(clay=np.nan)])))
    assert np.isnan(library.samples.properties[0]).sum() == 1
    assert report.lines() == []


def test_a_sample_in_two_files_is_one_and_what_they_disagree_on_is_not_known() -> None:
    rows = np.array([soils(), soils(clay=23.0 + 1e-6), soils(clay=31.0, ph_h2o=np.nan)])
    library, report = checked(gathered(["a", "a"], soils=["a", "a", "a"], properties=rows))
    (values,) = library.samples.properties
    assert np.isnan(values[INDEX["clay"]])
    assert values[INDEX["ph_h2o"]] == 6.8
    assert told(report) == ["samples with more than one clay: taken as not analysed"]


def test_scans_that_are_none_are_dropped_and_told() -> None:
    values = 0.4 + 0.01 * np.arange(24).reshape(4, 6)
    values[1, 2], values[2, 3] = np.nan, 1.7
    library, report = checked(gathered(["a", "b", "c", ""], values=values))
    assert library.scans["nir"].sample.tolist() == ["a"]
    assert library.samples.name.tolist() == ["a"]
    assert told(report) == [
        "rows of soil data without a sample's name: dropped",
        "NIR scans without a sample's name: dropped",
        "NIR scans with gaps: dropped",
        "NIR scans with values outside 0 to 1.2: dropped",
        "samples without a scan: dropped",
    ]


def test_a_scan_that_is_there_twice_is_kept_once() -> None:
    values = np.tile(0.4 + 0.01 * np.arange(6), (3, 1))
    library, report = checked(gathered(["a", "a", "a"], values=values))
    assert library.scans["nir"].sample.tolist() == ["a"]
    assert told(report) == ["NIR scans that are copies of another: dropped"]


@pytest.mark.parametrize(("scanned", "device", "preparation"), [
    (["a", "b", "c"], ["X"] * 3, ["dry"] * 3),
    (["a", "a", "c"], ["X", "Y", "X"], ["dry"] * 3),
    (["a", "a", "c"], ["X"] * 3, ["dry", "moist", "dry"]),
])  # fmt: skip
def test_a_scan_under_two_names_of_anything_is_of_nobody_knows_what(
    scanned: list[str], device: list[str], preparation: list[str]
) -> None:
    values = np.tile(0.4 + 0.01 * np.arange(6), (3, 1))
    values[2] += 0.1
    found = gathered(scanned, values=values, device=device, preparation=preparation)
    library, report = checked(found)
    assert library.scans["nir"].sample.tolist() == ["c"]
    assert report.findings[0].count == 2
    assert "several samples, scanners or preparations" in told(report)[0]


def test_a_scan_of_one_value_throughout_is_none() -> None:
    values = np.array([[0.4] * 6, 0.4 + 0.01 * np.arange(6)])
    library, report = checked(gathered(["a", "b"], values=values))
    assert library.scans["nir"].sample.tolist() == ["b"]
    assert "one value throughout" in told(report)[0]


def test_scans_that_are_of_no_known_sample_are_two_files_that_do_not_fit() -> None:
    with pytest.raises(LibraryError, match="scans name 'a', soil data 'KSSL-a'"):
        checked(gathered(["a"], soils=["KSSL-a"]))


def test_a_sample_at_two_sites_is_at_none_that_is_known() -> None:
    library, report = checked(gathered(["a"], soils=["a", "a"], site=["north", "south"]))
    assert library.samples.site.tolist() == [""]
    assert told(report) == ["samples with more than one site: taken as not known"]


@pytest.mark.parametrize(
    ("total", "odd"), [(94.9, True), (95.1, False), (104.9, False), (105.1, True)]
)
def test_a_texture_may_be_off_by_rounding(total: float, odd: bool) -> None:
    rows = np.array([soils(sand=total - 64)])
    library, _ = checked(gathered(["a"], properties=rows))
    assert np.isnan(library.samples.properties[0, INDEX["clay"]]) == odd


def test_the_same_value_rounded_in_another_file_is_the_same() -> None:
    rows = np.array([soils(clay=23.0), soils(clay=23.0 + 1e-6)])
    library, report = checked(gathered(["a"], soils=["a", "a"], properties=rows))
    assert library.samples.properties[0, INDEX["clay"]] == pytest.approx(23)
    assert report.lines() == []


def test_scans_on_two_axes_are_two_libraries() -> None:
    found = gathered(["a"])
    other = Scans(
        Axis("nm", np.linspace(2500, 1390, 6)), np.full((1, 6), 0.3, np.float32),
        np.array(["b"]), np.array([""]), np.array([""]),
    )  # fmt: skip
    found.scans.append(("nir", other))
    with pytest.raises(LibraryError, match="different axes"):
        checked(found)


def test_a_library_without_a_usable_scan_is_refused_with_the_reason() -> None:
    with pytest.raises(LibraryError) as refused:
        checked(gathered(["a"], values=np.full((1, 6), np.nan)))
    assert "scans with gaps" in str(refused.value)


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.floats(width=32), st.floats(-10, 500)),
        min_size=1,
        max_size=8,
    )
)
def test_whatever_comes_in_what_is_kept_is_sound(rows: list[tuple[str, float, float]]) -> None:
    names = [name for name, _, _ in rows]
    values = np.array([[0.1, 0.2, 0.3, value] for _, value, _ in rows])
    properties = np.array([soils(clay=clay) for _, _, clay in rows])
    try:
        library, _ = checked(gathered(names, soils=names, properties=properties, values=values))
    except LibraryError:
        return
    scans = library.scans["nir"]
    assert set(scans.sample.tolist()) == set(library.samples.name.tolist())
    assert len(set(library.samples.name.tolist())) == len(library.samples)
    assert ((scans.values >= 0) & (scans.values <= 1.2)).all()
    assert len(np.unique(scans.values, axis=0)) == len(scans)
    known = library.samples.properties
    assert ((known >= LOWEST) & (known <= HIGHEST) | np.isnan(known)).all()


def test_rows_without_a_name_are_told_by_their_number_and_every_name_is_in_the_json() -> None:
    found = gathered(["a"] * 9, soils=["a", "", "a", ""])
    _, report = checked(found)
    assert "rows of soil data without a sample's name: dropped: row 2, row 4" in report.lines()[0]
    many = gathered([f"s{i}" for i in range(9)], properties=np.array([soils(clay=430)] * 9))
    (finding,) = checked(many)[1].as_json()
    assert finding["count"] == 9
    assert finding["names"] == [f"s{i} (430)" for i in range(9)]


def test_columns_that_a_format_has_and_no_file_did_are_told() -> None:
    found = gathered(["a"])
    found.lacking.append("clay_tot_psa")
    assert checked(found)[1].lines()[0].endswith("not there: taken as not analysed: clay_tot_psa")


def test_axes_that_differ_by_rounding_are_told_apart() -> None:
    found = gathered(["a", "b"])
    which, scans = found.scans[0]
    moved = scans.axis.values.copy()
    moved[2] += 1e-4
    found.scans.append((which, Scans(Axis("nm", moved), scans.values + 0.01, scans.sample,
                                     scans.device, scans.preparation)))  # fmt: skip
    with pytest.raises(LibraryError, match=r"band 3 is 2060 and 2060\.0001"):
        checked(found)
