"""One training run, from libraries to checkpoint: three stages, calibration, evaluation."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version

from calibration.domain import DomainModel
from calibration.fit import fit_gh_model, fit_intervals, fit_q_model
from calibration.intervals import IntervalModel
from contract.manifest import AxisSpec, DistanceLimits, Intervals
from soil.coherence import coherent
from soil.properties import NAMES
from training.axes import MIR_AXIS, NIR_AXIS
from training.building import architecture_of
from training.card import SCHEMA, Card, DomainLimits
from training.checkpoint import Checkpoint
from training.evaluation.card_figures import evaluate
from training.fitting import Progress, reproducible
from training.golden import TOLERANCES, golden_arrays, golden_spectra
from training.method import mir_side, nir_side
from training.pipeline import Model
from training.preprocessing import STEPS
from training.settings import Settings
from training.stages import split_by_site
from training.synthetic.libraries import (
    LICENCE,
    Libraries,
    digest,
    synthetic_libraries,
    training_cards,
)
from training.synthetic.soils import SoilSpectra
from training.unfinished import Unfinished

INTERVAL_LEVEL = 0.9
CAUTION_QUANTILE = 0.99
REJECT_QUANTILE = 0.999

VERSIONS = ("loamscan", "numpy", "torch")
"""What a run that is taken up again must find as it left it, since bits depend on it."""


def train_synthetic(
    settings: Settings,
    progress: Progress,
    device: str = "cpu",
    unfinished: Unfinished | None = None,
) -> Checkpoint:
    """Train on synthetic soils; the same settings give the same bits on one machine and device.

    Goes on from what ``unfinished`` remembers. Raises `UnfinishedError` where that is of another run.
    """
    if unfinished is not None:
        unfinished.expect("settings", asdict(settings))
        unfinished.expect("device", device)
        unfinished.expect("versions", {name: version(name) for name in VERSIONS})
    with reproducible(settings.seed, device, unfinished):
        progress("drawing synthetic soils")
        libraries = synthetic_libraries(settings)
        if unfinished is not None:
            unfinished.expect("libraries", digest(libraries)[:16])
        mir = mir_side(settings, libraries.mir, progress)
        trained = nir_side(settings, mir, libraries.mir, libraries.pairs, progress)
        progress("calibrating and evaluating")
        domain = _domain(settings, trained.model, libraries)
        intervals = _intervals(trained.model, libraries.intervals)
        evaluation = evaluate(
            trained, domain, IntervalModel.of(intervals), libraries.test, libraries.wet
        )
        golden = golden_arrays(trained.model, golden_spectra(libraries.domain.nir[:, 0]))
    card = Card(
        schema=SCHEMA,
        name=settings.name,
        version=settings.version,
        synthetic=True,
        description="Nine soil properties from a NeoSpectra-like NIR scanner, trained on SYNTHETIC "
        "soils alone: a demonstration, not for decisions.",
        licence=LICENCE,
        seed=settings.seed,
        axis=AxisSpec.of(NIR_AXIS),
        mir_axis=AxisSpec.of(MIR_AXIS),
        preprocessing=STEPS,
        architecture=architecture_of(trained.model),
        strategy=trained.model.pipeline.heads.strategy(),
        intervals=intervals,
        domain=DomainLimits(
            q_residual=_limits(domain.q.caution, domain.q.reject, len(libraries.domain)),
            gh=_limits(domain.gh.caution, domain.gh.reject, len(libraries.domain)),
        ),
        golden=TOLERANCES,
        training_data=training_cards(settings),
        metrics=evaluation.metrics,
        evaluation=evaluation.findings,
    )
    return Checkpoint(card, trained.model, domain, golden)


def _limits(caution: float, reject: float, calibrated_on: int) -> DistanceLimits:
    return DistanceLimits(
        caution=caution,
        reject=reject,
        caution_quantile=CAUTION_QUANTILE,
        reject_quantile=REJECT_QUANTILE,
        calibrated_on=calibrated_on,
    )


def _domain(settings: Settings, model: Model, libraries: Libraries) -> DomainModel:
    learn, _ = split_by_site(libraries.pairs.site)
    spectra = libraries.pairs.nir[learn].reshape(-1, libraries.pairs.nir.shape[2])
    seen, held_out = model.outputs(spectra), model.outputs(libraries.domain.nir[:, 0])
    quantiles = CAUTION_QUANTILE, REJECT_QUANTILE
    return DomainModel(
        fit_q_model(
            seen["preprocessed"], held_out["preprocessed"], settings.q_components, *quantiles
        ),
        fit_gh_model(seen["latent"], held_out["latent"], *quantiles),
    )


def _intervals(model: Model, soils: SoilSpectra) -> Intervals:
    raw = model.outputs(soils.nir[:, 0])["properties"]
    fitted, counts = fit_intervals(coherent(raw), soils.properties, INTERVAL_LEVEL)
    return Intervals(
        method="split-conformal",
        level=fitted.level,
        half_width=dict(zip(NAMES, fitted.half_width.tolist(), strict=True)),
        calibrated_on=dict(zip(NAMES, counts.tolist(), strict=True)),
    )
