"""One training run, from libraries to checkpoint: three stages, calibration, evaluation."""

from __future__ import annotations

from calibration.domain import DomainModel
from calibration.fit import fit_gh_model, fit_intervals, fit_q_model
from calibration.intervals import IntervalModel
from contract.manifest import AxisSpec, DistanceLimits, Intervals
from soil.coherence import coherent
from soil.properties import NAMES
from training.axes import MIR_AXIS, NIR_AXIS
from training.card import SCHEMA, Architecture, Card, DomainLimits
from training.checkpoint import Checkpoint
from training.evaluation.card_figures import evaluate
from training.fitting import Progress, reproducible
from training.golden import TOLERANCES, golden_arrays, golden_spectra
from training.pipeline import Model
from training.preprocessing import STEPS, Preprocessing
from training.settings import Settings
from training.stages import split_by_site, three_stages
from training.synthetic.libraries import LICENCE, Libraries, synthetic_libraries, training_cards
from training.synthetic.soils import SoilSpectra

INTERVAL_LEVEL = 0.9
CAUTION_QUANTILE = 0.99
REJECT_QUANTILE = 0.999


def train_synthetic(settings: Settings, progress: Progress) -> Checkpoint:
    """Train on synthetic soils; the same settings give the same bits on one machine."""
    with reproducible(settings.seed):
        progress("drawing synthetic soils")
        libraries = synthetic_libraries(settings)
        trained = three_stages(settings, libraries, progress)
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
        architecture=_architecture(settings),
        strategy=dict.fromkeys(NAMES, "nir-latent-mlp"),
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


def _architecture(settings: Settings) -> Architecture:
    bands, mir_bands = len(NIR_AXIS), len(MIR_AXIS)
    preprocessed = Preprocessing(bands).centre.numel()
    return Architecture(
        bands=bands,
        nir_encoder=[preprocessed, *settings.nir_hidden, settings.latent],
        mir_decoder=[settings.latent, *reversed(settings.mir_hidden), mir_bands],
        heads=[settings.latent, *settings.heads_hidden, len(NAMES)],
    )
