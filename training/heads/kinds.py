"""The kinds of head by name, each learning in the same way from the same examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from training.fitting import Progress, Schedule
from training.heads.blend import PICK, SHARPNESS
from training.heads.ensemble import MEMBERS, SCHEDULE, fit_ensemble
from training.heads.examples import Examples
from training.heads.gaussian_process import (
    LIKELIHOOD_ROWS,
    STEPS,
    fit_gaussian_process,
)
from training.heads.linear import Floats, fit_linear
from training.heads.plsr import COMPONENTS_MAX, plsr_path
from training.heads.ridge import ridge_path
from training.treatments import TREATMENTS

HeadKind = Literal["PLSR", "ridge", "committee", "GP", "ensemble"]

ENSEMBLE_SEES: Final = slice(TREATMENTS.index("SNV"), TREATMENTS.index("second derivative, SNV"))
"""Of all treatments, those after SNV but for the noisiest. Ours: on real sets all were worse."""


class Effort(NamedTuple):
    """How hard each kind tries: PLSR and committee, then the Gaussian process, then the ensemble."""

    components: int = COMPONENTS_MAX
    likelihood_rows: int = LIKELIHOOD_ROWS
    steps: int = STEPS
    members: int = MEMBERS
    schedule: Schedule = SCHEDULE


EFFORT: Final = Effort()


def fit_head(
    kind: HeadKind,
    examples: Examples,
    parts: Sequence[slice],
    seed: int,
    progress: Progress,
    what: str,
    effort: Effort = EFFORT,
    judged_as: Callable[[Floats], Floats] = np.positive,
) -> Any:
    """A module from features ``[n, k]`` to targets ``[n, t]``.

    ``parts`` are the columns of each treatment in the features: PLSR and ridge choose one, the committee
    weighs PLSR on each, the Gaussian process sees all, the ensemble `ENSEMBLE_SEES`. Raises
    `SettingsError` where a target is hardly known. ``judged_as`` is what the linear kinds are judged by.
    """
    if kind == "GP":
        return fit_gaussian_process(examples, parts, seed, effort.likelihood_rows, effort.steps)
    if kind == "ensemble":
        own = parts[ENSEMBLE_SEES] if len(parts) == len(TREATMENTS) else parts
        seen = slice(own[0].start, own[-1].stop)
        return fit_ensemble(examples, seen, seed, progress, what, effort.members, effort.schedule)
    path = ridge_path if kind == "ridge" else partial(plsr_path, components=effort.components)
    sharpness = SHARPNESS if kind == "committee" else PICK
    return fit_linear(path, examples, parts, seed, judged_as, sharpness)
