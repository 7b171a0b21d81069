"""Nested cross-validation of our heads on a real set: every choice is made inside the inner folds."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.real_targets import LOG_SCALE, RealSet
from training.fitting import Schedule, reproducible
from training.heads.blend import blend_weights, error_weights
from training.heads.examples import Examples, folds
from training.heads.kinds import EFFORT, Effort, HeadKind, fit_head
from training.mir_autoencoder import train_mir_autoencoder
from training.scan_repeats import ScanRepeats
from training.scores import fit_scores
from training.strategies import BELIEF
from training.treatments import Treatments

INNER_FOLDS: Final = 5
BEYOND: Final = 0.2
"""Share of the range of what was learnt that a prediction may lie outside of it. Ours."""

OWN_SCHEDULE: Final = Schedule(epochs=200, batch=32, step=1e-3, patience=40)
OWN_HIDDEN: Final = (256, 128)
OWN_LATENT: Final = 32
OWN_CHECK: Final = 8
"""An autoencoder of a set's own spectra; one in `OWN_CHECK` of them stops it. Ours."""

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


class Family(NamedTuple):
    """A kind of head and what it sees; one learns the target, one its log1p, and both are weighed."""

    kind: HeadKind
    view: str


FAMILIES: Final[dict[str, Family]] = {
    "PLSR": Family("PLSR", "treated"),
    "committee": Family("committee", "treated"),
    "GP": Family("GP", "scores"),
    "ensemble": Family("ensemble", "scores"),
    "PLSR on a latent, synthetic": Family("PLSR", "latent"),
    "ensemble on a latent, synthetic": Family("ensemble", "latent"),
    "PLSR on a latent, own": Family("PLSR", "own latent"),
    "ensemble on a latent, own": Family("ensemble", "own latent"),
}
"""``synthetic``: of an encoder that has seen SYNTHETIC spectra alone; ``own``: of an autoencoder of
the set's own spectra, those of the training folds."""

CHOSEN: Final = "chosen"
LATENTS_TOO: Final = "chosen, latents too"
CHOICES: Final[dict[str, tuple[str, ...]]] = {
    CHOSEN: ("PLSR", "committee", "GP", "ensemble"),
    LATENTS_TOO: tuple(FAMILIES),
}
"""What is blended: the best of these."""

_BELIEF: Final = {name.removeprefix("NIR-"): share for name, share in BELIEF.items()}
"""Families are named as the strategies' heads."""

PICK: Final = "one head, the best by the inner folds"
"""Of those on the spectrum."""


class Seen(NamedTuple):
    """Features ``[n, k]`` and the columns of their parts."""

    features: NDArray[np.float32]
    parts: Sequence[slice]


def views(spectra: RealSet, learn: Rows, latent: NDArray[np.float32] | None) -> dict[str, Seen]:
    """What heads can see of all spectra; what is fitted to spectra is fitted to those of ``learn``.

    ``latent`` ``[n, k]`` is what an encoder that was trained elsewhere makes of them; without it
    there is none of the set's own either.
    """
    absorbance = torch.from_numpy(spectra.absorbance)
    treatments = Treatments(absorbance.shape[1])
    treated = treatments(absorbance)
    scores = fit_scores(treated[learn], treatments.slices)
    seen = {
        "treated": Seen(treated.numpy(), treatments.slices),
        "scores": Seen(scores(treated).numpy(), scores.slices),
    }
    if latent is not None:
        whole = (slice(0, latent.shape[1]),)
        seen["latent"] = Seen(latent, whole)
        seen["own latent"] = Seen(_own_latent(absorbance, learn), (slice(0, OWN_LATENT),))
    return seen


