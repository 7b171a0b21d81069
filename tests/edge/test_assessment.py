"""From scans to a verdict: what is trusted, what is flagged, what is refused, and why."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from contract.bundle import Bundle
from edge.assessment import Assessment, Assessor, References
from edge.predictor import Estimate, Predictor
from edge.readings import properties_of, texture_of
from soil.axis import Axis
from soil.properties import INDEX

NUMBERS = ("value", "lower", "upper", "raw")
WIDE = Axis("nm", 1e7 / np.linspace(1e7 / 2550, 1e7 / 1350, 257))


@dataclass(frozen=True)
class Scanned:
    values: NDArray[np.float32]
    axis: Axis = field(default=WIDE)
    kind: str = "reflectance"
    full_scale: float = 0.0


@pytest.fixture(scope="module")
def assessor(reference_bundle: Bundle) -> Assessor:
    return Assessor(reference_bundle, Predictor(reference_bundle), reference_max_age_s=600.0)


@pytest.fixture(scope="module")
def soil(reference_bundle: Bundle) -> NDArray[np.float32]:
    """A soil the model knows, on the scanner's axis."""
    golden = reference_bundle.array(reference_bundle.manifest.golden.reflectance)
    predictor = Predictor(reference_bundle)
    assessor = Assessor(reference_bundle, predictor)
    model = reference_bundle.axis
    wider = Axis("nm", np.linspace(2551, 1349, 600))
    for spectrum in golden:
        values = np.interp(-wider.values, -model.values, spectrum).astype(np.float32)
        values = Axis("nm", wider.values).resample(values, WIDE).astype(np.float32)
        if assessor.assess([Scanned(values)]).verdict == "ok":
            return values
    raise AssertionError("no golden spectrum is ok")


def codes(assessment: Assessment) -> list[str]:
    return [reason.code for reason in assessment.reasons]


def test_a_soil_the_model_knows_is_ok_and_coherent(
    assessor: Assessor, soil: NDArray[np.float32]
) -> None:
    found = assessor.assess([Scanned(soil)])
    assert (found.verdict, codes(found)) == ("ok", [])
    assert found.prediction is not None
    value = found.prediction.value
    assert value[INDEX["total_carbon"]] == pytest.approx(
        value[INDEX["organic_carbon"]] + value[INDEX["inorganic_carbon"]]
    )
    assert value[[INDEX["clay"], INDEX["silt"], INDEX["sand"]]].sum() == pytest.approx(100)
    assert np.all(found.prediction.lower <= value)
    assert np.all(value <= found.prediction.upper)


def test_counts_with_references_give_what_reflectance_gives(
    assessor: Assessor, soil: NDArray[np.float32]
) -> None:
    white, dark = np.full(257, 50_000.0), np.full(257, 1_000.0)
    counts = (dark + soil * (white - dark)).astype(np.float32)

    def raw(values: NDArray[np.float64]) -> Scanned:
        return Scanned(values.astype(np.float32), kind="counts", full_scale=65535.0)

    direct = assessor.assess([Scanned(soil)])
    by_counts = assessor.assess([raw(counts)], References.of(raw(white), raw(dark)), 5.0)
    assert by_counts.verdict == "ok"
    assert direct.prediction is not None
    assert by_counts.prediction is not None
    assert by_counts.prediction.value == pytest.approx(direct.prediction.value, rel=1e-3, abs=1e-3)


def test_counts_without_references_are_refused(assessor: Assessor) -> None:
    found = assessor.assess([Scanned(np.full(257, 30_000, dtype=np.float32), kind="counts")])
    assert (found.verdict, codes(found), found.prediction) == (
        "reject",
        ["reference.missing"],
        None,
    )


def test_references_of_another_axis_do_not_serve(assessor: Assessor) -> None:
    other = Axis("nm", WIDE.values * 1.00001)
    white = Scanned(np.full(257, 5e4, dtype=np.float32), other, "counts", 65535.0)
    dark = Scanned(np.full(257, 1e3, dtype=np.float32), other, "counts", 65535.0)
    sample = Scanned(np.full(257, 3e4, dtype=np.float32), kind="counts", full_scale=65535.0)
    assert codes(assessor.assess([sample], References.of(white, dark))) == ["reference.missing"]


def test_a_white_reference_as_dark_as_the_dark_one_is_refused(assessor: Assessor) -> None:
    flat = Scanned(np.full(257, 1e3, dtype=np.float32), kind="counts", full_scale=65535.0)
    assert codes(assessor.assess([flat], References.of(flat, flat))) == ["reference.dark"]


