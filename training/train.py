"""One training run, from libraries to checkpoint: three stages, calibration, evaluation."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.metadata import version

from calibration.domain import DomainModel
from calibration.fit import fit_gh_model, fit_intervals, fit_q_model
from calibration.intervals import IntervalModel
from contract.manifest import AxisSpec, DistanceLimits, Intervals, TrainingData
from soil.coherence import coherent
from soil.properties import NAMES
from training.axes import MIR_AXIS, NIR_AXES
from training.building import architecture_of, forms_of
from training.card import SCHEMA, Card, DomainLimits
from training.checkpoint import Checkpoint
from training.choice import check_choosable
from training.evaluation.card_figures import evaluate
from training.fitting import Progress, reproducible
from training.golden import TOLERANCES, golden_arrays, golden_spectra
from training.libraries.library import Library
from training.libraries.splits import Block
from training.libraries.training_sets import training_data, training_sets
from training.method import mir_side, nir_side
from training.pipeline import Model
from training.preprocessing import STEPS
from training.quantisation_spectra import quantisation_arrays
from training.settings import Settings
from training.soil_spectra import SoilSpectra
from training.stages import split_by_site
from training.synthetic.libraries import LICENCE, synthetic_libraries, training_cards
from training.training_sets import TrainingSets, digest
from training.unfinished import Unfinished

INTERVAL_LEVEL = 0.9
CAUTION_QUANTILE = 0.99
REJECT_QUANTILE = 0.999

DOMAIN_SOILS_FEW = 100
"""Soils below which a run warns: scans of one soil resemble each other, and the percentile of 99 is
that of hardly more than one of them. Ours."""

VERSIONS = ("loamscan", "numpy", "scikit-learn", "scipy", "torch")
"""What a run that is taken up again must find as it left it, since bits depend on it."""


@dataclass(frozen=True)
class About:
    """What the card says of the sets: what they are, what may be done with them, how they were tested."""

    synthetic: bool
    description: str
    licence: str
    training_data: list[TrainingData]
    test_set: str


def train_synthetic(
    settings: Settings,
    progress: Progress,
    device: str = "cpu",
    unfinished: Unfinished | None = None,
) -> Checkpoint:
    """`train` on synthetic soils."""
    about = About(
        synthetic=True,
        description=f"Nine soil properties from a {NIR_AXES[settings.scanner].title}-like NIR scanner, "
        "trained on SYNTHETIC soils alone: a demonstration, not for decisions.",
        licence=LICENCE,
        training_data=training_cards(settings),
        test_set="synthetic soils of sites and devices that no other set has",
    )
    progress("drawing synthetic soils")
    return train(settings, about, synthetic_libraries(settings), progress, device, unfinished)


def train_on_library(
    settings: Settings,
    library: Library,
    block: Block,
    progress: Progress,
    device: str = "cpu",
    unfinished: Unfinished | None = None,
) -> Checkpoint:
    """`train` on the soils of ``library``, dealt into sets by ``block``. Raises `LibraryError`."""
    sets = training_sets(library, block, settings.seed, NIR_AXES[settings.scanner].taken)
    about = About(
        synthetic=False,
        description=f"Nine soil properties from NIR spectra, trained on {library.name}.",
        licence=library.licence or "not stated",
        training_data=training_data(library, sets),
        test_set=f"soils of {library.name} that no other set has, held out by {block}",
    )
    if sets.domain.soils < DOMAIN_SOILS_FEW:
        progress(
            f"! the limits of the domain rest on {sets.domain.soils} soils: one odd soil among them "
            "sets them, and strange spectra may pass"
        )
    without = sorted(
        set(library.scans["nir"].sample.tolist()) - set(library.scans["mir"].sample.tolist())
    )
    if without:
        progress(f"{len(without)} soils without MIR are neither learnt from nor tested on")
    progress(
        f"{sets.mir.soils} soils for stage 1, {sets.pairs.soils} with NIR and MIR, "
        f"{sets.test.soils} for the test"
    )
    return train(settings, about, sets, progress, device, unfinished)


def train(
    settings: Settings,
    about: About,
    sets: TrainingSets,
    progress: Progress,
    device: str = "cpu",
    unfinished: Unfinished | None = None,
) -> Checkpoint:
    """Three stages, calibration, evaluation; the same sets give the same bits on one machine and device.

    Goes on from what ``unfinished`` remembers. Raises `UnfinishedError` where that is of another run,
    and `SettingsError` where a choice would have too little to learn from.
    """
    check_choosable(settings, sets.pairs)
    if unfinished is not None:
        unfinished.expect("settings", asdict(settings))
        unfinished.expect("device", device)
        unfinished.expect("versions", {name: version(name) for name in VERSIONS})
        unfinished.expect("libraries", digest(sets)[:16])
    with reproducible(settings.seed, device, unfinished):
        mir = mir_side(settings, sets.mir, progress)
        trained = nir_side(settings, mir, sets.mir, sets.pairs, progress)
        progress("calibrating and evaluating")
        domain, limits = _domain(settings, trained.model, sets)
        intervals = _intervals(trained.model, sets.intervals)
        evaluation = evaluate(
            trained, domain, IntervalModel.of(intervals), sets.test, sets.wet, about.test_set
        )
        golden = golden_arrays(trained.model, golden_spectra(sets.domain.nir[:, 0]))
        spectra = quantisation_arrays(
            trained.model, domain.gh, sets.pairs, sets.test, settings.seed
        )
    card = Card(
        schema=SCHEMA,
        name=settings.name,
        version=settings.version,
        synthetic=about.synthetic,
        description=about.description,
        licence=about.licence,
        seed=settings.seed,
        scanner=settings.scanner,
        axis=AxisSpec.of(NIR_AXES[settings.scanner].taken),
        mir_axis=AxisSpec.of(MIR_AXIS),
        preprocessing=STEPS,
        architecture=architecture_of(trained.model),
        strategy=trained.model.pipeline.heads.strategy(),
        strategies=forms_of(trained.strategies),
        intervals=intervals,
        domain=limits,
        golden=TOLERANCES,
        training_data=about.training_data,
        metrics=evaluation.metrics,
        evaluation=evaluation.findings,
    )
    return Checkpoint(card, trained.model, domain, golden, trained.strategies, spectra)


def _domain(
    settings: Settings, model: Model, sets: TrainingSets
) -> tuple[DomainModel, DomainLimits]:
    learn, _ = split_by_site(sets.pairs.site)
    spectra = sets.pairs.nir[learn].reshape(-1, sets.pairs.nir.shape[2])
    seen, held_out = model.outputs(spectra), model.outputs(sets.domain.nir[:, 0])
    n = len(sets.domain)
    # The highest that n spectra can tell, where they are too few for the one that is wanted.
    quantiles = CAUTION_QUANTILE, min(REJECT_QUANTILE, n / (n + 1))
    domain = DomainModel(
        fit_q_model(
            seen["preprocessed"], held_out["preprocessed"], settings.q_components, *quantiles
        ),
        fit_gh_model(seen["latent"], held_out["latent"], *quantiles),
    )
    q, gh = (
        DistanceLimits(
            caution=distance.caution,
            reject=distance.reject,
            caution_quantile=quantiles[0],
            reject_quantile=quantiles[1],
            calibrated_on=n,
        )
        for distance in (domain.q, domain.gh)
    )
    return domain, DomainLimits(q_residual=q, gh=gh)


def _intervals(model: Model, soils: SoilSpectra) -> Intervals:
    raw = model.outputs(soils.nir[:, 0])["properties"]
    fitted, counts = fit_intervals(coherent(raw), soils.properties, INTERVAL_LEVEL)
    return Intervals(
        method="split-conformal",
        level=fitted.level,
        half_width=dict(zip(NAMES, fitted.half_width.tolist(), strict=True)),
        calibrated_on=dict(zip(NAMES, counts.tolist(), strict=True)),
    )