def predicted(
    spectra: RealSet,
    outer: tuple[Rows, Rows],
    latent: NDArray[np.float32] | None,
    seed: int,
    effort: Effort = EFFORT,
) -> dict[str, dict[str, Floats]]:
    """By target and method, what is said of the rows ``outer[1]`` by what learnt from ``outer[0]``.

    Methods are `FAMILIES`, those on latents only where there is a ``latent``, `CHOICES` and `PICK`.
    NaN where the target is not known.
    """
    with reproducible(seed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.set_num_threads(1)
        seen = views(spectra, outer[0], latent)
        return {
            target: _of_target(spectra, target, outer, seen, seed, effort)
            for target in spectra.values
        }


def _of_target(
    spectra: RealSet,
    target: str,
    outer: tuple[Rows, Rows],
    seen: Mapping[str, Seen],
    seed: int,
    effort: Effort,
) -> dict[str, Floats]:
    values = spectra.values[target]
    learn, asked = (rows[np.isfinite(values[rows])] for rows in outer)
    inner: dict[str, Floats] = {}
    found: dict[str, Floats] = {}
    for name, family in FAMILIES.items():
        if family.view not in seen:
            continue
        view = seen[family.view]

        def said(
            learn: Rows, asked: Rows, log: bool, kind: HeadKind = family.kind, view: Seen = view
        ) -> Floats:
            given = Examples(view.features[learn], values[learn][:, None], spectra.group[learn])
            return _said(kind, given, view.parts, view.features[asked], log, seed, effort)

        scales = (False,) if target.endswith(LOG_SCALE) else (False, True)
        held = [_held_out(said, learn, spectra.group[learn], log, seed) for log in scales]
        errors = [np.mean((out - values[learn]) ** 2) for out in held]
        weights = error_weights(np.array(errors))
        inner[name] = weights @ held
        found[name] = weights @ [said(learn, asked, log) for log in scales]
    centre = values[learn].mean()
    for choice, names in CHOICES.items():
        if not set(names) <= set(inner):
            continue
        known, unknown = (np.stack([of[name] for name in names], axis=1) for of in (inner, found))
        belief = np.array([_BELIEF.get(name, 0.0) for name in names])
        own = blend_weights(known, values[learn], spectra.group[learn], belief)
        found[choice] = centre + (unknown - centre) @ own
    errors = {name: np.mean((inner[name] - values[learn]) ** 2) for name in CHOICES[CHOSEN]}
    found[PICK] = found[min(errors, key=lambda name: errors[name])]
    place = np.searchsorted(outer[1], asked)
    whole = {name: np.full(len(outer[1]), np.nan) for name in found}
    for name, of_asked in found.items():
        whole[name][place] = of_asked
    return whole


def _held_out(
    said: Callable[[Rows, Rows, bool], Floats], learn: Rows, group: Rows, log: bool, seed: int
) -> Floats:
    """What is said of each row of ``learn`` by heads that learnt from the other inner folds."""
    out = np.empty(len(learn))
    for rows, judged in folds(group, INNER_FOLDS, seed):
        out[judged] = said(learn[rows], learn[judged], log)
    return out


def _said(
    kind: HeadKind,
    given: Examples,
    parts: Sequence[slice],
    asked: NDArray[np.float32],
    log: bool,
    seed: int,
    effort: Effort,
) -> Floats:
    y = given.targets
    learnt = Examples(given.features, np.log1p(y), given.block) if log else given
    head = fit_head(
        kind, learnt, parts, seed, lambda _: None, kind, effort, _expm1 if log else np.positive
    )
    with torch.no_grad():
        raw = head(torch.from_numpy(asked))[:, 0].numpy().astype(np.float64)
    beyond = BEYOND * (y.max() - y.min())
    said: Floats = np.clip(_expm1(raw) if log else raw, y.min() - beyond, y.max() + beyond)
    return said


def _expm1(values: Floats) -> Floats:
    """Bounded, since a candidate may say anything."""
    found: Floats = np.expm1(np.minimum(values, 10.0))
    return found


def _own_latent(absorbance: torch.Tensor, learn: Rows) -> NDArray[np.float32]:
    """What an autoencoder of the rows ``learn`` makes of all of ``absorbance`` ``[n, bands]``."""
    spectra = absorbance[learn]
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(learn)))
    check = order[: len(learn) // OWN_CHECK]
    rest = order[len(check) :]
    both = train_mir_autoencoder(
        ScanRepeats.dense(spectra[:, None]), rest, check, OWN_HIDDEN, OWN_LATENT, OWN_SCHEDULE, 0,
        lambda _: None,
    )  # fmt: skip
    with torch.no_grad():
        latent: NDArray[np.float32] = both.encoder(absorbance)[0].numpy()
    return latent