def test_an_old_reference_is_flagged_with_its_age(
    assessor: Assessor, soil: NDArray[np.float32]
) -> None:
    white = Scanned(np.full(257, 5e4, dtype=np.float32), kind="counts", full_scale=65535.0)
    dark = Scanned(np.full(257, 1e3, dtype=np.float32), kind="counts", full_scale=65535.0)
    sample = Scanned((1e3 + soil * 4.9e4).astype(np.float32), kind="counts", full_scale=65535.0)
    found = assessor.assess([sample], References.of(white, dark), 3600.0)
    assert found.verdict == "caution"
    assert codes(found) == ["reference.expired"]
    assert "60 min, limit 10 min" in found.reasons[0].text


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda r: np.where(np.arange(257) == 9, np.nan, r), "scan.not_finite"),
        (lambda r: np.where(np.arange(257) == 9, np.inf, r), "scan.not_finite"),
        (lambda r: r * 0.001, "scan.dark"),
        (lambda r: r * 100, "scan.out_of_range"),
        (lambda r: r - 0.5, "scan.dark"),
    ],
)
def test_a_bad_scan_is_refused_by_name(
    assessor: Assessor, soil: NDArray[np.float32], spoil, code
) -> None:
    found = assessor.assess([Scanned(spoil(soil).astype(np.float32))])
    assert found.verdict == "reject"
    assert codes(found)[0] == code


def test_a_saturated_detector_is_refused(assessor: Assessor) -> None:
    white = Scanned(np.full(257, 5e4, dtype=np.float32), kind="counts", full_scale=65535.0)
    dark = Scanned(np.full(257, 1e3, dtype=np.float32), kind="counts", full_scale=65535.0)
    sample = Scanned(np.full(257, 65535, dtype=np.float32), kind="counts", full_scale=65535.0)
    assert codes(assessor.assess([sample], References.of(white, dark)))[0] == "scan.saturated"


def test_a_scanner_that_does_not_cover_the_model_is_refused_with_the_missing_range(
    assessor: Assessor,
) -> None:
    short = Axis("nm", np.linspace(900, 1700, 228))
    found = assessor.assess([Scanned(np.full(228, 0.4, dtype=np.float32), short)])
    assert codes(found) == ["axis.not_covered"]
    assert "1700.0 to 2545.0 nm is missing" in found.reasons[0].text


def test_what_is_no_soil_is_refused_by_its_q_residual(assessor: Assessor) -> None:
    waves = 0.5 + 0.3 * np.sin(WIDE.values / 15)
    found = assessor.assess([Scanned(waves.astype(np.float32))])
    assert found.verdict == "reject"
    assert "domain.q_residual" in codes(found)
    assert found.prediction is not None


def test_known_features_in_unknown_proportions_are_refused_by_gh(
    reference_bundle: Bundle, soil: NDArray[np.float32]
) -> None:
    class Elsewhere(Predictor):
        """The same spectrum, as if it had landed far out in the latent space."""

        def predict(self, reflectance: NDArray[np.float32]) -> Estimate:
            found = super().predict(reflectance)
            return dataclasses.replace(found, latent=found.latent + np.float32(50))

    found = Assessor(reference_bundle, Elsewhere(reference_bundle)).assess([Scanned(soil)])
    assert (found.verdict, codes(found)) == ("reject", ["domain.gh"])


def test_a_model_without_a_number_gives_no_number_and_ends_nothing(
    reference_bundle: Bundle, soil: NDArray[np.float32]
) -> None:
    class Speechless(Predictor):
        def predict(self, reflectance: NDArray[np.float32]) -> Estimate:
            found = super().predict(reflectance)
            return dataclasses.replace(found, properties=found.properties * np.float32(np.nan))

    found = Assessor(reference_bundle, Speechless(reference_bundle)).assess([Scanned(soil)])
    assert (found.verdict, codes(found)) == ("reject", ["model.not_finite"])
    assert properties_of(found, 0.9, include_rejected=True)["clay"]["value"] is None


def test_one_bad_replicate_is_left_out_and_said(
    assessor: Assessor, soil: NDArray[np.float32]
) -> None:
    bad = np.full(257, np.nan, dtype=np.float32)
    found = assessor.assess([Scanned(soil), Scanned(bad), Scanned(soil)], wanted=3)
    assert found.verdict == "caution"
    assert codes(found) == ["scan.replicates_missing"]
    assert "2 of 3 usable" in found.reasons[0].text


def test_replicates_that_differ_are_flagged(assessor: Assessor, soil: NDArray[np.float32]) -> None:
    tilted = soil * np.linspace(0.7, 1.0, 257, dtype=np.float32)
    found = assessor.assess([Scanned(soil), Scanned(tilted)], wanted=2)
    assert "scan.replicate_spread" in codes(found)
    assert found.replicate_rms is not None


def test_a_rejected_reading_shows_no_number_unless_asked(assessor: Assessor) -> None:
    waves = 0.5 + 0.3 * np.sin(WIDE.values / 15)
    found = assessor.assess([Scanned(waves.astype(np.float32))])
    hidden = properties_of(found, 0.9, include_rejected=False)
    assert all(hidden[name][key] is None for name in hidden for key in NUMBERS)
    assert texture_of(found, include_rejected=False)["class"] is None
    shown = properties_of(found, 0.9, include_rejected=True)
    assert all(shown[name][key] is not None for name in shown for key in NUMBERS)
    assert texture_of(found, include_rejected=True)["class"] is not None
