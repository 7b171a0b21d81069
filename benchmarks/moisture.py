"""What moist soils do to a model of air-dry ones, and whether learning from moist spectra mends it.

SYNTHETIC: the same soils with 0 to 0.15 g/g of water added, other sites and devices than were learnt
from; `reference` is the model in the package, `flagged` its domain check, caution or reject. Beside
it one kind of head by itself, the Gaussian process, learns from 2,106 of them, all air-dry or each
with an amount of water that is drawn from 0 to 0.1 g/g; one seed.

Real: 100 soils of Minasny et al. (2011, doi:10.1016/j.geoderma.2011.09.008), scanned air-dry, wet and
dried for a day since, from 1,355 to 2,495 nm, read in place from the folder that LOAMSCAN_REAL_SPECTRA
names. `flagged` is by Q (10 components, in turn 5 and 20) and GH fitted on 250 of the 391 air-dry soils
of Geeves (1994) with the 99th percentiles of the others. Carbon is learnt and judged as log1p of per
cent, five folds by soil, from air-dry scans; from these and four more of each, made of it by
`simulated water` (more absorption throughout, that of two of the synthetic soils' waters, gloss); from
air-dry scans and the moist ones of `n soils` among those learnt from; or from all soils in `every state`.
The value is the Gaussian process, `bias` its own.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.real_spectra import folder, geeves
from benchmarks.realism import as_the_model_sees
from benchmarks.rows import Row
from calibration.fit import fit_gh_model, fit_q_model
from soil.axis import Axis
from soil.metrics import metrics
from soil.properties import from_model_scale
from training.axes import NIR_AXIS
from training.checkpoint import load
from training.evaluation.card_figures import alarms, mean_of, property_table
from training.every_strategy import said_by
from training.fitting import reproducible
from training.heads.assembled import Part
from training.heads.examples import Examples, folds
from training.heads.kinds import EFFORT, Effort, HeadKind, fit_head
from training.libraries.tables import position, read_table
from training.preprocessing import absorbance
from training.scores import fit_scores
from training.settings import Settings
from training.synthetic.end_members import MEMBER, absorption
from training.synthetic.optics import kubelka_munk
from training.synthetic.soils import Scans, SoilSet, draw_soils
from training.targets import to_targets
from training.treatments import Treatments

ADDED_WATER: Final = (0.0, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15)
"""g per g of air-dry soil."""

LEARNT_WATER: Final = (0.0, 0.01, 0.02, 0.05, 0.1)

FILE: Final = "geeves_moisture_100x3.csv.gz"
DRY, DAMP, WET = "airdry", "wet_then_airdried_1day", "wet"
STATES: Final = {DRY: "air-dry", DAMP: "dried for a day", WET: "wet"}

FOLDS: Final = 5
COPIES: Final = 4
MOISTENED: Final = (5, 10, 20)
"""Soils learnt from that are scanned moist too."""

COMPONENTS: Final = (10, 5, 20)
DOMAIN_SOILS: Final = 250
QUANTILE: Final = 0.99

MOST: Final = {"gain": 8.0, "liquid water": 0.1, "surface water": 0.15, "gloss": 0.05}
"""Of what `simulated_water` draws: as far as the spectra of this set move, so it is given a lead."""

BEYOND: Final = 0.5
"""Share of the range of what was learnt that a prediction may lie outside of it. Ours: of wet soils a
model of dry ones would say anything."""

REFERENCE: Final = Path("edge/bundles/reference-neospectra")

Floats = NDArray[np.float64]
Spectra = NDArray[np.float32]
Moistening = Callable[[Spectra, np.random.Generator], Spectra]
"""Air-dry reflectance ``[n, bands]`` to moist."""


class MoistSoils(NamedTuple):
    """Reflectance ``[n, bands]`` on ``axis`` of the same soils in each state; log1p of carbon ``[n]``."""

    axis: Axis
    reflectance: dict[str, Spectra]
    carbon: Floats

    @property
    def soils(self) -> NDArray[np.int64]:
        """Their numbers."""
        return np.arange(len(self.carbon))


def measure(quick: bool, tell: Callable[[str], None]) -> list[Row]:
    """Rows of synthetic soils, and of real ones where the file is there."""
    with reproducible(0), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.set_num_threads(1)
        rows = _synthetic_rows(quick, tell)
        if not (folder() / FILE).exists():
            tell(f"no {FILE} in {folder()}: name its folder in LOAMSCAN_REAL_SPECTRA")
            return rows
        soils = moist_soils()
        return rows + domain_rows(soils) + _carbon_rows(soils, quick, tell)


def _synthetic_rows(quick: bool, tell: Callable[[str], None]) -> list[Row]:
    settings = Settings().quick() if quick else Settings()
    model = load(REFERENCE)
    learnt = {
        "learnt air-dry": _learnt_with((0.0,), settings, tell),
        "learnt at 0 to 0.1 g/g": _learnt_with(LEARNT_WATER, settings, tell),
    }
    rows = []
    for water in ADDED_WATER:
        test = draw_soils(
            0, SoilSet.TEST, settings.test_soils, nir=Scans(settings.held_out_devices, 1),
            added_water=water,
        )  # fmt: skip
        outputs = model.model.outputs(test.nir[:, 0])
        said = {name: from_model_scale(ask(test.nir[:, 0])) for name, ask in learnt.items()}
        ccc = {
            name: mean_of(property_table(test.properties, raw), "ccc")
            for name, raw in {"reference": outputs["properties"], **said}.items()
        }
        name = f"SYNTHETIC, {water:g} g/g"
        rows.append(Row(f"{name}, mean CCC", ccc.pop("reference"), "CCC", peers=ccc))
        flagged = alarms(outputs, model.domain)
        peers = {"reject": 100 * flagged["any_reject"]}
        rows.append(Row(f"{name}, flagged", 100 * flagged["any"], "%", peers=peers))
    return rows


def _learnt_with(
    waters: tuple[float, ...], settings: Settings, tell: Callable[[str], None]
) -> Callable[[Spectra], Floats]:
    """A Gaussian process that learnt from synthetic pairs, each with one of ``waters`` added."""
    tell(f"SYNTHETIC soils with {', '.join(f'{water:g}' for water in waters)} g/g added")
    drawn = [
        draw_soils(0, SoilSet.PAIRS, settings.pairs, nir=Scans(settings.nir_devices, 1), added_water=w)
        for w in waters
    ]  # fmt: skip
    pairs = drawn[0]
    which = np.random.default_rng(0).integers(len(waters), size=len(pairs))
    nir = np.stack([soils.nir[:, 0] for soils in drawn])[which, np.arange(len(pairs))]
    targets = to_targets(pairs.properties)
    head, features = _head("GP", nir, targets, pairs.site, settings.heads_effort)

    def ask(reflectance: Spectra) -> Floats:
        said: Floats = said_by({"it": Part("view", head)}, {"view": features(reflectance)})["it"]
        return said

    return ask


def _head(
    kind: HeadKind,
    reflectance: Spectra,
    targets: Floats,
    block: NDArray[np.int64],
    effort: Effort,
) -> tuple[Any, Callable[[Spectra], Any]]:
    """A head, and what makes its features of reflectance."""
    treatments = Treatments(reflectance.shape[1])

    def treated(spectra: Spectra) -> Any:
        return treatments(absorbance(torch.from_numpy(spectra)))

    parts = treatments.slices
    features = treated
    if kind == "GP":
        scores = fit_scores(treated(reflectance), parts)
        parts = scores.slices

        def features(spectra: Spectra) -> Any:
            return scores(treated(spectra))

    examples = Examples(features(reflectance).numpy(), targets, block)
    return fit_head(kind, examples, parts, 0, lambda _: None, kind, effort), features


def moist_soils() -> MoistSoils:
    """The real set."""
    table = read_table(folder() / FILE, ("state",), ("sample", "soilC"), position)
    axis = Axis("nm", NIR_AXIS.values[NIR_AXIS.values <= 2495.0])
    reflectance = 10 ** -Axis("nm", table.positions).resample(table.bands, axis)
    order = np.argsort(table.number["sample"], kind="stable")
    rows = {state: order[table.text["state"][order] == state] for state in STATES}
    return MoistSoils(
        axis,
        {state: reflectance[own].astype(np.float32) for state, own in rows.items()},
        np.log1p(table.number["soilC"][rows[DRY]]),
    )


def domain_rows(soils: MoistSoils) -> list[Row]:
    """The share of each state's spectra that a domain of other air-dry soils flags."""
    library = geeves(NIR_AXIS).read()
    order = np.random.default_rng(0).permutation(len(library))
    learn, held_out = library[order[:DOMAIN_SOILS]], library[order[DOMAIN_SOILS:]]
    seen, others, *asked = as_the_model_sees(learn, held_out, *soils.reflectance.values())
    shares: dict[str, dict[int, float]] = {state: {} for state in STATES}
    for components in COMPONENTS:
        q = fit_q_model(seen, others, components, QUANTILE, QUANTILE)
        learnt, limiting = ((of - q.mean) @ q.components.T for of in (seen, others))
        gh = fit_gh_model(learnt, limiting, QUANTILE, QUANTILE)
        for state, of in zip(STATES, asked, strict=True):
            far = q.residual(of) > q.caution
            far |= gh.distance((of - q.mean) @ q.components.T) > gh.caution
            shares[state][components] = 100 * float(far.mean())
    return [
        Row(
            f"flagged, {STATES[state]}",
            found[COMPONENTS[0]],
            "%",
            peers={f"{components} components": found[components] for components in COMPONENTS[1:]},
        )
        for state, found in shares.items()
    ]


def _carbon_rows(soils: MoistSoils, quick: bool, tell: Callable[[str], None]) -> list[Row]:
    ways: dict[str, tuple[int, Moistening | None]] = {
        "air-dry scans": (0, None),
        "simulated water": (0, simulated_water(soils.axis)),
        **{f"{n} soils moist too": (n, None) for n in MOISTENED},
        "every state": (len(soils.carbon), None),
    }
    rows = []
    for name, (moistened, moisten) in ways.items():
        if quick and name not in ("air-dry scans", "every state"):
            continue
        tell(f"carbon: {name}")
        kinds: tuple[HeadKind, ...] = ("PLSR",) if quick else ("PLSR", "GP")
        said = {kind: carbon_said(soils, kind, moistened, moisten, EFFORT) for kind in kinds}
        for state, label in STATES.items():
            of = {kind: metrics(soils.carbon, found[state]) for kind, found in said.items()}
            best = of[kinds[-1]]
            peers = {"PLSR": of["PLSR"].ccc, "bias": best.bias}
            rows.append(Row(f"carbon, {label}, from {name}", best.ccc, "CCC", peers=peers))
    return rows


def carbon_said(
    soils: MoistSoils,
    kind: HeadKind,
    moistened: int,
    moisten: Moistening | None,
    effort: Effort,
) -> dict[str, Floats]:
    """By state, what is said of each soil by a head that has seen it in no state.

    The head learns from air-dry scans, from ``moistened`` of the soils in the other states too, and
    from what ``moisten`` makes of the air-dry ones.
    """
    said = {state: np.full(len(soils.carbon), np.nan) for state in STATES}
    for fold, (learn, judged) in enumerate(folds(soils.soils, FOLDS, 0)):
        rng = np.random.default_rng(fold)
        some = np.sort(rng.permutation(learn)[:moistened])
        seen = [(DRY, learn), (DAMP, some), (WET, some)]
        scans = [soils.reflectance[state][rows] for state, rows in seen]
        of = [rows for _, rows in seen]
        if moisten is not None:
            scans += [moisten(soils.reflectance[DRY][learn], rng) for _ in range(COPIES)]
            of += [learn] * COPIES
        block = np.concatenate(of)
        targets = soils.carbon[block]
        head, features = _head(kind, np.concatenate(scans), targets[:, None], block, effort)
        beyond = BEYOND * np.ptp(targets)
        for state, reflectance in soils.reflectance.items():
            with torch.no_grad():
                found = head(features(reflectance[judged]))[:, 0].numpy()
            said[state][judged] = np.clip(found, targets.min() - beyond, targets.max() + beyond)
    return said


def simulated_water(axis: Axis) -> Moistening:
    """More absorption over scattering throughout, water's own on top, and gloss, drawn for each soil."""
    members = [MEMBER[name] for name in ("liquid water", "surface water")]
    liquid, surface = absorption(axis.values_in("cm-1"))[members]

    def moisten(dry: Spectra, rng: np.random.Generator) -> Spectra:
        drawn = {name: most * rng.random(len(dry))[:, None] for name, most in MOST.items()}
        fraction = np.clip(dry.astype(np.float64), 1e-3, 0.999)
        ratio = (1 - fraction) ** 2 / (2 * fraction) * np.maximum(drawn["gain"], 1.0)
        ratio += drawn["liquid water"] * liquid + drawn["surface water"] * surface
        wet = drawn["gloss"] + (1 - drawn["gloss"]) * kubelka_munk(ratio)
        return wet.astype(np.float32)

    return moisten
